"""Setting up: what the Makefile and its scripts do where something is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hundredfold_cli.stack.checkout import ENVIRONMENTS, ROOT


def test_python_is_found_without_a_home_folder() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "HOME"}

    found = subprocess.run(
        ["bash", str(ROOT / "tools/find_python.sh")],
        env={**environment, "PYTHON313": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (found.returncode, found.stderr) == (0, "")
    assert Path(found.stdout.strip()).exists()


@pytest.mark.skipif(not (ENVIRONMENTS / "tools/bin/npm").exists(), reason="make setup installs npm")
def test_what_npm_cannot_install_is_said(tmp_path: Path) -> None:
    # Given the Makefile's command, and a registry that does not answer
    [command] = [line.strip() for line in (ROOT / "Makefile").read_text().splitlines() if "npm ci" in line]
    folder = tmp_path / ".venvs/asl"
    folder.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "requirements" / name, folder)
    unreachable = {"npm_config_registry": "http://127.0.0.1:1", "npm_config_fetch_retries": "0"}
    caches = {"npm_config_cache": str(tmp_path / "cache"), "npm_config_replace_registry_host": "always"}

    failed = subprocess.run(
        ["bash", "-c", command.replace("$$", "$").replace("$(CURDIR)", str(ROOT))],
        cwd=tmp_path,
        env={**os.environ, **unreachable, **caches},
        capture_output=True,
        text=True,
        check=False,
    )

    assert failed.returncode
    assert "ECONNREFUSED" in failed.stderr
