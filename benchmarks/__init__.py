"""How fast schemalint is, beside another linter."""
