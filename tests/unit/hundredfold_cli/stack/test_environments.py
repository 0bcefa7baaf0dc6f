"""Environments that are made from locks."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hundredfold_cli.stack import environments


def test_an_environment_that_two_commands_want_at_once_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "nothing.txt"
    lock.write_text("# pins nothing\n")
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path / "environments")
    installed: list[str] = []
    install = environments._install

    def counting(name: str, folder: Path, locks: Sequence[Path]) -> None:
        installed.append(name)
        install(name, folder, locks)

    monkeypatch.setattr(environments, "_install", counting)

    with ThreadPoolExecutor(2) as pool:
        folders = list(pool.map(lambda _: environments.make_environment("inference", [lock]), range(2)))

    assert installed == ["inference"]
    assert folders == [tmp_path / "environments/inference"] * 2
    assert (folders[0] / "bin/python").exists()
    lock.write_text("# pins nothing either\n")
    environments.make_environment("inference", [lock])
    assert installed == ["inference", "inference"]
