"""Alerts: a metric beyond a bound, moving the wrong way, or out of its usual range."""
