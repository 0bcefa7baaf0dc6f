"""Comparing two bundles here: both score the same records, each in the environment that its inference has."""

import json
import tempfile
from pathlib import Path

from hundredfold.errors import BundleRefusedError, InvalidIngestError
from hundredfold_cli.models.comparison import Answer, Comparison, compare_answers
from hundredfold_cli.models.environment import run_in_inference
from hundredfold_cli.models.packaging import read_bundle

_SCORE_RECORDS = "hundredfold_cli.models.score_records"


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
    with tempfile.TemporaryDirectory() as folder:
        lines = [line for line in _read(records).splitlines() if line.strip()]
        clean_records = Path(folder) / "records.jsonl"
        clean_records.write_bytes(b"\n".join(lines))
        answers = [_score(bundle, clean_records, Path(folder) / "answers.jsonl") for bundle in (first, second)]
    ids = [_record_id(line, number) for number, line in enumerate(lines, start=1)]
    comparisons = compare_answers(ids, *answers)
    if not comparisons:
        raise BundleRefusedError(
            "the two models answer none of these records in common; check that the records fit both signatures"
        )
    return comparisons


def _score(bundle: Path, records: Path, answers: Path) -> list[Answer]:
    card, _ = read_bundle(bundle)
    process = run_in_inference(card.requires, _SCORE_RECORDS, str(bundle), str(records), str(answers))
    if process.returncode:
        last = process.stderr.strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
        raise BundleRefusedError(f"model {card.name} cannot score the records: {last[0]}")
    return [json.loads(line) for line in answers.read_text().splitlines()]


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
