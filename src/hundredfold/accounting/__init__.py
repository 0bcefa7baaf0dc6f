"""Accounting for an ingest: the summary, its usage and bill, and the notification of its end."""
