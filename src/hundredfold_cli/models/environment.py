"""An environment with exactly what the dependencies layer holds, to try models in before they are released."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from hundredfold_cli.failures import DeploymentError
from hundredfold_cli.project import ROOT

REQUIREMENTS = ROOT / "requirements"
EXTRAS = REQUIREMENTS / "extras"


def locks_of(packages: Sequence[str]) -> list[Path]:
    """Return the locked requirements of the dependencies layer with `packages`; what has no lock is left out."""
    extras = [EXTRAS / f"{name}.txt" for name in sorted(packages)]
    return [REQUIREMENTS / "dependencies.txt", *(lock for lock in extras if lock.exists())]


def inference_python(packages: Sequence[str]) -> Path:
    """Return the Python of an environment that holds the dependencies layer's packages, made if it is not there.

    Raises
    ------
    DeploymentError
        If they cannot be installed.
    """
    locks = locks_of(packages)
    folder = ROOT / ".venvs" / "-".join(["inference", *(lock.stem for lock in locks[1:])])
    python = folder / "bin/python"
    installed = folder / ".installed"
    wanted = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()
    if installed.exists() and installed.read_text() == wanted:
        return python
    uv = [sys.executable, "-m", "uv", "--no-config"]
    files = [word for lock in locks for word in ("-r", str(lock))]
    for command in (
        [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
        [*uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--python", str(python), *files],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DeploymentError(f"the environment of inference cannot be installed:\n{done.stderr.strip()}")
    installed.write_text(wanted)
    return python


def run_in_inference(packages: Sequence[str], script: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a script of this project there; it can import our own core and what lies beside it, and nothing else."""
    paths = (ROOT / "layers/core/python", script.parent)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(inference_python(packages)), str(script), *arguments],
        env={**inherited, "PYTHONPATH": os.pathsep.join(map(str, paths))},
        capture_output=True,
        text=True,
        check=False,
    )
