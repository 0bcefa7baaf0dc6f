"""Kinds of models that people bring: each is fitted, saved, packaged with a sample only, and scored."""
