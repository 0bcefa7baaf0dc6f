"""Every command explains itself."""

from collections.abc import Iterator

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from hundredfold_cli.main import app


def paths(group: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(group, TyperGroup):
        for name, command in group.commands.items():
            yield from paths(command, (*path, name))


@pytest.mark.parametrize("path", list(paths(get_command(app))), ids=" ".join)
def test_help_is_shown(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*path, "--help"])

    assert result.exception is None
    assert result.exit_code == 0
    assert f"Usage: {' '.join(('root', *path))}" in " ".join(result.output.split())
