"""Goals: where a metric is to be by when, and whether it gets there."""
