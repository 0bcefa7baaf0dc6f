"""Why a model is not compiled."""


class NotCompiledError(Exception):
    """A model has no compiled form, or its compiled form answers otherwise. scikit-learn runs it, as always."""
