"""The worker's part of erasing people: what is theirs is overwritten or goes, a piece at a time."""
