"""What was decided about findings is of no use, or does not hold any more."""
