"""An environment with exactly what the dependencies layer holds, to try models in before they are released."""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import hundredfold
import hundredfold_cli
from hundredfold_cli.stack.checkout import ROOT, unpack
from hundredfold_cli.stack.environments import make_environment

REQUIREMENTS = ROOT / "requirements"
EXTRAS = REQUIREMENTS / "extras"


def locks_of(packages: Sequence[str]) -> list[Path]:
    """Return the locked requirements of the dependencies layer with `packages`; what has no lock is left out."""
    unpack()
    extras = [EXTRAS / f"{name}.txt" for name in sorted(packages)]
    return [REQUIREMENTS / "dependencies.txt", *(lock for lock in extras if lock.exists())]


def has_lock(package: str) -> bool:
    """Tell whether an extra package of the dependencies layer has a lock."""
    unpack()
    return (EXTRAS / f"{package}.txt").exists()


def inference_python(packages: Sequence[str]) -> Path:
    """Return the Python of an environment that holds the dependencies layer's packages, made if it is not there.

    Raises
    ------
    DeploymentError
        If they cannot be installed.
    """
    locks = locks_of(packages)
    name = "-".join(["inference", *(lock.stem for lock in locks[1:])])
    return make_environment(name, locks) / "bin/python"


def run_in_inference(packages: Sequence[str], module: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a module of `hundredfold_cli` there. It can import our own two packages, and nothing else of this one."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with tempfile.TemporaryDirectory() as folder:
        for package in (hundredfold, hundredfold_cli):
            (Path(folder) / package.__name__).symlink_to(Path(str(package.__file__)).parent)
        return subprocess.run(
            # -P: nothing of the current folder is imported, because inference does not have it.
            [str(inference_python(packages)), "-P", "-m", module, *arguments],
            env={**inherited, "PYTHONPATH": folder},
            capture_output=True,
            text=True,
            check=False,
        )
