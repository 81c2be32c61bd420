"""Somebody can read, write or redirect what they should not."""
