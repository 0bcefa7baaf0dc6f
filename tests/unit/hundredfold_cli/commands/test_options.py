"""Options that several commands take."""

import pytest
from typer.testing import CliRunner

from hundredfold_cli.commands.options import parse_pairs
from hundredfold_cli.errors import OptionError
from hundredfold_cli.main import app


def test_pairs_are_name_and_value() -> None:
    assert parse_pairs(["metric=r2", "on=a=b"], "--score") == {"metric": "r2", "on": "a=b"}
    with pytest.raises(OptionError, match="--score accuracy must be of the form name=value"):
        parse_pairs(["accuracy"], "--score")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["results", "i1", "--id", ""], "--id is empty"),
        (["results", "i1", "--id", " "], "--id is empty"),
        (["ingest", "records.jsonl", "--id", ""], "--id is empty"),
        (["summary", ""], "the ingest's id is empty; leave it out for the newest ingest"),
        (["results", ""], "the ingest's id is empty; leave it out for the newest ingest"),
        (["watch", ""], "the ingest's id is empty; leave it out for the newest ingest"),
        (["verify", ""], "the ingest's id is empty; leave it out for the newest ingest"),
        (["model", "shadow", ""], "the ingest's id is empty; leave it out for the newest ingest"),
    ],
)
def test_an_empty_id_is_refused_before_any_call(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, arguments)

    assert isinstance(result.exception, OptionError)
    assert str(result.exception) == message
