"""The model layer: the deployed bundle as package data, found by `importlib.resources` wherever it is imported."""

from importlib.resources import files
from importlib.resources.abc import Traversable


def bundle_folder() -> Traversable:
    """Return the folder that holds the bundle's card and joblib files."""
    return files(__name__) / "bundle"
