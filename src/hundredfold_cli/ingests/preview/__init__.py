"""Before anything is uploaded: what a source is by its content, and whether its first records fit the live model."""
