"""The kinds of steps, one file for each family."""
