"""Options that several commands take."""

import pytest
from typer.testing import CliRunner

from hundredfold_cli.commands.options import parse_pairs, parse_percent
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


@pytest.mark.parametrize(("text", "percent"), [("5%", 5), ("0%", 0), (" 2.5 %", 2.5), ("100%", 100), (None, None)])
def test_a_share_is_read_in_percent(text: str | None, percent: float | None) -> None:
    assert parse_percent(text, "--max-rejected") == percent


@pytest.mark.parametrize("text", ["5", "0.05", "101%", "100.5%", "-1%", "five%", "", "%", "nan%"])
def test_a_share_without_its_sign_or_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match=r"is no share from 0% to 100%: write --max-rejected 5%"):
        parse_percent(text, "--max-rejected")
