"""Do the predictions of an ingest equal the model's own answers, called in one process on the same records?

Reads back every record and prediction of an ingest on the local stack, lets the example's model answer for all records
at once, and compares every label and every score. Exits with 1 on any difference, and on any record that has neither a
prediction nor a rejection.
"""

import argparse
import json
import sys
from dataclasses import dataclass, field

import joblib

from bench.fresh_stack import MODEL, say
from hundredfold.errors import HundredfoldError
from hundredfold.ingest import Plan
from hundredfold_cli.ingests.outcomes import read_batches, read_manifest
from hundredfold_cli.ingests.status import ingest_status, newest_ingest
from hundredfold_cli.stack.checkout import LOCAL
from hundredfold_cli.stack.deployment import STACK_NAME, Deployment
from hundredfold_cli.stack.local_stack import LocalStack

_SCORE_TOLERANCE = 1e-6


@dataclass(slots=True)
class Found:
    """What an ingest left: the text of each record that was predicted, with its label and score, in order."""

    texts: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    rejected: int = 0
    missing: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ingest_id", nargs="?", help="the ingest's id (default: the newest one)")
    arguments = parser.parse_args()
    if not MODEL.exists():
        sys.exit(f"{MODEL} is not there; run: make build")
    process = LocalStack(LOCAL).running()
    if process is None:
        sys.exit("the local stack is not running; start it with: make up")
    try:
        deployment = process.deployment(STACK_NAME)
        ingest_id = arguments.ingest_id or newest_ingest(deployment)
        now = ingest_status(deployment, ingest_id)
    except HundredfoldError as error:
        sys.exit(str(error))
    if now.plan is None or not now.ended:
        sys.exit(f"ingest {ingest_id} has not ended, or was never planned; there is nothing to compare yet")
    if not _compare(ingest_id, _read_back(deployment, now.plan)):
        sys.exit(1)


def _read_back(deployment: Deployment, plan: Plan) -> Found:
    found = Found()
    for read in read_batches(deployment, plan, read_manifest(deployment, plan)):
        for line in read.lines:
            if line.number in read.rejections:
                found.rejected += 1
            elif line.record_id is not None and line.record_id in read.predictions:
                prediction = read.predictions[line.record_id]
                found.texts.append(json.loads(line.content)["text"])
                found.labels.append(prediction["label"])
                found.scores.append(prediction["score"])
            else:
                found.missing += 1
    return found


def _compare(ingest_id: str, found: Found) -> bool:
    """Print how the predictions stand against the model's own answers; return whether they are the same."""
    say(f"ingest {ingest_id}: {len(found.texts):,} predicted, {found.rejected:,} rejected, {found.missing:,} missing")
    if not found.texts:
        say("there is no prediction to compare")
        return False
    model = joblib.load(MODEL)
    probabilities = model.predict_proba(found.texts)
    labels = [str(label) for label in model.classes_[probabilities.argmax(axis=1)]]
    differences = [abs(own - stored) for own, stored in zip(probabilities.max(axis=1), found.scores, strict=True)]
    unlike_labels = sum(own != stored for own, stored in zip(labels, found.labels, strict=True))
    # Not `> tolerance`: a score that is not a number is a difference too.
    unlike_scores = sum(not difference <= _SCORE_TOLERANCE for difference in differences)
    say(f"labels that differ: {unlike_labels:,}")
    say(f"scores that differ by more than {_SCORE_TOLERANCE:g}: {unlike_scores:,} (at most {max(differences):.1e})")
    return not (unlike_labels or unlike_scores or found.missing)


if __name__ == "__main__":
    main()
