"""Predicting an ingest's records again here, with the bundle of the version that it is pinned to."""

import random
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hundredfold.ingest import Plan
from hundredfold.model.smoke import same_answer
from hundredfold_cli.errors import NotThereError
from hundredfold_cli.ingests.answers import model_answer
from hundredfold_cli.ingests.verification.findings import Store, Verification
from hundredfold_cli.ingests.verification.verify import Answered
from hundredfold_cli.models.releases import Releases
from hundredfold_cli.models.scoring import score_lines
from hundredfold_cli.stack.deployment import Deployment


@dataclass(slots=True)
class Sample:
    """Records that are to be predicted again: each of the offered ones with the same chance.

    Attributes
    ----------
    size : how many to keep; None keeps all
    """

    size: int | None
    kept: list[Answered] = field(default_factory=list)
    offered: int = 0
    chance: random.Random = field(default_factory=random.Random)

    def offer(self, answered: Answered) -> None:
        """Keep a record, perhaps in place of another one."""
        self.offered += 1
        if self.size is None or len(self.kept) < self.size:
            self.kept.append(answered)
        elif (place := self.chance.randrange(self.offered)) < self.size:
            self.kept[place] = answered


def predict_again(deployment: Deployment, plan: Plan, answered: Iterable[Answered], verification: Verification) -> None:
    """Predict records again, and compare labels and scores with what is stored.

    Parameters
    ----------
    answered : records with their stored predictions; None for what the model could not predict
    verification : gets the problems, and the number of records

    Raises
    ------
    BundleRefusedError
        If a bundle cannot be loaded here.
    """
    by_version: dict[str, list[Answered]] = {}
    for record in answered:
        version = str(record[1]["model_version"]) if record[1] else plan.model.version
        by_version.setdefault(version, []).append(record)
    for version, records in by_version.items():
        _predict_again(deployment, plan, version, records, verification)


def _predict_again(
    deployment: Deployment, plan: Plan, number: str, records: list[Answered], verification: Verification
) -> None:
    releases = Releases(deployment)
    with tempfile.TemporaryDirectory() as folder:
        try:
            bundle = releases.layers.unpack(releases.version(number).model_layer, Path(folder))
        except NotThereError as error:
            verification.leave_out(f"{len(records):,} records were not predicted again: {error}")
            return
        lines = [judgement.line.content.replace(b"\n", b" ") for judgement, _ in records]
        answers = score_lines(bundle, lines, converts=plan.spec.converts)
    verification.predicted_again = (verification.predicted_again or 0) + len(records)
    for (judgement, prediction), answer in zip(records, answers, strict=True):
        stored = model_answer(prediction)
        if not same_answer(answer, stored):
            verification.add(
                Store.PREDICTIONS,
                f"record {judgement.record_id!r}: version {number} answers {answer} here, and stored is {stored}",
            )
