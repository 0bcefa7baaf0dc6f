"""Tables in docstrings agree with what they describe."""

import re
import tomllib
from itertools import groupby
from pathlib import Path

import hundredfold
from hundredfold import errors
from hundredfold.errors import HundredfoldError

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_the_rooms_are_those_of_the_import_contract_in_the_same_order() -> None:
    rows = re.findall(r"^(\d)     (\w+) ", hundredfold.__doc__ or "", re.MULTILINE)
    table = [{room for _, room in lines} for _, lines in groupby(rows, key=lambda row: row[0])]

    contracts = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
    [contract] = [contract for contract in contracts if contract.get("containers") == ["hundredfold"]]
    assert table == [set(layer.split(" | ")) for layer in contract["layers"]]


def test_the_tree_of_errors_has_every_error_and_says_if_a_retry_helps() -> None:
    rows = re.findall(r"^        (\w+Error) +(.*)$", errors.__doc__ or "", re.MULTILINE)

    retryable = {name: text.endswith("a retry can help") for name, text in rows}
    assert retryable == {
        name: error.retryable
        for name, error in vars(errors).items()
        if isinstance(error, type) and issubclass(error, HundredfoldError) and error is not HundredfoldError
    }
