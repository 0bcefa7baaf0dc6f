"""Compiled models: a fitted scikit-learn estimator as numbers, strings and a list of steps.

`form` reads and writes the file, `registry` lists the kinds of steps, `engine` predicts. Nothing here imports
scikit-learn, SciPy or joblib, and nothing in the file can run. scikit-learn stays the judge: a model is compiled by the
command, which refuses the compiled form at the first answer that differs.
"""
