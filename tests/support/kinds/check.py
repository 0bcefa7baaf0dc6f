"""Holds the answers to a kind's records against the estimator's own."""

import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib

HERE = Path(__file__).parent
CODE = HERE / "my_features.py"
FORMATS = ("jsonl", "csv", "parquet")
TOLERANCE = 1e-9

WITH_CODE = {"own_transformer", "named_function"}
"""Kinds whose files import the user's own module."""
WITH_PACKAGES = {"lightgbm": "lightgbm", "xgboost": "xgboost-cpu"}
"""Kinds that need a package which the project itself lacks."""
REFUSED = {
    "another_version": "was saved with scikit-learn 1.8.0, and inference runs",
    "of_the_script": "of the script or notebook that saved it (__main__)",
}
"""Kinds that are refused when they are packaged, and what the message says."""


@dataclass(frozen=True)
class Kind:
    """A kind of model: its folder, as `fit.py` wrote it."""

    name: str
    folder: Path

    @property
    def files(self) -> list[Path]:
        names = ("words.joblib", "weights.joblib", "model.joblib")
        return [self.folder / name for name in names if (self.folder / name).exists()]

    @property
    def answers(self) -> list[Any]:
        """The estimator's own: label and score of each record, or None."""
        answers: list[Any] = json.loads((self.folder / "answers.json").read_text())
        return answers

    def records(self, format_: str) -> Path:
        return self.folder / f"records.{format_}"


def fit(python: Path | str, folder: Path, kinds: Sequence[str]) -> dict[str, Kind]:
    """Fit kinds in a script of their own, as a user does, and write their records as Parquet too."""
    subprocess.run([str(python), "-P", str(HERE / "fit.py"), str(folder), *kinds], check=True)
    fitted = {name: Kind(name, folder / name) for name in kinds}
    for kind in fitted.values():
        joblib.load(kind.folder / "frame.pkl").to_parquet(kind.records("parquet"), index=False)
    return fitted


def fit_here(folder: Path, kinds: Sequence[str]) -> dict[str, Kind]:
    """Fit kinds that need no more packages than the project has."""
    return fit(sys.executable, folder, kinds)


def differences(kind: Kind, answers: Mapping[str, Any]) -> list[str]:
    """Return which records are answered otherwise than by the estimator itself.

    Parameters
    ----------
    answers : by record id: label and score; records that were rejected are not there
    """
    expected = {f"r{number}": answer for number, answer in enumerate(kind.answers)}
    return [
        f"{record_id}: {answers.get(record_id)} and not {answer}"
        for record_id, answer in expected.items()
        if not _same(answer, answers.get(record_id))
    ]


def _same(expected: Any, answer: Any) -> bool:
    if expected is None or answer is None:
        return expected is answer
    (label, score), (answered, answered_score) = expected, answer
    if isinstance(label, list):
        scores = score or [None] * len(label)
        answered_scores = list((answered_score or dict.fromkeys(answered)).values())
        pairs = zip(label, scores, list(answered.values()), answered_scores, strict=True)
        return all(_same((one, its_score), (other, other_score)) for one, its_score, other, other_score in pairs)
    return _equal(label, answered) and _equal(score, answered_score)


def _equal(expected: Any, value: Any) -> bool:
    if isinstance(expected, float) and isinstance(value, float):
        return math.isclose(expected, value, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return type(expected) is type(value) and bool(expected == value)
