"""The examples of a page of the documentation, as a reader runs them."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.deployed import COMMAND_SECONDS, Stack


def examples_of(page: Path) -> list[str]:
    """Return the blocks of a page that are scripts (```sh), in its order; those that only show (```console) are not."""
    return re.findall(r"^```sh\n(.*?)^```$", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def run_examples(stack: Stack, page: Path, folder: Path) -> list[str]:
    """Run a page's examples one after another in a folder, each of which must end well; return what they print."""
    told = []
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for example in examples_of(page):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", example],
            cwd=folder,
            env={**os.environ, **stack.process.environment(), "HUNDREDFOLD_TARGET": "aws", "PATH": path},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{example}\n{done.stdout}\n{done.stderr}"
        told.append(done.stdout)
    return told
