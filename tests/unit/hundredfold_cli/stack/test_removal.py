"""Removing a stack takes everything of it away, nothing of another one, and goes on after an interruption."""

from typing import Any

import pytest

from hundredfold_cli.errors import DeploymentError, NotThereError
from hundredfold_cli.stack.contents import SAM_STACK
from hundredfold_cli.stack.removal import DESCRIPTION, Inventory, remove, take_inventory
from tests.unit.hundredfold_cli.account_in_memory import ACCOUNT, REGION, SAM_BUCKET, Account
from tools.workflow.template import TEMPLATE, parse_long_forms

SOURCE, WORK = (f"s-{use}-{ACCOUNT}-{REGION}" for use in ("source", "work"))
OF_OTHERS: dict[str, Any] = {
    "layers": {"s2-core": [1], "t-core": [1, 2]},
    "objects": {f"t-work-{ACCOUNT}-{REGION}": [("a", "null")], SAM_BUCKET: [("s2/a", "v1"), ("t/a", "v1")]},
    "tables": {"t-LedgerTable": 5},
    "log_groups": {"/aws/lambda/s-infer-batch-of-another", "/aws/lambda/t-infer-batch"},
    "statuses": {SAM_STACK: "CREATE_COMPLETE", "t": "CREATE_COMPLETE"},
}
"""What must be left. `s2` is a stack whose name begins like this one's."""


def account(**changes: Any) -> Account:
    """An account with stack `s`, which has everything, and with others."""
    defaults: dict[str, Any] = {
        "statuses": {**OF_OTHERS["statuses"], "s": "UPDATE_COMPLETE"},
        "templates": {"s": f"Description: {DESCRIPTION} for ...", "t": "Description: an online shop"},
        "resources": {
            "s": [
                ("PredictionsTable", "AWS::DynamoDB::Table", "s-PredictionsTable-1"),
                ("LedgerTable", "AWS::DynamoDB::Table", "s-LedgerTable-1"),
                ("BatchInference", "AWS::StepFunctions::StateMachine", "arn:machine"),
                ("SourceBucket", "AWS::S3::Bucket", SOURCE),
            ]
        },
        "layers": {**OF_OTHERS["layers"], "s-core": [3, 4], "s-model": [1]},
        "objects": {
            **OF_OTHERS["objects"],
            SOURCE: [("uploads/a", "v1"), ("uploads/a", "v2"), ("uploads/a", "mark-1")],
            WORK: [("ingests/i1/manifest.json", "null")],
            SAM_BUCKET: [*OF_OTHERS["objects"][SAM_BUCKET], ("s/a", "v1"), ("s/a", "v2")],
        },
        "tables": {**OF_OTHERS["tables"], "s-PredictionsTable-1": 4_000_000_000, "s-LedgerTable-1": 0},
        "log_groups": {
            *OF_OTHERS["log_groups"], "/aws/lambda/s-infer-batch", "/aws/vendedlogs/states/s-batch-inference",
        },
    }  # fmt: skip
    return Account(**{**defaults, **changes})


def removed(there: Account, keep_data: bool = False) -> Inventory:
    """Remove stack `s`, and return what was listed before."""
    inventory = take_inventory(there.contents("s"))
    remove(there.contents("s"), inventory, keep_data, lambda _: None)
    return inventory


def left(there: Account) -> dict[str, Any]:
    """Return what is left in the account, without what is empty."""
    return {
        "layers": {name: numbers for name, numbers in there.layers.items() if numbers},
        "objects": there.objects,
        "tables": there.tables,
        "log_groups": there.log_groups,
        "statuses": there.statuses,
    }


def test_nothing_of_the_stack_is_left_and_nothing_of_another_is_touched() -> None:
    there = account()

    inventory = removed(there)

    assert left(there) == OF_OTHERS
    assert inventory.lines(keep_data=False) == [
        "table s-PredictionsTable-1, 7 items of 4,000.0 MB",
        "table s-LedgerTable-1, 7 items of 0.0 MB",
        f"bucket {SOURCE}, 3 objects and versions of 0.0 MB",
        f"bucket {WORK}, 1 objects and versions of 0.0 MB",
        "stack s with 4 resources: functions, roles, alarms and all else",
        "3 versions of 2 layers",
        "2 log groups",
        "2 uploads of sam, 0.0 MB",
    ]


