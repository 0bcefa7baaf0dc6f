"""Reading the bodies of deployed dashboards, and lining up what is stacked."""

from typing import Any

import pytest

from hundredfold_cli.stack.dashboards import align, read_widget


def test_stacked_series_get_the_same_times() -> None:
    assert align([[(1, 5.0)], [(1, 2.0), (3, 4.0)], []]) == [[(1, 5.0), (3, 0.0)], [(1, 2.0), (3, 4.0)], []]


@pytest.mark.parametrize(
    "metric",
    [["Hundredfold", "A", "service"], ["...", "s"], [{"expression": "m1 + m2"}], ["Hundredfold", "A", ".", "."]],
)
def test_shorthand_and_expressions_are_refused(metric: list[Any]) -> None:
    widget = {
        "type": "metric", "x": 0, "y": 0, "width": 1, "height": 1,
        "properties": {"title": "t", "view": "timeSeries", "stat": "Sum", "metrics": [metric]},
    }  # fmt: skip
    with pytest.raises(ValueError, match="cannot be read, write it out"):
        read_widget(widget)
