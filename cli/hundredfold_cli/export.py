"""Writing predictions and rejections as JSON Lines or CSV."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

from hundredfold.errors import InvalidIngestError

from hundredfold_cli.answers import columns_of

PREDICTION_COLUMNS = ("record_id", "model_version", "predicted_at", "batch")
"""Of every prediction; after its id come the columns of its answer."""

REJECTION_COLUMNS = ("record_id", "reason", "detail", "line", "offset", "batch")


class Format(StrEnum):
    """How results are written."""

    JSONL = "jsonl"
    CSV = "csv"


def with_answer_columns(
    predictions: Iterable[Mapping[str, Any]],
) -> tuple[Iterator[Mapping[str, Any]], Sequence[str]]:
    """Return predictions with their answers as columns, and the names of all columns.

    All predictions of an ingest are one model's, so the first one tells the columns of all.
    """
    rows = iter(predictions)
    first = list(islice(rows, 1))
    answer = columns_of(first[0]) if first else {"label": None, "score": None}
    identity, *rest = PREDICTION_COLUMNS
    flat = ({**prediction, **columns_of(prediction)} for prediction in chain(first, rows))
    return flat, (identity, *answer, *rest)


def export(
    rows: Iterable[Mapping[str, Any]],
    columns: Sequence[str],
    format_: Format,
    output: Path | None,
    standard: TextIO,
) -> int:
    """Write the columns of all rows, and return how many rows there were.

    Parameters
    ----------
    output : the file to write, which has that name only once it is whole; None for `standard`

    Raises
    ------
    InvalidIngestError
        If the file cannot be written.
    """
    write = _write_csv if format_ is Format.CSV else _write_jsonl
    if output is None:
        return write(rows, columns, standard)
    unfinished = output.with_name(output.name + ".unfinished")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            count = write(rows, columns, file)
        unfinished.replace(output)
    except OSError as error:
        raise InvalidIngestError(f"cannot write {output}: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def _write_jsonl(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], file: TextIO) -> int:
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007 - the count is the result
        file.write(json.dumps({column: row[column] for column in columns}, ensure_ascii=False) + "\n")
    return count


def _write_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], file: TextIO) -> int:
    count = 0
    writer = csv.writer(file)
    writer.writerow(columns)
    for count, row in enumerate(rows, start=1):  # noqa: B007 - the count is the result
        writer.writerow([row[column] for column in columns])
    return count
