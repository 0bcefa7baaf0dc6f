"""What a deployment needs of this machine: Python, sam, and archives that fit."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from hundredfold_cli.doctor.finding import Finding
from hundredfold_cli.errors import DeploymentError
from hundredfold_cli.stack.artefacts import run_builder
from hundredfold_cli.stack.checkout import BUILD, BUILT, FUNCTIONS, IN_CHECKOUT, ROOT, SAM, STACK_PYTHON

RUNTIME_PYTHON = (3, 13)
"""The Python of the template's functions. A bundle is tried out with the same one."""
ARCHITECTURE = BUILD / "architecture"
"""What `make build` wrote the layers' architecture into."""
CODE = {
    BUILD / "layers/core.zip": ROOT / "src/hundredfold",
    **{BUILD / f"functions/{name}.zip": ROOT / "functions" / name for name in FUNCTIONS},
}
"""The archives with code of this project, each with its folder."""


def examine_machine(*, local: bool) -> list[Finding]:
    """Look at this machine.

    Parameters
    ----------
    local : for a deployment to the local stack, which needs its own environment
    """
    findings = [python(sys.version_info[:2]), sam(SAM)]
    if local:
        findings.append(stack_environment(STACK_PYTHON))
    archives = built([path for path in BUILT if not path.exists()])
    findings.append(archives)
    if archives.fine:
        findings.append(fitting())
        if IN_CHECKOUT:
            findings.append(current(CODE))
    return findings


def python(version: tuple[int, ...]) -> Finding:
    """Compare this Python with that of the functions."""
    ours = ".".join(map(str, version[:2]))
    if version[:2] == RUNTIME_PYTHON:
        return Finding("Python", ours)
    wanted = ".".join(map(str, RUNTIME_PYTHON))
    return Finding("Python", ours, f"install Python {wanted}, which the functions run on, and run make setup")


def sam(executable: Path) -> Finding:
    """Ask sam for its version."""
    missing = "run make setup, which installs it" if IN_CHECKOUT else "run the deployment, which installs it"
    try:
        done = subprocess.run([str(executable), "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return Finding("sam", f"{executable.name} is not there", missing)
    if done.returncode:
        return Finding("sam", "it does not start", missing)
    version = re.search(r"[\d.]+", done.stdout)
    return Finding("sam", version[0] if version else done.stdout.strip())


def stack_environment(interpreter: Path) -> Finding:
    """Look for the environment that the local stack runs in."""
    if interpreter.exists():
        return Finding("local stack", "its environment is there")
    action = "run make setup" if IN_CHECKOUT else "run hundredfold up, which makes it"
    return Finding("local stack", "its environment is not there", action)


def built(missing: list[Path]) -> Finding:
    """Say whether all archives are there."""
    if not missing:
        return Finding("archives", f"{len(BUILT)} layers and functions are built")
    names = ", ".join(path.stem for path in missing)
    action = "run make build" if IN_CHECKOUT else "run hundredfold up --bundle FOLDER, which builds them"
    return Finding("archives", f"not built: {names}", action)


def fitting() -> Finding:
    """Let the builder compare the layers with Lambda's limit, and with what the model needs."""
    architecture = ARCHITECTURE.read_text().strip() if ARCHITECTURE.exists() else ""
    try:
        run_builder("check")
    except DeploymentError as refused:
        reason = str(refused).strip().splitlines()[-1]
        return Finding("layers", reason, "build smaller layers, or with the packages that it names, and look again")
    return Finding("layers", f"they fit{f', for {architecture}' if architecture else ''}")


def current(archives: Mapping[Path, Path]) -> Finding:
    """Compare the age of archives with that of the code in them.

    Parameters
    ----------
    archives : each with the folder of its code
    """
    old = [archive.stem for archive, folder in archives.items() if archive.stat().st_mtime < newest(folder)]
    if not old:
        return Finding("code", "the archives have it as it is now")
    return Finding("code", f"changed since these were built: {', '.join(old)}", "run make build")


def newest(folder: Path) -> float:
    """Return when a Python file in a folder was changed last, in seconds since 1970."""
    return max(path.stat().st_mtime for path in folder.rglob("*.py"))
