"""Simulated nights: each seed is a world with other faults, other commands and another order of events."""

from datetime import UTC, datetime

import pytest

from tests.simulation import substitutes
from tests.simulation.many import run_seeds, seed_of_day
from tests.simulation.report import describe_failure
from tests.simulation.run import simulate
from tests.simulation.scenario import draw
from tests.simulation.world import TIMEOUTS
from tools.workflow.template import Template

SEEDS = 500


def test_nothing_is_lost_or_doubled_whatever_happens(capsys: pytest.CaptureFixture[str]) -> None:
    first = seed_of_day(datetime.now(UTC).date())
    with capsys.disabled():
        print(f" seeds {first} to {first + SEEDS - 1} ", end="", flush=True)

    tally = run_seeds(range(first, first + SEEDS))

    assert tally.injected > SEEDS, "the world was too calm to show anything"
    if tally.failed:
        with substitutes.installed():
            pytest.fail(describe_failure(min(tally.failed)))


def test_a_seed_always_gives_the_same_night() -> None:
    with substitutes.installed():
        nights = [simulate(draw(7), keeps_timeline=True).timeline for _ in range(2)]

    assert nights[0] == nights[1]
    assert len(nights[0].splitlines()) > 50


def test_functions_have_the_time_that_the_template_gives_them() -> None:
    functions = Template.read().of_type("AWS::Serverless::Function").values()
    timeouts = {
        function["CodeUri"].rpartition("/")[2].removesuffix(".zip"): function["Timeout"] for function in functions
    }

    assert {name: timeouts[name] for name in TIMEOUTS} == TIMEOUTS
