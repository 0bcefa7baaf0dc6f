"""Everything that reads takes good input, some hostile input, and each input that it once failed for."""

from pathlib import Path

import pytest

from tests.fuzz.find import failure_of, fuzz
from tests.fuzz.subjects import SUBJECTS, Subject

CORPUS = Path(__file__).parent / "corpus"
INPUTS = 150


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_good_input_is_taken(subject: Subject) -> None:
    for sample in subject.samples:
        subject.call(sample)


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_hostile_input_is_taken_or_refused(subject: Subject) -> None:
    assert list(fuzz(subject, seed=20_261_124, inputs=INPUTS)) == []


def test_no_input_fails_again() -> None:
    names = {subject.name.replace(" ", "-"): subject for subject in SUBJECTS}
    for file in sorted(CORPUS.iterdir()):
        if file.name != "README.md":
            subject = names[file.name.rpartition("-")[0]]
            assert failure_of(subject, file.read_bytes()) == "", file.name
