"""Each state of the workflow on its own, by the TestState API of AWS."""

import re
import subprocess
import sys

from hundredfold_cli.deployment_checks.check import Check
from hundredfold_cli.deployment_checks.row import Answer, CannotAskError
from hundredfold_cli.deployment_checks.stage import Stage
from hundredfold_cli.stack.checkout import IN_CHECKOUT, ROOT

SUITE = "tests/workflow/test_states.py"
SECONDS = 600


def judge(output: str, exit_code: int) -> Answer:
    """Judge a run of the suite by its last line."""
    last = next((line for line in reversed(output.splitlines()) if re.search(r"\d+ (passed|failed|error)", line)), "")
    return Answer(last.strip("= ") or f"it ended with {exit_code}", exit_code == 0)


def _ask(stage: Stage) -> Answer:
    if not IN_CHECKOUT:
        raise CannotAskError("the suite is in the checkout only")
    stage.say("the states one by one, by TestState ...")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", SUITE, "--aws", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return judge(done.stdout, done.returncode)


SINGLE_STATES = Check(
    "single-states",
    "AWS runs each state as its test expects",
    "https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html",
    _ask,
    not_local="its TestState knows too little; the tests run these on another interpreter",
)
