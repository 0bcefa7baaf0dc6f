"""The consoles: no escape code where none is wanted, and nothing cut that must be copied."""

import io

import pytest

from hundredfold.accounting.bill import Bill, Line
from hundredfold_cli import console
from hundredfold_cli.console import make_console, print_table
from hundredfold_cli.estimates import display

ARN = "arn:aws:lambda:us-east-1:000000000000:layer:hundredfold-model-of-the-last-quarter:12345"


class Terminal(io.StringIO):
    """A terminal that keeps what is printed."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("no_color", "escapes"), [(None, True), ("1", False), ("", True)])
def test_no_color_means_no_escape_code(no_color: str | None, escapes: bool) -> None:
    environment = {"TERM": "xterm-256color"} | ({} if no_color is None else {"NO_COLOR": no_color})
    terminal = Terminal()

    make_console(environment, file=terminal).print("[bold red]error:[/] something")

    assert "something" in terminal.getvalue()
    assert ("\x1b" in terminal.getvalue()) is escapes


def test_a_table_in_80_columns_cuts_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.out, "width", 80)

    print_table(("version", "", "model", "card"), [("12", "live", ARN, "96ef463ac232" * 5)])

    text = capsys.readouterr().out
    lines = text.splitlines()
    assert "…" not in text
    assert max(map(len, lines)) <= 80
    # Read down a column, the pieces of a folded value are the whole of it.
    begin, end = lines[1].index("model"), lines[1].index("card")
    assert "".join(line[begin:end].strip() for line in lines[3:]) == ARN


def test_a_comparison_of_bills_in_80_columns_keeps_its_names(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.out, "width", 80)
    line = Line("s3_puts", "manifest, card, results, rejections", 1_234_567.0, "request", 0.000005, 12.345678)
    bill = Bill((line,), "us-east-1", "2026-11-24")

    display.print_bill(bill, "What i1 cost", bill)

    text = capsys.readouterr().out
    assert "…" not in text
    assert all(
        word in text for word in ("manifest,", "rejections", "1,234,567", "12.345678", "+0.000000", "difference")
    )
