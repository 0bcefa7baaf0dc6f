"""The simulation must find bugs: here some that are planted.

`python -m tests.simulation.planted` looks for the first seed that finds each of them, which takes long.
"""

from typing import Final

import pytest

from tests.simulation.planted.bugs import BUGS
from tests.simulation.planted.finding import first_seed_that_finds
from tests.simulation.planted.patching import PlantedBug

SOON_FOUND: Final = (
    "the ledger is written before the predictions",
    "rejections are stored after the ledger's entry",
    "items that DynamoDB leaves unprocessed are dropped",
    "the version of the model is looked up for each batch",
    "the ledger is read eventually consistent",
    "a resume takes a batch that failed for one that is done",
)
"""Bugs that were found within the first ten seeds. Others need up to some thousands."""
SEEDS: Final = 150
"""How many seeds are tried. A change of our code or of the scenarios gives each seed another night."""


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_fits_the_source(bug: PlantedBug) -> None:
    assert bug.text()


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug.name in SOON_FOUND], ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: PlantedBug) -> None:
    assert first_seed_that_finds(bug, range(SEEDS))
