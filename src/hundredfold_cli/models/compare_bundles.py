"""Scoring the same records with two bundles, here, each in the environment that its own inference has."""

import json
import tempfile
from pathlib import Path

from hundredfold.errors import BundleRefusedError, InvalidIngestError
from hundredfold_cli.ingests.outcomes import read_manifest
from hundredfold_cli.ingests.status import ingest_status
from hundredfold_cli.models.comparison import Answer, Comparison
from hundredfold_cli.models.comparison import compare as compare_answers
from hundredfold_cli.models.environment import run_in_inference
from hundredfold_cli.models.packaging import read_bundle
from hundredfold_cli.stack.deployment import Deployment

SCORE = "hundredfold_cli.models.score_records"


def write_records_of(deployment: Deployment, ingest_id: str, file: Path) -> Path:
    """Write an ingest's records, as its source still has them, into a file."""
    plan = ingest_status(deployment, ingest_id).plan
    if plan is None:
        raise InvalidIngestError(f"ingest {ingest_id} was never planned, so it has no records to compare on")
    sources = [plan.pinned] if plan.pinned else dict.fromkeys(map(plan.pinned_of, read_manifest(deployment, plan)))
    with file.open("wb") as records:
        for source in sources:
            for part in deployment.sources.stream(source):
                records.write(part)
            records.write(b"\n")
    return file


def compare_bundles(one: Path, other: Path, records: Path) -> list[Comparison]:
    """Score a file of records with two bundles, and compare the answers.

    Raises
    ------
    BundleRefusedError
        If one of them cannot be loaded, or they have no output in common.
    """
    with tempfile.TemporaryDirectory() as folder:
        lines = [line for line in _read(records).splitlines() if line.strip()]
        given = Path(folder) / "records.jsonl"
        given.write_bytes(b"\n".join(lines))
        answers = [_score(bundle, given, Path(folder) / "answers.jsonl") for bundle in (one, other)]
    found = compare_answers([_id_of(line, number) for number, line in enumerate(lines, start=1)], *answers)
    if not found:
        raise BundleRefusedError("the two models answer none of these records in common: do their signatures fit them?")
    return found


def _score(bundle: Path, records: Path, answers: Path) -> list[Answer]:
    card, _ = read_bundle(bundle)
    done = run_in_inference(card.requires, SCORE, str(bundle), str(records), str(answers))
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise BundleRefusedError(f"model {card.name} cannot score the records: {last[0]}")
    return [json.loads(line) for line in answers.read_text().splitlines()]


def _read(records: Path) -> bytes:
    try:
        return records.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise InvalidIngestError(f"cannot read {records}: {error.strerror}") from None


def _id_of(line: bytes, number: int) -> str:
    try:
        return str(json.loads(line)["id"])
    except (ValueError, TypeError, KeyError):
        return f"line {number}"
