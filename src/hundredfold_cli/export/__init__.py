"""Exporting results: their columns, their formats, and where they are written to."""
