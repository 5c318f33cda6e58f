"""What people turn to us about: topics by severity, where they come from and where they go."""
