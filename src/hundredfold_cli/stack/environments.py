"""Python environments that are made from the project's locks."""

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from hundredfold_cli.errors import DeploymentError, NotThereError
from hundredfold_cli.stack.checkout import ENVIRONMENTS, IN_CHECKOUT, unpack

# -P: what lies in the current folder is not imported in its place.
UV = (sys.executable, "-P", "-m", "uv", "--no-config")


def make_environment(name: str, locks: Sequence[Path]) -> Path:
    """Make an environment that holds what `locks` pin, unless there is one; return its folder.

    Raises
    ------
    DeploymentError
        If something cannot be installed.
    """
    folder = ENVIRONMENTS / name
    installed = folder / ".installed"
    wanted = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    # Another command may be making the same environment: this one waits for it, and then takes what it made.
    with (ENVIRONMENTS / f".{name}.lock").open("w") as making:
        fcntl.flock(making, fcntl.LOCK_EX)
        if not installed.exists() or installed.read_text() != wanted:
            _install(name, folder, locks)
            installed.write_text(wanted)
    return folder


def _install(name: str, folder: Path, locks: Sequence[Path]) -> None:
    files = [word for lock in locks for word in ("-r", str(lock))]
    python = folder / "bin/python"
    options = ("--quiet", "--no-deps", "--require-hashes", "--compile-bytecode", "--python", str(python))
    for command in (
        [*UV, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
        [*UV, "pip", "install", *options, *files],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DeploymentError(f"the environment {name} cannot be installed:\n{done.stderr.strip()}")


def need_environment(name: str) -> Path:
    """Return the folder of an environment that a lock in requirements/ is named after, such as `tools`.

    A checkout has it from the Makefile; an installed wheel makes it.

    Raises
    ------
    NotThereError
        If the checkout was not set up.
    DeploymentError
        If something cannot be installed.
    """
    if not IN_CHECKOUT:
        return make_environment(name, [unpack() / f"requirements/{name}.txt"])
    folder = ENVIRONMENTS / name
    if not (folder / "bin/python").exists():
        raise NotThereError(f"the environment {name} is not installed in {folder}; install it with: make setup")
    return folder
