"""Agents by their numbers: all of them in a table, and one against past, team and peers."""
