"""The migration applies, and from then on writes raise an error."""