def test_what_is_listed_is_what_is_deleted() -> None:
    there = account()

    inventory = removed(there)

    objects = sum(call.startswith("object ") for call in there.calls)
    uploads = inventory.uploads
    assert uploads is not None
    assert objects == sum(bucket.versions for bucket in inventory.buckets) + len(uploads.versions)
    assert sum(call.startswith("layer ") for call in there.calls) == len(inventory.layers)
    assert {call for call in there.calls if call.startswith("table ")} == {
        f"table {table.name}" for table in inventory.tables
    }


def test_an_inventory_deletes_nothing() -> None:
    there = account()

    take_inventory(there.contents("s"))

    assert there.calls == []


def test_with_the_data_kept_the_tables_are_left_and_priced() -> None:
    there = account()
    inventory = take_inventory(there.contents("s"))

    staying = remove(there.contents("s"), inventory, True, lambda _: None)

    assert set(there.tables) == {"t-LedgerTable", "s-PredictionsTable-1", "s-LedgerTable-1"}
    assert not any(line.startswith("table ") for line in inventory.lines(keep_data=True))
    # 4 GB x ($0.25 + $0.20 a GB-month)
    assert [(one.what.partition(",")[0], one.usd) for one in staying][:2] == [
        ("table s-PredictionsTable-1", pytest.approx(1.80)),
        ("table s-LedgerTable-1", 0.0),
    ]


def test_running_ingests_are_stopped_before_anything_is_deleted() -> None:
    there = account(running=["i1", "i2"])

    inventory = removed(there)

    assert there.calls[:2] == ["execution i1", "execution i2"]
    assert inventory.lines(keep_data=False)[0] == "2 ingests that are running; they are stopped first"


@pytest.mark.parametrize("calls", range(1, 16))
def test_a_removal_that_was_interrupted_after_any_call_is_finished_by_the_next(calls: int) -> None:
    there = account(running=["i1"])

    class Interrupting(list[str]):
        def append(self, call: str) -> None:
            super().append(call)
            if len(self) == calls:
                raise KeyboardInterrupt

    there.calls = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        removed(there)
    there.calls = []

    removed(there)

    assert left(there) == OF_OTHERS


def test_a_stack_that_cannot_be_deleted_is_said_with_the_reason_and_can_be_removed_again() -> None:
    there = account(failing={"StreamMapping": "resource is in use"})

    with pytest.raises(DeploymentError, match="StreamMapping: resource is in use; mend that, and remove it again"):
        removed(there)

    there.failing = {}
    removed(there)
    assert left(there) == OF_OTHERS


def test_what_a_removed_stack_has_left_is_removed() -> None:
    there = account(statuses=dict(OF_OTHERS["statuses"]), tables=dict(OF_OTHERS["tables"]))

    inventory = removed(there)

    assert (inventory.status, inventory.tables) == (None, ())
    assert left(there) == OF_OTHERS


def test_a_stack_of_another_template_is_not_removed() -> None:
    there = account()

    with pytest.raises(DeploymentError, match="stack t is not one of Hundredfold"):
        take_inventory(there.contents("t"))

    assert there.calls == []


def test_a_stack_that_is_being_deployed_is_not_removed() -> None:
    there = account(statuses={"s": "UPDATE_IN_PROGRESS"})

    with pytest.raises(DeploymentError, match="stack s is UPDATE_IN_PROGRESS; remove it when that has ended"):
        take_inventory(there.contents("s"))


def test_where_nothing_is_that_is_said() -> None:
    with pytest.raises(NotThereError, match="there is no stack nothing, and nothing that one has left"):
        take_inventory(account().contents("nothing"))


def test_a_stack_is_known_by_the_description_of_the_template() -> None:
    assert parse_long_forms(TEMPLATE.read_text())["Description"].startswith(DESCRIPTION)
