"""The migration cannot be applied."""
