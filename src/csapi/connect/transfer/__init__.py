"""From a file to the public API: read rows, map them, send them in batches, account for each."""
