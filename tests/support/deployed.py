"""The local stack as tests use it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hundredfold_cli.deployment import Deployment
from hundredfold_cli.local_stack import Process

COMMAND_SECONDS = 300


@dataclass(frozen=True)
class Stack:
    """The deployed local stack of this test run."""

    process: Process
    deployment: Deployment

    def command(self, *arguments: str, given: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run the hundredfold command against it, as against AWS: by its usual environment variables.

        `given` is its standard input; nothing if None.
        """
        return subprocess.run(
            [str(Path(sys.executable).with_name("hundredfold")), *arguments],
            env={**os.environ, **self.process.environment(), "HUNDREDFOLD_TARGET": "aws", "COLUMNS": "160"},
            capture_output=True,
            text=True,
            input=given or "",
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def read(self, *arguments: str) -> Any:
        """Run a reading command with --json, which must end well, and return what it says."""
        done = self.command(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
