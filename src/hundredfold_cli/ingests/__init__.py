"""Ingests: starting, following, resuming, reading and checking them."""
