"""The static checks: the definition passes them, and each finds what it is for. `make mutations` tries many more."""

import re
from typing import Any

import pytest

from hundredfold.planning import manifest
from hundredfold_cli.stack.checkout import ROOT
from tools.workflow import samples, worst_case
from tools.workflow.checks import CHECKS, Workflow, problems
from tools.workflow.definition import EXAMPLE, render
from tools.workflow.states import machines

WORKFLOW = Workflow.read()


@pytest.mark.parametrize("name", CHECKS)
def test_the_definition_passes(name: str) -> None:
    assert list(CHECKS[name](WORKFLOW)) == []


def changed(old: str, new: str, *, template: bool = False) -> Workflow:
    """Return the workflow with one text in place of another, which must be there."""
    text = WORKFLOW.template_text if template else WORKFLOW.definition_text
    assert old in text
    text = text.replace(old, new, 1)
    return Workflow(WORKFLOW.definition_text, text) if template else Workflow(text, WORKFLOW.template_text)


@pytest.mark.parametrize(
    ("workflow", "check", "said"),
    [
        (
            changed('"${LedgerTable}"', '"${Ledger}"'),
            "substitutions",
            "${Ledger} is not declared in the template's DefinitionSubstitutions",
        ),
        (
            changed("        LedgerTable: !Ref LedgerTable\n", "", template=True),
            "substitutions",
            "${LedgerTable} is not declared in the template's DefinitionSubstitutions",
        ),
        (
            changed('"Default": "IngestFailed"', '"Default": "Completed"'),
            "flow",
            "IngestFailed can never be reached",
        ),
        (
            changed('"Next": "PlanFailed"', '"Next": "PlanFaild"'),
            "flow",
            "PlanIngest leads to PlanFaild, which is no state",
        ),
        (
            changed('"execution.$": "$$.Execution.Id"', '"execution.$": "$$.Execution.Name"'),
            "execution",
            "PlanIngest takes execution.$ from $$.Execution.Name and not from $$.Execution.Id",
        ),
        (
            changed("('{}#partitions', $.execution_name)", "('{}#partitions', $$.Execution.Name)"),
            "execution",
            (
                "RecordPartitionFailure takes S.$ from States.Format('{}#partitions', $$.Execution.Name), "
                "which is the child's alone"
            ),
        ),
        (changed('"TimeoutSeconds": 900,', ""), "guards", "PlanIngest has no TimeoutSeconds"),
        (
            changed('"JitterStrategy": "FULL"', '"JitterStrategy": "NONE"'),
            "backoff",
            "PlanIngest retries Lambda.TooManyRequestsException without JitterStrategy FULL",
        ),
        (
            changed('"DynamoDB.ConditionalCheckFailedException"', '"DynamoDb.ConditionalCheckFailedException"'),
            "error names",
            "RecordBatchFailure waits for DynamoDb.ConditionalCheckFailedException, which it can never meet",
        ),
        (
            changed('"OutOfTimeError"', '"SourceChangedError"'),
            "retryable errors",
            "InferBatch retries SourceChangedError, whose class says that trying again does not help",
        ),
        (
            changed('"OutOfTimeError"', '"SourceChangedError"'),
            "retryable errors",
            "InferBatch does not retry OutOfTimeError, whose class says that trying again helps",
        ),
        (
            changed('"Seconds": 22', '"Seconds": 5'),
            "awaited",
            "when InferBatches is stopped, AwaitCalls waits 5 s; a call of InferBatch may go on for 22",
        ),
        (
            changed(
                '"ResultPath": "$.failure", "Next": "AwaitCalls"',
                '"ResultPath": "$.failure", "Next": "SummarizeIngest"',
            ),
            "awaited",
            "when InferBatches is stopped, SummarizeIngest waits 0 s; a call of InferBatch may go on for 22",
        ),
        (
            changed('"MaxConcurrency": ${GroupBatchesAtOnce}', '"MaxConcurrency": 20'),
            "substitutions",
            "the template declares GroupBatchesAtOnce, which the definition does not use",
        ),
        (
            changed(
                "    MaxValue: 40\n    Description: >-\n      The most",
                "    MaxValue: 41\n    Description: >-\n      The most",
                template=True,
            ),
            "time",
            "a child of InferBatches can take 526 s; it should end within 270 of 300 s",
        ),
        (
            changed("Timeout: 20\n", "Timeout: 25\n", template=True),
            "time",
            "InferBatch waits 22 s, and its function may run 25 s",
        ),
        (
            changed("Action: dynamodb:UpdateItem", "Action: dynamodb:PutItem", template=True),
            "permissions",
            "the definition needs dynamodb:UpdateItem, which BatchInferenceRole does not grant",
        ),
        (
            changed("Action: dynamodb:UpdateItem", "Action: dynamodb:PutItem", template=True),
            "permissions",
            "BatchInferenceRole grants dynamodb:PutItem, which the definition does not use",
        ),
        (
            changed("- !GetAtt SummarizeIngestFunction.Arn", "- !GetAtt PlanIngestFunction.Arn", template=True),
            "permissions",
            "SummarizeIngest needs lambda:InvokeFunction on SummarizeIngestFunction, which the role does not grant",
        ),
    ],
)
def test_each_check_finds_what_it_is_for(workflow: Workflow, check: str, said: str) -> None:
    assert said in problems(workflow)[check]


