"""What is new among what people turn to us about, and what is more than it ever was."""
