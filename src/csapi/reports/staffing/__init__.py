"""Staffing: how many people the work needs, who was there, and what is likely to come."""
