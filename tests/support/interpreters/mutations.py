"""Breaks the workflow on purpose, one thing at a time, and says which check finds it. `make mutations` runs it.

A mutation is first given to the checks that only read (tools/workflow/checks.py, asl-validator). What they let pass is
given to the TestState suite, for the states that it changes, and at last to the cases on all interpreters.
"""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from hundredfold_cli.stack.checkout import LOCAL, ROOT
from tests.support.interpreters import state_tests
from tests.support.interpreters.cases import CASES, Interpreter, Verdict, judge
from tests.support.interpreters.processes import clients
from tests.support.interpreters.report import run_all, running
from tests.support.interpreters.state_cases import STATE_CASES
from tools.workflow.checks import Workflow, problems
from tools.workflow.samples import WORK_BUCKET
from tools.workflow.states import all_states

ASL_VALIDATOR = ROOT / ".venvs/asl/node_modules/.bin/asl-validator"
NODE = ROOT / ".venvs/tools/bin"


@dataclass(frozen=True)
class Mutation:
    """One text of the definition, or of the template, in place of another.

    Attributes
    ----------
    what : for a person
    after : the change is made at the first `old` after this text
    """

    what: str
    old: str
    new: str
    after: str = ""
    template: bool = False

    def apply(self, workflow: Workflow) -> Workflow:
        """Return the workflow with this change; raises ValueError if the text to be changed is not there."""
        text = workflow.template_text if self.template else workflow.definition_text
        at = text.index(self.old, text.index(self.after))
        text = text[:at] + self.new + text[at + len(self.old) :]
        if self.template:
            return Workflow(workflow.definition_text, text)
        return Workflow(text, workflow.template_text)


INFER_BATCHES = '"InferBatches": {'
INFER_BATCH = '"InferBatch": {'
RECORD = '"RecordBatchFailure": {'
SUMMARIZE = '"SummarizeIngest": {'

