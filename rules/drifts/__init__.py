"""The two tables, or what was agreed on about them, move apart."""
