"""Looks for the first seed that finds a planted bug."""

from collections.abc import Iterable

from tests.simulation import substitutes
from tests.simulation.planted.patching import PlantedBug, planted
from tests.simulation.run import simulate
from tests.simulation.scenario import draw


def first_seed_that_finds(bug: PlantedBug, seeds: Iterable[int]) -> tuple[int, str] | None:
    """Return the first seed that finds a bug, and what it found; None if none of them does."""
    definition = bug.definition
    with substitutes.installed(), planted(bug):
        for seed in seeds:
            problems = simulate(draw(seed), definition=definition).problems
            if problems:
                return seed, str(problems[0])
    return None