MUTATIONS = [
    Mutation("InferBatch's Retry is dropped", '"Retry": [', '"Retry": [], "Comment2": [', after=INFER_BATCH),
    Mutation("a batch that is given up is not recorded", '"Next": "RecordBatchFailure"', '"Next": "BatchFailed"'),
    Mutation(
        "a batch that is given up counts as done", '"Next": "BatchFailed"\n', '"Next": "BatchDone"\n', after=RECORD
    ),
    Mutation("a batch that is given up says that it is done", '"Result": "failed"', '"Result": "done"'),
    Mutation(
        "a failure that cannot be recorded stops the other batches",
        '{"ErrorEquals": ["States.ALL"], "ResultPath": null, "Next": "BatchFailed"}',
        '{"ErrorEquals": ["States.Timeout"], "ResultPath": null, "Next": "BatchFailed"}',
    ),
    Mutation("a group fails for one batch", "States.ArrayContains($, 'done')", "States.ArrayContains($, 'failed')"),
    Mutation("a group never fails", '"Default": "GroupFailed"', '"Default": "GroupDone"'),
    Mutation(
        "a group's batches run in rounds",
        '"MaxConcurrency": ${GroupBatchesAtOnce}',
        '"MaxConcurrency": ${GroupsAtOnce}',
    ),
    Mutation("a group has more batches than run at once", "MaxValue: 40", "MaxValue: 60", template=True),
    Mutation("a batch is given its whole group", '"batch.$": "$$.Map.Item.Value"', '"batch.$": "$.batches"'),
    Mutation("any number of groups may fail", '"ToleratedFailureCount"', '"ToleratedFailurePercentage"'),
    Mutation(
        "an ingest whose Map failed is not summed up",
        '"Next": "SummarizeIngest"',
        '"Next": "IngestFailed"',
        after='"AwaitCalls": {',
    ),
    Mutation("a stopped ingest is summed up while calls go on", '"Seconds": 22', '"Seconds": 2'),
    Mutation(
        "a path is misspelt in the ItemReader", "$.plan.manifest.key", "$.plan.manifest.keys", after=INFER_BATCHES
    ),
    Mutation("a path is misspelt in the ledger's key", "$.batch.shard)", "$.batch.shart)"),
    Mutation("InferBatch's timeout is raised", '"TimeoutSeconds": 22', '"TimeoutSeconds": 60'),
    Mutation("InferBatch's timeout is below its function's", '"TimeoutSeconds": 22', '"TimeoutSeconds": 12'),
    Mutation("SummarizeIngest has no timeout", '"TimeoutSeconds": 900,', "", after=SUMMARIZE),
    Mutation(
        "the role may not write to the ledger",
        "Action: dynamodb:UpdateItem",
        "Action: dynamodb:GetItem",
        template=True,
    ),
    Mutation(
        "the role may not invoke the summary",
        "                  - !GetAtt SummarizeIngestFunction.Arn\n",
        "",
        template=True,
    ),
    Mutation(
        "the role may delete objects",
        "Action: [s3:PutObject, s3:ListMultipartUploadParts",
        "Action: [s3:PutObject, s3:DeleteObject, s3:ListMultipartUploadParts",
        template=True,
    ),
    Mutation("a substitution is forgotten", "        LedgerTable: !Ref LedgerTable\n", "", template=True),
    Mutation("a number is written in place of a substitution", "${ToleratedFailureCount}", "5"),
    Mutation("a throttled function has another error's name", "Lambda.TooManyRequestsException", "Lambda.Throttled"),
    Mutation(
        "DynamoDB's errors have another prefix",
        "DynamoDB.ConditionalCheckFailedException",
        "DynamoDb.ConditionalCheckFailedException",
    ),
    Mutation("what cannot help is retried", '"OutOfTimeError",', '"OutOfTimeError", "SourceChangedError",'),
    Mutation("an own error is not retried any more", '"OutOfTimeError",', ""),
    Mutation("retries do not wait longer each time", '"BackoffRate": 3', '"BackoffRate": 1'),
    Mutation("retries come all at once", ',\n                      "JitterStrategy": "FULL"', "", after=INFER_BATCH),
    Mutation("there is one retry in place of three", '"MaxAttempts": 3', '"MaxAttempts": 1', after=INFER_BATCH),
    Mutation("a Choice asks for another status", '"StringEquals": "COMPLETED"', '"StringEquals": "DONE"'),
    Mutation("a Choice asks the wrong way round", "NumericGreaterThan", "NumericLessThan", after='"HasBatches?": {'),
    Mutation("an ingest without batches is not summed up", '"Default": "SummarizeIngest"', '"Default": "Completed"'),
    Mutation(
        "the Map keeps what its children answer", '"ResultPath": null,\n      "Catch"', '"Catch"', after=INFER_BATCHES
    ),
    Mutation("the Map has no ResultWriter", '"ResultWriter": {', '"Comment3": {', after=INFER_BATCHES),
    Mutation(
        "why the Map failed replaces the plan",
        '"ResultPath": "$.failure", "Next": "AwaitCalls"',
        '"ResultPath": "$", "Next": "AwaitCalls"',
    ),
    Mutation(
        "any model version is called", '"FunctionName.$": "$.model.function"', '"FunctionName.$": "$.model.version"'
    ),
    Mutation("the ledger is written without a condition", "attribute_not_exists(#status) OR", "#status <> :error OR"),
    Mutation(
        "the ledger gets the cause for the error",
        '":error": {"S.$": "$.failure.Error"}',
        '":error": {"S.$": "$.failure.Cause"}',
        after=RECORD,
    ),
    Mutation(
        "a part that failed is not recorded",
        '"Next": "RecordPartitionFailure"',
        '"Next": "PartitionFailed"',
    ),
    Mutation(
        "every ingest is planned in partitions",
        '"BooleanEquals": true, "Next": "PlanPartitions"',
        '"BooleanEquals": false, "Next": "PlanPartitions"',
    ),
    Mutation("parts are inferred before they are joined", '"Next": "JoinPartitions"\n', '"Next": "HasBatches?"\n'),
    Mutation("nobody says why a part failed", '"Next": "JoinPartitions"}],', '"Next": "PlanFailed"}],'),
    Mutation(
        "a part is told another execution's name",
        '"execution_name.$": "$$.Execution.Name",\n        "execution.$"',
        '"execution_name.$": "$.plan.model.version",\n        "execution.$"',
        after='"PlanPartitions": {',
    ),
    Mutation("parts have the five minutes of Express", '"ExecutionType": "STANDARD"', '"ExecutionType": "EXPRESS"'),
    Mutation(
        "the joined plan is not kept",
        '"ResultSelector": {"plan.$": "$.Payload"}',
        '"ResultSelector": {"plan.$": "$.Payload.manifest"}',
        after='"JoinPartitions": {',
    ),
    Mutation("a comma is missing", '"StartAt": "PlanIngest",', '"StartAt": "PlanIngest"'),
    Mutation("a field is misspelt", '"Mode": "DISTRIBUTED"', '"Mode": "DISTRIBUTE"'),
    Mutation("a state is misnamed", '"StartAt": "InferBatch"', '"StartAt": "InferBatches"'),
]


