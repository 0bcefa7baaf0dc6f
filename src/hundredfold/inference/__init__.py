"""Inferring a batch, or what comes on a stream: read, decode, predict, store."""
