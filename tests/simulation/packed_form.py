"""Reads packed predictions by the format that docs/packed.md describes, without the code that writes them."""

import gzip
import json
from collections.abc import Iterator, Mapping
from typing import Any


def unpacked(part: bytes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each prediction in a part with its record id."""
    columns = json.loads(gzip.decompress(part))
    made_by = {"model_version": columns["model_version"], "predicted_at": columns["predicted_at"]}
    for number, record_id in enumerate(columns["ids"]):
        label = columns["labels"][columns["label"][number]]
        yield record_id, {"label": label, "score": columns["score"][number], **made_by}
