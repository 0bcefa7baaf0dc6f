"""The model: its signature, card and bundle, its output, its drift, and the smoke test of a release."""
