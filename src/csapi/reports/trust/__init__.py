"""The trust report: what of the data that came cannot carry the numbers that are made of it."""
