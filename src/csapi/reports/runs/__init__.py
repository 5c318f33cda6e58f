"""Comparison reports: saved sets of questions, and runs that freeze their answers."""
