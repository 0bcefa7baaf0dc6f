"""Scoring records with a bundle here, in the environment that its inference has."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hundredfold.errors import BundleRefusedError
from hundredfold_cli.models.comparison import Answer
from hundredfold_cli.models.environment import run_in_inference
from hundredfold_cli.models.packaging import read_bundle

_SCORE_RECORDS = "hundredfold_cli.models.score_records"


def score_lines(bundle: Path, lines: Sequence[bytes], *, converts: bool = False) -> list[Answer]:
    """Score records with a bundle.

    Parameters
    ----------
    bundle : its folder
    lines : one record each, as JSON without a line feed
    converts : whether values are converted to the signature's types, as those of CSV are

    Returns
    -------
    answers : one for each line; None for a record that the model rejects

    Raises
    ------
    BundleRefusedError
        If the bundle cannot be loaded.
    """
    card, _ = read_bundle(bundle)
    with tempfile.TemporaryDirectory() as folder:
        records, answers = Path(folder) / "records.jsonl", Path(folder) / "answers.jsonl"
        records.write_bytes(b"".join(line + b"\n" for line in lines))
        options = ["--converts"] if converts else []
        process = run_in_inference(card.requires, _SCORE_RECORDS, str(bundle), str(records), str(answers), *options)
        if process.returncode:
            last = process.stderr.strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
            raise BundleRefusedError(f"model {card.name} cannot score the records: {last[0]}")
        return [json.loads(line) for line in answers.read_text().splitlines()]
