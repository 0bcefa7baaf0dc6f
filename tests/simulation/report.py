"""Says of a seed that fails what is wrong, what is needed for it, and what happened."""

from tests.simulation.run import simulate
from tests.simulation.scenario import Scenario, draw
from tests.simulation.shrink import shrink


def describe_failure(seed: int, *, definition: str | None = None) -> str:
    """Return a report of a seed that fails: the shrunk scenario, its problems and its timeline."""
    first = simulate(draw(seed), definition=definition)
    if not first.problems:
        return f"seed {seed} does not fail"
    name = first.problems[0].name

    def fails(scenario: Scenario) -> bool:
        problems = simulate(scenario, definition=definition).problems
        return any(problem.name == name for problem in problems)

    smallest = shrink(first.scenario, fails)
    last = simulate(smallest, keeps_timeline=True, definition=definition)
    problems = "\n".join(f"  {problem}" for problem in last.problems)
    return (
        f"seed {seed} fails: {first.problems[0]}\n\nThe smallest scenario that was found to fail so:\n\n"
        f"{smallest.text()}\n\nIts timeline:\n\n{last.timeline}\n\nWhat does not hold:\n\n{problems}\n\n"
        f"Run it again with: make simulate FROM={seed} SEEDS=1\n"
    )
