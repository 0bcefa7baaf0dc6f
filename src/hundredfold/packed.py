"""Packed predictions: those of a batch together, as gzip of JSON with a column for each attribute.

docs/packed.md describes the format for readers in other languages.
"""

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hundredfold.records import Label, Prediction, Score, stored_number

PART_BYTES = 350_000
"""The most bytes of a part. DynamoDB takes items of 400 KB, and the first part shares its item with the ledger entry.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html (2026-11)"""

_LEVEL = 6
"""Of zlib. For 100 predictions, level 1 takes 14 us; level 6 takes 27 us, for 22 bytes less. Level 9 gives the same."""
_GZIP = 16 + zlib.MAX_WBITS
"""Makes zlib write and read gzip. It writes no time, so the same predictions give the same bytes."""

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class PackedPredictions:
    """The predictions of a batch, to be stored with its ledger entry."""

    model_version: str
    predictions: Sequence[Prediction]

    def parts(self, predicted_at: str, *, part_bytes: int = PART_BYTES) -> list[bytes]:
        """Encode the predictions, in as few parts as fit.

        Each part can be read by itself. Without predictions there is no part.

        Parameters
        ----------
        predicted_at : ISO 8601
        part_bytes : the most bytes of a part; a part of a single prediction may be larger
        """
        return list(self._parts(self.predictions, predicted_at, part_bytes))

    def _parts(self, predictions: Sequence[Prediction], predicted_at: str, part_bytes: int) -> Iterator[bytes]:
        if not predictions:
            return
        columns = {
            "model_version": self.model_version,
            "predicted_at": predicted_at,
            "ids": [prediction.record_id for prediction in predictions],
            **_columns(
                [prediction.label for prediction in predictions], [prediction.score for prediction in predictions]
            ),
        }
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        part = packer.compress(_encode(columns).encode()) + packer.flush()
        if len(part) <= part_bytes or len(predictions) == 1:
            yield part
            return
        half = len(predictions) // 2
        yield from self._parts(predictions[:half], predicted_at, part_bytes)
        yield from self._parts(predictions[half:], predicted_at, part_bytes)


def unpack(part: bytes) -> Iterator[dict[str, Any]]:
    """Decode a part: yield each prediction by the names under which the layout `item` stores it.

    Raises
    ------
    ValueError
        If it is no such part, or damaged.
    """
    columns = _columns_of(part)
    try:
        made_by = {name: columns[name] for name in ("model_version", "predicted_at")}
        for record_id, answer in zip(columns["ids"], _answers(columns, len(columns["ids"])), strict=True):
            yield {"record_id": record_id, **answer, **made_by}
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"the columns of packed predictions do not fit together: {error!r}") from None


def ids_of(part: bytes) -> list[str]:
    """Decode only the ids of a part's records. Raise ValueError as `unpack` does."""
    ids: list[str] = _columns_of(part).get("ids", [])
    return ids


def _columns_of(part: bytes) -> dict[str, Any]:
    try:
        columns: dict[str, Any] = json.loads(zlib.decompress(part, _GZIP))
    except (zlib.error, ValueError) as error:
        raise ValueError(f"packed predictions are damaged: {error}") from None
    return columns


def _columns(labels: Sequence[Label], scores: Sequence[Score]) -> dict[str, Any]:
    """Return answers as columns. One model made them, so all have the same shape."""
    first = labels[0]
    if isinstance(first, Mapping):
        return {"outputs": {name: _output_columns(name, labels, scores) for name in first}}
    if isinstance(first, float):
        return {"value": [stored_number(label) for label in labels]}  # type: ignore[arg-type]
    # A label is mostly one of a few. Its place in their list takes half the time to compress that its name does.
    distinct = list(dict.fromkeys(labels))
    places = {label: place for place, label in enumerate(distinct)}
    columns = {"labels": distinct, "label": [places[label] for label in labels]}
    return columns if all(score is None for score in scores) else {**columns, "score": list(scores)}


def _output_columns(name: str, labels: Sequence[Any], scores: Sequence[Any]) -> dict[str, Any]:
    return _columns([label[name] for label in labels], [score[name] if score else None for score in scores])


def _answers(columns: Mapping[str, Any], count: int) -> Iterator[dict[str, Any]]:
    """Yield the answers in columns, as `hundredfold.aws.predictions` stores each."""
    if "outputs" in columns:
        outputs = {name: _answers(output, count) for name, output in columns["outputs"].items()}
        for _ in range(count):
            yield {"outputs": {name: next(answers) for name, answers in outputs.items()}}
    elif "value" in columns:
        for value in columns["value"]:
            yield {"value": float(value)}
    else:
        labels = columns["labels"]
        scores = columns.get("score", [None] * count)
        for place, score in zip(columns["label"], scores, strict=True):
            yield {"label": labels[place]} if score is None else {"label": labels[place], "score": float(score)}
