"""A shadow: another model on a sample of an ingest's batches, as an ingest of its own.

It has its own execution, ledger, predictions and summary under its own id, so nothing that becomes of it can touch the
ingest that it shadows.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from hundredfold.batches import Batch
from hundredfold.errors import InvalidIngestError

SHADOW = ".shadow-"
"""Stands between an ingest's id and the version of the model that shadows it."""

_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Shadow:
    """What a shadow does: which ingest it is of, with which version of the inference function, on which share of it."""

    shadowed: str
    version: str
    sample: float

    @property
    def ingest_id(self) -> str:
        """The id of the shadow's own ingest."""
        end = f"{SHADOW}{self.version}"
        return self.shadowed[: _LONGEST - len(end)] + end

    def choose(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Yield its share of the batches, always the same ones; the first is always among them."""
        for batch in batches:
            digest = hashlib.sha256(f"{self.shadowed}#{batch.batch}".encode()).digest()
            if batch.batch == 0 or int.from_bytes(digest[:8]) < self.sample * 2**64:
                yield batch

    def as_input(self) -> dict[str, Any]:
        """Return it as part of an execution's input."""
        return {"ingest_id": self.shadowed, "version": self.version, "sample": self.sample}


def shadow_from_input(execution_input: object) -> Shadow | None:
    """Read `{"shadow": {"ingest_id": …, "version": …, "sample": …}}` of an execution's input; None if it has none.

    Raises
    ------
    InvalidIngestError
        If it makes no sense; the message shows the right shape.
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
