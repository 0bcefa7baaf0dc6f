"""Comparing two bundles here: both score the same records, each in the environment that its inference has."""

import json
from pathlib import Path

from hundredfold.errors import BundleRefusedError, InvalidIngestError
from hundredfold_cli.models.comparison import Comparison, compare_answers
from hundredfold_cli.models.scoring import score_lines


def compare_bundles(first: Path, second: Path, records: Path) -> list[Comparison]:
    """Score a file of records with two bundles, and compare the answers.

    Parameters
    ----------
    first, second : the bundles' folders
    records : as JSON Lines; empty lines are left out

    Raises
    ------
    InvalidIngestError
        If the records cannot be read.
    BundleRefusedError
        If a bundle cannot be loaded, or the two have no output in common.
    """
    lines = [line for line in _read(records).splitlines() if line.strip()]
    answers = [score_lines(bundle, lines) for bundle in (first, second)]
    ids = [_record_id(line, number) for number, line in enumerate(lines, start=1)]
    comparisons = compare_answers(ids, *answers)
    if not comparisons:
        raise BundleRefusedError(
            "the two models answer none of these records in common; check that the records fit both signatures"
        )
    return comparisons


def _read(records: Path) -> bytes:
    try:
        return records.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise InvalidIngestError(f"cannot read {records}: {error.strerror}") from None


def _record_id(line: bytes, number: int) -> str:
    try:
        return str(json.loads(line)["id"])
    except (ValueError, TypeError, KeyError):
        return f"line {number}"
