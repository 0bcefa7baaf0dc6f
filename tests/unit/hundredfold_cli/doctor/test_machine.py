"""What the doctor says of this machine."""

import os
import sys
from pathlib import Path

import pytest

from hundredfold_cli.doctor import machine
from hundredfold_cli.doctor.finding import Finding
from hundredfold_cli.errors import DeploymentError
from hundredfold_cli.stack.checkout import BUILT


def program(folder: Path, body: str) -> Path:
    file = folder / "sam"
    file.write_text(f"#!{sys.executable}\n{body}\n")
    file.chmod(0o755)
    return file


def test_the_python_of_the_functions_is_wanted() -> None:
    assert machine.python((3, 13)).fine
    assert machine.python((3, 14)).action.startswith("install Python 3.13")


def test_sam_says_its_version(tmp_path: Path) -> None:
    assert machine.sam(program(tmp_path, "print('SAM CLI, version 1.170.0')")) == Finding("sam", "1.170.0")


def test_sam_that_is_missing_or_broken_is_to_be_installed(tmp_path: Path) -> None:
    missing = machine.sam(tmp_path / "sam")
    broken = machine.sam(program(tmp_path, "raise SystemExit(1)"))

    assert (missing.fine, broken.fine) == (False, False)
    assert missing.action == "run make setup, which installs it"


def test_archives_that_are_not_built_are_named() -> None:
    assert machine.built([]).fine
    assert machine.built([BUILT[0], BUILT[6]]) == Finding(
        "archives", "not built: dependencies, plan_ingest", "run make build"
    )


def test_layers_that_do_not_fit_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: str) -> None:
        raise DeploymentError("cannot build check:\ndependencies 270,000,000 bytes\nthat is 7,856,000 bytes over")

    monkeypatch.setattr(machine, "run_builder", refuse)

    found = machine.fitting()

    assert (found.fine, found.detail) == (False, "that is 7,856,000 bytes over")


def test_code_that_was_changed_after_the_build_is_found(tmp_path: Path) -> None:
    code, archive = tmp_path / "code", tmp_path / "core.zip"
    code.mkdir()
    (code / "a.py").touch()
    archive.touch()
    os.utime(code / "a.py", (1_000, 1_000))
    os.utime(archive, (2_000, 2_000))
    assert machine.current({archive: code}).fine

    os.utime(code / "a.py", (3_000, 3_000))

    assert machine.current({archive: code}) == Finding("code", "changed since these were built: core", "run make build")


def test_the_local_stack_needs_its_environment(tmp_path: Path) -> None:
    assert machine.stack_environment(Path(sys.executable)).fine
    assert machine.stack_environment(tmp_path / "python").action == "run make setup"