def read_only_checks(workflow: Workflow) -> dict[str, str]:
    """Return what the checks that only read have found: the first line of each, by its name."""
    found = {f"check {name}": lines[0] for name, lines in problems(workflow).items()}
    if "check json" not in found and "check substitutions" not in found and (line := _validator_says(workflow)):
        found["asl-validator"] = line
    return found


def _validator_says(workflow: Workflow) -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(workflow.definition, file)
        file.flush()
        done = subprocess.run(
            ["node", str(ASL_VALIDATOR), "--json-path", file.name],
            env={**os.environ, "PATH": f"{NODE}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return (lines[0] if lines else "it failed without a word") if done.returncode else ""


class Interpreting:
    """The checks that run something; the interpreters are started when the first of them is needed."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._endpoints: dict[Interpreter, str] = {}

    def checks(self, before: Workflow, after: Workflow) -> dict[str, str]:
        """Return what TestState has found, or the cases if that found nothing."""
        if not self._endpoints:
            self._endpoints = self._stack.enter_context(running(self._folder))
            clients(self._endpoints[Interpreter.LOCALSTACK])[1].create_bucket(Bucket=WORK_BUCKET)
        return self._states(before, after) or self._cases(after)

    def _states(self, before: Workflow, after: Workflow) -> dict[str, str]:
        were = {state.name: state.body for state in all_states(before.definition)}
        changed = {state.name for state in all_states(after.definition) if state.body != were.get(state.name)}
        cases = [case for case in STATE_CASES if case.state in changed]
        step_functions, _ = clients(self._endpoints[Interpreter.LOCALSTACK])
        tester = state_tests.StateTester(step_functions, text=after.definition_text)
        with ThreadPoolExecutor(8) as pool:
            seen = list(pool.map(tester.see, cases))
        for case, found in zip(cases, seen, strict=True):
            if differences := state_tests.judge(case, found):
                return {"TestState": f"{case.name}: {differences[0]}"}
        return {}

    def _cases(self, after: Workflow) -> dict[str, str]:
        for run in run_all(self._endpoints, CASES, after.definition_text):
            verdict, why = judge(run.case, run.interpreter, run.outcome)
            if verdict in (Verdict.WRONG, Verdict.MENDED):
                return {f"case {run.case.id} on {run.interpreter}": why[0]}
        return {}


def main() -> None:
    whole = Workflow.read()
    if found := read_only_checks(whole):
        raise SystemExit(f"the workflow is broken already: {found}")
    out = Console(highlight=False, width=None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", "160")))
    table = Table("what is broken", "caught by", "which says", box=SIMPLE)
    survivors = 0
    LOCAL.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mutations-", dir=LOCAL) as folder, ExitStack() as stack:
        interpreting = Interpreting(Path(folder), stack)
        for mutation in MUTATIONS:
            broken = mutation.apply(whole)
            caught = read_only_checks(broken) or interpreting.checks(whole, broken)
            survivors += not caught
            says = next(iter(caught.values()), "")
            table.add_row(
                mutation.what,
                ", ".join(caught) or "[bold red]nothing[/]",
                says if len(says) < 140 else f"{says[:140]} ...",
            )
    out.print(table)
    out.print(f"  {len(MUTATIONS) - survivors} of {len(MUTATIONS)} mutations are caught")
    if survivors:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
