"""Inference: read, decode, predict and store a batch, or the records of a stream's event."""
