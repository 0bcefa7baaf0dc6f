"""A sample: records like those to be scored. Its columns and types show what a model reads."""

import csv
import gzip
import io
import json
import math
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from hundredfold.errors import BundleRefusedError
from hundredfold_cli.models.environment import run_in_inference

SAMPLE_ROWS = 1000
"""How many records of a sample are read. All are predicted when the model is packaged."""

_READ_FRAME = "hundredfold_cli.models.read_frame"
_FRAMES = {".pkl", ".pickle", ".joblib"}
_DELIMITERS = ",;\t|"
_ID = "id"


@dataclass(frozen=True, slots=True)
class Sample:
    """Records like those to be scored.

    Attributes
    ----------
    records : the fields of each, without its id; a missing value is None
    converts : whether values are converted to the signature's types, as those of CSV and Parquet are
    name : of the file
    """

    records: tuple[Mapping[str, Any], ...] = ()
    converts: bool = False
    name: str = ""


def read_sample(file: Path, rows: int = SAMPLE_ROWS, kind: str = "sample") -> Sample:
    """Read the first records of JSON Lines, JSON, CSV, TSV, Parquet, or a pickled DataFrame.

    Parameters
    ----------
    rows : how many records are read at most
    kind : what errors call the file

    Raises
    ------
    BundleRefusedError
        If the file cannot be read, or has no records.
    """
    suffix = file.suffix.lower()
    try:
        if suffix in _FRAMES:
            records, converts = _read_frame(file, rows), False
        elif suffix == ".parquet":
            records, converts = list(islice(_parquet(file), rows)), True
        else:
            text = _text(file)
            converts = not text.lstrip().startswith(("{", "["))
            records = list(islice(_csv(text) if converts else _json(text), rows))
    except (OSError, ValueError, AttributeError, csv.Error) as error:
        raise BundleRefusedError(
            f"the {kind} {file} cannot be read: {error}; give JSON Lines, CSV, Parquet or a pickled DataFrame"
        ) from error
    if not records:
        raise BundleRefusedError(f"the {kind} {file} has no records")
    return Sample(tuple(without_id(record) for record in records), converts, file.name)


def without_id(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a record. NaN becomes None: both are missing values."""
    return {
        str(name): None if isinstance(value, float) and math.isnan(value) else value
        for name, value in record.items()
        if name != _ID
    }


def _text(file: Path) -> str:
    content = file.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    if b"\0" in content[:1000]:
        raise ValueError("it is no text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _json(text: str) -> Iterator[dict[str, Any]]:
    if text.lstrip().startswith("["):
        yield from json.loads(text)
    else:
        yield from (json.loads(line) for line in text.splitlines() if line.strip())


def _csv(text: str) -> Iterator[dict[str, Any]]:
    header = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=header.count)
    rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    # pandas writes the index of a table as a column without a name. It is no field.
    names = next(rows, [])
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        if len(row) != len(names):
            raise ValueError(f"row {number} has {len(row)} values, and the header names {len(names)} columns")
        yield {name: value for name, value in zip(names, row, strict=True) if name}


def _parquet(file: Path) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        for batch in ParquetFile(file).iter_batches(SAMPLE_ROWS):
            for row in batch.to_pylist():
                yield {name: _plain(value) for name, value in row.items() if not name.startswith("__index_level_")}
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _read_frame(file: Path, rows: int) -> list[dict[str, Any]]:
    """Read a pickled DataFrame in the environment of inference. Opening it runs it as code, as a model does."""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "frame.jsonl"
        process = run_in_inference(("pandas",), _READ_FRAME, str(file), str(lines), str(rows))
        if process.returncode:
            raise ValueError("\n".join(process.stderr.strip().splitlines()[-1:]))
        return list(_json(lines.read_text(encoding="utf-8")))
