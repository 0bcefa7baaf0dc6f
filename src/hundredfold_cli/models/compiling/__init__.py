"""Compiling a fitted scikit-learn model, and the gate that holds both engines against each other.

This part needs scikit-learn. It runs where a model is packaged, and never in a function.
"""
