"""The pages of the rules, installed with the package: `schemalint explain` prints them."""
