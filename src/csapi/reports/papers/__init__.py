"""What people read of a run: a summary in words, and papers (PDF and spreadsheets)."""