def test_a_misspelt_path_is_found_where_it_is_followed() -> None:
    found = problems(changed('"$.plan.pinned"', '"$.plan.pined"'))

    assert found.keys() == {"paths"}
    assert found["paths"][0].startswith("InferBatches: $.plan.pined leads nowhere in ")


def test_a_definition_that_is_no_json_is_said_to_be_none() -> None:
    assert problems(changed('"StartAt": "PlanIngest",', '"StartAt": "PlanIngest"')).keys() == {"json"}


def test_a_child_over_five_minutes_is_found() -> None:
    found = problems(changed('"TimeoutSeconds": 22', '"TimeoutSeconds": 30'))

    # 1 + 5 + 3 attempts of 30 s, waits of 25 and 13 s; recording the failure takes 27 s
    assert found["time"] == ["a child of InferBatches can take 335 s; it should end within 270 of 300 s"]


def test_docs_have_the_same_arithmetic_as_the_definition() -> None:
    """docs/design.md adds up the worst case of a child; the table and the definition must say the same."""
    text = (ROOT / "docs/design.md").read_text()
    section = text[text.index("five minutes of an Express child") :]
    rows = re.findall(r"^\| (.+?) \| \**([0-9.]+)\** \|$", section.split("\n## ")[0], re.MULTILINE)
    *parts, (total_name, total) = rows
    child = next(machine for machine in machines(render(EXAMPLE)) if machine.express)

    assert total_name == "**together**"
    assert sum(float(seconds) for _, seconds in parts) == float(total)
    assert worst_case.WorstCase(machines(render(EXAMPLE)), {"InferGroup": 40}).seconds(child) == float(total)


def task(timeout: int, *retriers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": "r", "TimeoutSeconds": timeout, "Retry": list(retriers), **more}


def test_the_worst_case_is_the_slowest_way_with_every_attempt_and_every_wait() -> None:
    definition = {
        "StartAt": "A",
        "States": {
            # 3 attempts of 10 s, waits of 1 and 2 s
            "A": task(
                10, {"ErrorEquals": ["X"], "MaxAttempts": 2}, Next="D", Catch=[{"ErrorEquals": ["Y"], "Next": "B"}]
            ),
            # 4 attempts of 1 s, waits of 2, 6 and, cut, 10 s
            "B": task(
                1,
                {"ErrorEquals": ["X"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxDelaySeconds": 10},
                End=True,
            ),
            "D": task(5, End=True),
        },
    }

    (machine,) = machines(definition)
    worst = worst_case.WorstCase([machine])

    steps = [step for step in worst.slowest_way(machine) if isinstance(step, worst_case.TaskTime)]
    assert [(step.name, step.attempts, step.waits) for step in steps] == [
        ("A", 3, ((1, 2),)),
        ("B", 4, ((2, 6, 10),)),
    ]
    assert worst.seconds(machine) == 33 + 22


def test_a_group_that_is_too_large_for_a_state_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planner keeps a group under half of what a state may take; here it does not."""
    monkeypatch.setattr(manifest.encode_groups, "__kwdefaults__", {"group_bytes": 300_000})
    samples.largest.cache_clear()
    try:
        found = problems(WORKFLOW)["sizes"]
    finally:
        samples.largest.cache_clear()

    assert found[0].startswith("InferGroup can come to 29")
