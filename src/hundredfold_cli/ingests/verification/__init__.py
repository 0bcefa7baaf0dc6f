"""Verification: recount an ingest from its source, and compare every store with it.

The source is read again as a whole, through the libraries of its format. Nothing here shares code with the planner,
so a fault of the planner cannot hide itself.
"""
