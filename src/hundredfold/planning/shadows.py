"""A shadow: another model scores a sample of an ingest's batches, as an ingest of its own.

It has its own id, execution, ledger entries, predictions and summary. So it cannot affect the ingest that it shadows.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from hundredfold.batches import Batch
from hundredfold.errors import InvalidIngestError
from hundredfold.ingest import MOST_ID_CHARACTERS

SHADOW = ".shadow-"
"""Separates the id of the shadowed ingest from the version of the model in a shadow's id."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """A shadow of an ingest.

    Attributes
    ----------
    shadowed : the id of the ingest that it shadows
    version : the version of the inference function that it uses
    sample : the share of the batches that it scores, over 0 and up to 1
    """

    shadowed: str
    version: str
    sample: float

    @property
    def ingest_id(self) -> str:
        """The id of the shadow's own ingest."""
        end = f"{SHADOW}{self.version}"
        return self.shadowed[: MOST_ID_CHARACTERS - len(end)] + end

    def choose(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Yield the shadow's share of the batches. It is always the same, and it always has the first batch."""
        for batch in batches:
            digest = hashlib.sha256(f"{self.shadowed}#{batch.batch}".encode()).digest()
            if batch.batch == 0 or int.from_bytes(digest[:8]) < self.sample * 2**64:
                yield batch

    def as_input(self) -> dict[str, Any]:
        """Return the `shadow` of an execution's input."""
        return {"ingest_id": self.shadowed, "version": self.version, "sample": self.sample}


def shadow_from_input(execution_input: object) -> Shadow | None:
    """Read the shadow of `{"shadow": {"ingest_id": …, "version": …, "sample": …}}`. Return None if there is none.

    Raises
    ------
    InvalidIngestError
        If it has another shape. The message shows the right one.
    """
    if not isinstance(execution_input, dict) or "shadow" not in execution_input:
        return None
    shadow = execution_input["shadow"]
    if (
        isinstance(shadow, dict)
        and isinstance(shadow.get("ingest_id"), str)
        and re.fullmatch(r"[1-9]\d*", str(shadow.get("version")))
        and isinstance(shadow.get("sample"), float | int)
        and 0 < shadow["sample"] <= 1
    ):
        return Shadow(shadow["ingest_id"], str(shadow["version"]), float(shadow["sample"]))
    raise InvalidIngestError('a shadow must be {"ingest_id": "<ingest>", "version": "<number>", "sample": <0 to 1>}')
