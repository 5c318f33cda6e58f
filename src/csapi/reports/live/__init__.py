"""What is going on now: fixed questions about today so far, from one snapshot."""
