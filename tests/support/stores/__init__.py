"""The stores of an ingest: altered one thing at a time, and put back."""
