"""Shrinks a scenario that fails: takes away what the failure does not need."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from tests.simulation.scenario import Scenario

MOST_RUNS: Final = 400
"""How many smaller scenarios are tried: about ten seconds."""


def shrink(scenario: Scenario, fails: Callable[[Scenario], bool]) -> Scenario:
    """Return a scenario that still fails, and from which nothing more can be taken away alone.

    Parameters
    ----------
    fails : runs a scenario, and tells whether it fails as the first one does
    """
    runs = 0
    shrunk = True
    while shrunk:
        shrunk = False
        for smaller in _smaller(scenario):
            runs += 1
            if runs > MOST_RUNS:
                return scenario
            if fails(smaller):
                scenario, shrunk = smaller, True
                break
    return scenario


def _smaller(scenario: Scenario) -> Iterator[Scenario]:
    """Yield scenarios with less: first half of the faults, then single faults, actions and records."""
    faults, actions = scenario.faults, scenario.actions
    if len(faults) > 2:
        middle = len(faults) // 2
        yield replace(scenario, faults=faults[:middle])
        yield replace(scenario, faults=faults[middle:])
    for number in range(len(faults)):
        yield replace(scenario, faults=faults[:number] + faults[number + 1 :])
    for number in range(len(actions)):
        if len(actions) > 1:
            yield replace(scenario, actions=actions[:number] + actions[number + 1 :])
    for number, source in enumerate(scenario.sources):
        for lines in (source[: len(source) // 2], source[1:], source[:-1]):
            if 0 < len(lines) < len(source):
                yield replace(scenario, sources=(*scenario.sources[:number], lines, *scenario.sources[number + 1 :]))
    calm = replace(scenario.settings, skew=0.0, page_items=50, partition_bytes=1_000_000)
    if calm != scenario.settings:
        yield replace(scenario, settings=calm)
