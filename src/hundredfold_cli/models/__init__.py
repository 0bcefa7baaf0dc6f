"""Models: packaging, comparing and releasing them."""
