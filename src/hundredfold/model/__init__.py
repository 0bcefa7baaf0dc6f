"""The model: its signature, its card, its bundle, what it answers, and its drift."""
