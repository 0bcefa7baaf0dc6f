"""Stacks: what is deployed, on the local stack or on AWS."""
