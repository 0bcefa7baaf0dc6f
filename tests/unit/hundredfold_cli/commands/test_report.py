"""The commands that write pages."""

import pytest
from typer.testing import CliRunner

from hundredfold_cli.errors import OptionError
from hundredfold_cli.main import app


@pytest.mark.parametrize("command", [["report", "i1"], ["dashboard"]])
def test_a_page_is_not_written_into_a_file_of_a_picture(command: list[str]) -> None:
    result = CliRunner().invoke(app, [*command, "-o", "page.png"])

    assert isinstance(result.exception, OptionError)
    assert str(result.exception) == "--output is the file of a page; for a picture of it: --png page.png"
