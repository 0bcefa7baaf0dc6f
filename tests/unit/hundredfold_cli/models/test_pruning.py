"""Pruning deletes what nothing uses, and never what a version that stays uses."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundredfold_cli.errors import DeploymentError
from hundredfold_cli.models.pruning import Pruner, Pruning
from hundredfold_cli.stack.contents import SAM_STACK
from tests.unit.hundredfold_cli.account_in_memory import SAM_BUCKET, Account, layer

INFER = "s-infer-batch"
LAYERS = ("dependencies", "readers", "core", "model")


class Deployed:
    """What pruning asks of a deployment."""

    work_bucket = "work"
    infer_function = INFER
    model_layer = layer("s-model", 1)


class Version:
    """A published version, by its number."""

    def __init__(self, number: str) -> None:
        self.number = number
        self.model_name = "m"


class Releases:
    """Releases of which the named versions can be deleted; deleting one takes it from the account."""

    def __init__(self, account: Account, prunable: list[str], kept: dict[str, str] | None = None) -> None:
        self._account = account
        self._prunable = prunable
        self._kept = kept or {}
        self.is_locked = False

    def locked(self, _: str) -> "Releases":
        return self

    def __enter__(self) -> None:
        self.is_locked = True

    def __exit__(self, *_: object) -> None:
        self.is_locked = False

    def prunable(self, _: int) -> tuple[list[Version], dict[str, str]]:
        return [Version(number) for number in self._prunable if number in self._account.functions[INFER]], self._kept

    def delete(self, version: Version) -> None:
        assert self.is_locked
        del self._account.functions[INFER][version.number]
        self._account.calls.append(f"version {version.number}")


def pruner(account: Account, *prunable: str) -> Pruner:
    releases = Releases(account, list(prunable))
    return Pruner(cast("Any", Deployed()), cast("Any", releases), account.contents("s"))


def account(**changes: Any) -> Account:
    """An account with stack `s`: version 1 with layers 1, version 2 with layers 2, and both with dependencies 1."""
    defaults: dict[str, Any] = {
        "statuses": {"s": "UPDATE_COMPLETE", SAM_STACK: "CREATE_COMPLETE"},
        "templates": {"s": f"CodeUri: s3://{SAM_BUCKET}/s/live"},
        "resources": {"s": [("CoreLayer", "AWS::Lambda::LayerVersion", layer("s-core", 2))]},
        "functions": {
            INFER: {
                "1": [layer("s-dependencies", 1), layer("s-core", 1), layer("s-model", 1)],
                "2": [layer("s-dependencies", 1), layer("s-core", 2), layer("s-model", 2)],
                "$LATEST": [layer("s-dependencies", 1), layer("s-core", 2), layer("s-model", 2)],
            },
            "s-plan-ingest": {"$LATEST": [layer("s-readers", 2), layer("s-core", 2)]},
            "s-summarize-ingest": {"$LATEST": [layer("s-core", 2)]},
        },
        "layers": {"s-dependencies": [1], "s-readers": [1, 2], "s-core": [1, 2], "s-model": [1, 2], "t-core": [1]},
        "objects": {
            "work": [("models/ab.json", "null"), ("releases/ab.zip", "null")],
            SAM_BUCKET: [("s/live", "v1"), ("s/old", "v1"), ("s/old", "v2"), ("s/gone", "mark-1"), ("t/old", "v1")],
        },
    }
    return Account(**{**defaults, **changes})


def test_a_deleted_versions_layers_go_unless_another_version_has_them() -> None:
    there = account()

    pruned = pruner(there, "1").prune(1)

    assert there.layers == {
        "s-dependencies": [1],  # version 2 has it
        "s-readers": [2],  # the planner has 2
        "s-core": [2],
        "s-model": [1, 2],  # 1 was built with the stack
        "t-core": [1],  # of another stack
    }
    assert [version.number for version in pruned.versions] == ["1"]
    assert there.calls[0] == "version 1"  # before its layers, so that an interrupted prune leaves no version without


def test_while_its_version_stays_a_layer_stays() -> None:
    there = account()

    pruner(there).prune(1)

    assert there.layers == {
        "s-dependencies": [1], "s-readers": [2], "s-core": [1, 2], "s-model": [1, 2], "t-core": [1],
    }  # fmt: skip


def test_what_cloudformation_has_stays_although_no_function_uses_it() -> None:
    there = account(functions={INFER: {}})

    pruner(there).prune(1)

    assert there.layers["s-core"] == [2]


def test_of_sams_bucket_go_all_versions_of_this_stack_that_its_template_does_not_name() -> None:
    there = account()

    pruned = pruner(there).prune(1)

    assert there.objects[SAM_BUCKET] == [("s/live", "v1"), ("t/old", "v1")]
    assert there.objects["work"] == [("models/ab.json", "null")]
    assert pruned.lines()[-2:] == ["1 objects of 0.0 MB in the work bucket", "3 objects of 0.0 MB in sam's bucket"]


def test_a_plan_deletes_nothing_and_a_second_prune_has_nothing_to_do() -> None:
    there = account()
    planned = pruner(there, "1").plan(1)
    assert there.calls == []

    pruned = pruner(there, "1").prune(1)

    assert pruned.as_dict() == planned.as_dict()
    assert pruner(there, "1").prune(1).is_empty


def test_only_what_was_shown_is_deleted() -> None:
    # Given a plan that was shown, after which version 2 could be deleted too
    there = account()
    shown = pruner(there, "1").plan(1)

    pruned = pruner(there, "1", "2").prune(1, shown)

    assert [version.number for version in pruned.versions] == ["1"]
    assert "2" in there.functions[INFER]


def test_what_has_come_into_use_since_it_was_shown_stays() -> None:
    there = account()
    shown = pruner(there, "1").plan(1)
    there.functions["s-start-ingest"] = {"$LATEST": [layer("s-core", 1)]}

    pruner(there, "1").prune(1, shown)

    assert there.layers["s-core"] == [1, 2]


def test_while_the_stack_is_deployed_nothing_is_deleted() -> None:
    there = account(statuses={"s": "UPDATE_IN_PROGRESS"})

    with pytest.raises(DeploymentError, match="stack s is UPDATE_IN_PROGRESS; prune when that has ended"):
        pruner(there, "1").prune(1)

    assert there.calls == []


def test_without_a_bucket_of_sams_the_rest_is_deleted() -> None:
    there = account(statuses={"s": "UPDATE_COMPLETE"})

    pruned = pruner(there, "1").prune(1)

    assert (pruned.uploads, pruned.sam_bucket) == ((), "")
    assert there.layers["s-core"] == [2]


NUMBERS = st.integers(1, 4)
VERSIONS = st.dictionaries(
    st.integers(1, 6).map(str),
    st.tuples(*([NUMBERS] * len(LAYERS))).map(
        lambda numbers: [layer(f"s-{name}", number) for name, number in zip(LAYERS, numbers, strict=True)]
    ),
)


@given(versions=VERSIONS, prunable=st.sets(st.integers(1, 6).map(str)), latest=NUMBERS)
def test_no_layer_goes_that_a_version_that_stays_uses_and_all_others_go(
    versions: dict[str, list[str]], prunable: set[str], latest: int
) -> None:
    there = account(
        functions={INFER: dict(versions), "s-plan-ingest": {"$LATEST": [layer("s-readers", latest)]}},
        layers={f"s-{name}": [1, 2, 3, 4] for name in LAYERS},
    )

    pruned: Pruning = pruner(there, *sorted(prunable)).prune(1)

    left = {layer(name, number) for name, numbers in there.layers.items() for number in numbers}
    staying = {arn for number, layers in versions.items() if number not in prunable for arn in layers}
    always = {layer("s-readers", latest), layer("s-core", 2), layer("s-model", 1)}
    assert left == staying | always
    assert {version.number for version in pruned.versions} == prunable & set(versions)
