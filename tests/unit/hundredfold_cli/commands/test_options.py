"""Options that several commands take."""

import pytest

from hundredfold_cli.commands.options import parse_pairs
from hundredfold_cli.errors import OptionError


def test_pairs_are_name_and_value() -> None:
    assert parse_pairs(["metric=r2", "on=a=b"], "--score") == {"metric": "r2", "on": "a=b"}
    with pytest.raises(OptionError, match="--score accuracy must be of the form name=value"):
        parse_pairs(["accuracy"], "--score")
