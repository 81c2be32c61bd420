"""Writes succeed, and the copy does not get the row, or gets another value."""
