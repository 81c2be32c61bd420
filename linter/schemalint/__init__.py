"""Lints SQL migrations of projects that keep two tables in step with triggers."""

__version__ = "0.1.0"
