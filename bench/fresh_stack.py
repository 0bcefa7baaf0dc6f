"""A local stack for one measurement: new, deployed, and gone afterwards."""

import shutil
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hundredfold_cli.deploy import deploy_locally
from hundredfold_cli.stack.checkout import ROOT
from hundredfold_cli.stack.deployment import STACK_NAME, Deployment
from hundredfold_cli.stack.local_stack import LocalStack, Process

FOLDER = ROOT / "build/bench"
"""Where benchmarks keep what they need while they run."""
MODEL = ROOT / "build/bundle/pipeline.joblib"
"""The example's model: the file that the model layer holds."""


def end_on_signals() -> None:
    """Let Ctrl-C and SIGTERM end this process once, in order, so that the stack it started is stopped."""

    def end(number: int, _: object) -> None:
        for ignored in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ignored, signal.SIG_IGN)  # the second Ctrl-C of an impatient person
        sys.exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


@contextmanager
def fresh_stack(
    name: str, parameters: Mapping[str, str] | None = None, temporary: Path | None = None
) -> Iterator[tuple[Process, Deployment]]:
    """Start a local stack of its own, deploy the template to it, and stop and remove it at the end, however that
    comes.

    Parameters
    ----------
    name : of its folder in FOLDER
    parameters : template parameters in place of those of the local target
    temporary : where workers unzip their layers, in place of the stack's own folder; made and removed
    """
    folder = FOLDER / name
    stack = LocalStack(folder)
    if temporary:
        temporary.mkdir(parents=True)  # not one that is there: it is removed at the end
    try:
        process = stack.start({"TMPDIR": str(temporary)} if temporary else None)
        deploy_locally(process.environment(), folder / "deploy.log", parameters)
        yield process, process.deployment(STACK_NAME)
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)


def say(message: str) -> None:
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()
