"""Planning an ingest: pin the source and the model, cut it into batches, write the manifest."""
