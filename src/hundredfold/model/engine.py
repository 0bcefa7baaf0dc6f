"""Which engine answers for a model: scikit-learn, or its compiled form."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

COMPILED_FILE = "compiled.safetensors"
"""The name of the compiled form among a bundle's files."""


class Engine(StrEnum):
    """What runs a model."""

    SCIKIT_LEARN = "scikit-learn"
    """The files that the model was saved as, opened with scikit-learn."""
    COMPILED = "compiled"
    """The compiled form of the model. It needs no scikit-learn."""


class LibraryLayer(StrEnum):
    """The layer of libraries that a model needs. A version of the inference function has one of them."""

    DEPENDENCIES = "dependencies"
    """scikit-learn, SciPy, NumPy, joblib, and the decoder of records."""
    NUMPY = "numpy"
    """NumPy and the decoder of records."""
    DECODER = "decoder"
    """The decoder of records alone."""


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The engine of a model, and what speaks for it.

    Attributes
    ----------
    reason : why it is not compiled; empty if it is
    compared : how many records both engines answered alike before the compiled form was taken
    largest_difference : the largest difference of their scores or numbers, rounded to one digit
    both_refused : how many of those records both engines refuse
    tolerance : the largest difference that is allowed
    numpy : whether the compiled form needs NumPy
    """

    engine: Engine = Engine.SCIKIT_LEARN
    reason: str = ""
    compared: int = 0
    largest_difference: float = 0.0
    both_refused: int = 0
    tolerance: float = 0.0
    numpy: bool = False

    @property
    def layer(self) -> LibraryLayer:
        """The layer of libraries that the model needs."""
        if self.engine is Engine.SCIKIT_LEARN:
            return LibraryLayer.DEPENDENCIES
        return LibraryLayer.NUMPY if self.numpy else LibraryLayer.DECODER

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read the `engine` of a card. Raise KeyError, TypeError or ValueError if it is malformed."""
        engine = Engine(data["name"])
        if engine is Engine.SCIKIT_LEARN:
            return cls(engine, reason=str(data.get("reason", "")))
        return cls(
            engine,
            compared=int(data["compared"]),
            largest_difference=float(data["largest_difference"]),
            both_refused=int(data["both_refused"]),
            tolerance=float(data["tolerance"]),
            numpy=bool(data["numpy"]),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return what the card says."""
        if self.engine is Engine.SCIKIT_LEARN:
            return {"name": self.engine.value, "reason": self.reason}
        return {
            "name": self.engine.value,
            "compared": self.compared,
            "largest_difference": self.largest_difference,
            "both_refused": self.both_refused,
            "tolerance": self.tolerance,
            "numpy": self.numpy,
        }

    def __str__(self) -> str:
        if self.engine is Engine.SCIKIT_LEARN:
            return f"{self.engine}: {self.reason}" if self.reason else str(self.engine)
        return (
            f"{self.engine}: {self.compared:,} records answered as by scikit-learn, "
            f"largest difference {self.largest_difference:.0e} of {self.tolerance:.0e} allowed"
        )
