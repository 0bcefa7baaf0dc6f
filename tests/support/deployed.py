"""The local stack as tests use it."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from subprocess import PIPE, CompletedProcess, Popen
from typing import Any

from hundredfold.layout import Layout
from hundredfold_cli.deploy import deploy_locally
from hundredfold_cli.stack.checkout import LOCAL
from hundredfold_cli.stack.deployment import STACK_NAME, Deployment
from hundredfold_cli.stack.local_stack import LocalStack, Process
from tests.support.commands import run_command

COMMAND_SECONDS = 300
EXECUTION_SECONDS = 120

TABLES = "tests-items-"
"""What the names of tables begin with that ingests may read."""
STREAM = "reviews"
"""The Kinesis stream that the inference function is given; a test makes it."""
OTHER_BUCKET = "records-of-others"
"""A bucket beside the stack's own, of which ingests may read what is under shared/; a test makes it."""
DECRYPT_KEY = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"
"""A customer managed key that the functions may decrypt sources with. The local stack does not check keys."""
_TABLE = f"arn:aws:dynamodb:us-east-1:000000000000:table/{TABLES}*"
PARAMETERS = {
    "SourceTableArns": f"{_TABLE},{_TABLE}/index/*",
    "StreamArn": f"arn:aws:kinesis:us-east-1:000000000000:stream/{STREAM}",
    "StartOnArrival": "yes",
    "SourceObjectArns": f"arn:aws:s3:::{OTHER_BUCKET},arn:aws:s3:::{OTHER_BUCKET}/shared/*",
    "DecryptKeyArns": DECRYPT_KEY,
}
"""What the local stack of the tests is deployed with: every door is open but the one that opens itself, a schedule."""


RUN_INTERRUPTIBLE = """
import signal
from hundredfold_cli.main import run
signal.signal(signal.SIGINT, signal.default_int_handler)
run()
"""
"""A program that runs the command. It takes Ctrl-C also if the tests run in a shell's background, which ignores it."""


@dataclass(frozen=True)
class Stack:
    """The deployed local stack of this test run."""

    process: Process
    deployment: Deployment

    def command(self, *arguments: str, given: str | None = None) -> "CompletedProcess[str]":
        """Run the hundredfold command against it, as against AWS: by its usual environment variables.

        `given` is its standard input; nothing if None.
        """
        environment = {**os.environ, **self.process.environment(), "HUNDREDFOLD_TARGET": "aws", "COLUMNS": "160"}
        return run_command(arguments, environment, given or "", COMMAND_SECONDS)

    def begin(self, *arguments: str) -> "Popen[str]":
        """Begin to run the hundredfold command, in a process beside others."""
        environment = {**os.environ, **self.process.environment(), "HUNDREDFOLD_TARGET": "aws", "COLUMNS": "160"}
        command = [sys.executable, "-c", RUN_INTERRUPTIBLE, *arguments]
        return Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True, env=environment)

    def execute(self, ingest_id: str, execution_input: object) -> dict[str, Any]:
        """Start an execution by hand, as any AWS client does, and return how it ended."""
        client = self.deployment.step_functions
        execution = client.start_execution(
            stateMachineArn=self.deployment.state_machine, name=ingest_id, input=json.dumps(execution_input)
        )["executionArn"]
        deadline = time.monotonic() + EXECUTION_SECONDS
        while (ended := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
            assert time.monotonic() < deadline, f"execution {ingest_id} did not end"
            time.sleep(0.1)
        return dict(ended)

    def replace_source(self, ingest_id: str, content: bytes) -> None:
        """Put other content in place of the object that a planned ingest reads."""
        plan = self.deployment.ledger.plan(ingest_id)
        assert plan is not None
        assert plan.pinned is not None
        self.deployment.s3.put_object(Bucket=plan.pinned.bucket, Key=plan.pinned.key, Body=content)

    def read(self, *arguments: str) -> Any:
        """Run a reading command with --json, which must end well, and return what it says."""
        done = self.command(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@contextmanager
def planning(deployment: Deployment, **changed: str) -> Iterator[None]:
    """Let the planner have other settings while the context lasts, as the template's parameters give it.

    Parameters
    ----------
    changed : environment variables of its function, such as GROUP_BATCHES
    """
    client: Any = deployment.lambda_
    function = f"{deployment.stack}-plan-ingest"
    variables = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    client.update_function_configuration(FunctionName=function, Environment={"Variables": {**variables, **changed}})
    try:
        yield
    finally:
        client.update_function_configuration(FunctionName=function, Environment={"Variables": variables})


def storing(deployment: Deployment, layout: Layout) -> AbstractContextManager[None]:
    """Make new ingests store predictions in a layout while the context lasts."""
    return planning(deployment, PREDICTIONS_LAYOUT=layout.value)


@contextmanager
def deployed(
    name: str,
    parameters: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    started: Callable[[Process], None] = lambda _: None,
) -> Iterator[Stack]:
    """Start a local stack of its own and deploy to it; it is stopped at the end.

    Parameters
    ----------
    name : of its folder
    environment : of its process, beside the usual
    started : called before anything is deployed to it
    """
    folder = LOCAL / f"{name}-{os.getpid()}"
    local = LocalStack(folder)
    try:
        process = local.start(environment or {})
        started(process)
        deploy_locally(process.environment(), folder / "deploy.log", parameters)
        yield Stack(process, process.deployment(STACK_NAME))
    finally:
        local.stop()
