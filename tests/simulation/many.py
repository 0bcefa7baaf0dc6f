"""Runs many seeds, and counts what came of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from tests.simulation import substitutes
from tests.simulation.run import simulate
from tests.simulation.scenario import draw


@dataclass
class Tally:
    """What came of many seeds.

    Attributes
    ----------
    failed : seeds, each with its first problem
    seconds : of virtual time
    """

    seeds: int = 0
    injected: int = 0
    steps: int = 0
    seconds: float = 0.0
    failed: dict[int, str] = field(default_factory=dict)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.seeds + other.seeds,
            self.injected + other.injected,
            self.steps + other.steps,
            self.seconds + other.seconds,
            self.failed | other.failed,
        )

    def __str__(self) -> str:
        return (
            f"{self.seeds:,} seeds: {self.steps:,} steps, {self.injected:,} faults, "
            f"{self.seconds / 3600:,.1f} hours of virtual time, {len(self.failed)} failed"
        )


def run_seeds(seeds: Iterable[int]) -> Tally:
    """Run seeds, one after the other, in this process."""
    tally = Tally()
    with substitutes.installed():
        for seed in seeds:
            result = simulate(draw(seed))
            tally.seeds += 1
            tally.injected += result.injected
            tally.steps += result.steps
            tally.seconds += result.seconds
            if result.problems:
                tally.failed[seed] = str(result.problems[0])
    return tally


def seed_of_day(day: date) -> int:
    """Return the first seed of a day, so that each day explores others: 202611240000 for 2026-11-24."""
    return int(f"{day:%Y%m%d}") * 10_000
