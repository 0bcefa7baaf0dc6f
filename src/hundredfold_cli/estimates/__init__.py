"""Estimates of what an ingest will cost, before anything runs."""
