"""What an annotated event changed, measured."""
