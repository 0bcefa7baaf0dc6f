"""Planning: pin an ingest's source and model, find its batches, write its manifest."""
