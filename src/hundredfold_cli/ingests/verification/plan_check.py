"""Checks of an ingest's plan: against the ingest, and the execution that asked for it."""

import json
from collections.abc import Mapping
from typing import Any

from hundredfold.errors import HundredfoldError
from hundredfold.ingest import Plan
from hundredfold.keys import manifest_key
from hundredfold.sources.spec import ObjectsSpec, spec_from_dict
from hundredfold_cli.ingests.verification.executions import Executions
from hundredfold_cli.ingests.verification.findings import Store, Verification
from hundredfold_cli.stack.deployment import Deployment

_FILLED_IN = frozenset({"kind", "compression"})
"""What the planner adds to a source, if the execution's input leaves it out."""


def read_plan(item: Mapping[str, Any], verification: Verification) -> Plan | None:
    """Return the plan in an ingest's ledger item. A malformed one is a problem, and None."""
    try:
        return Plan.from_dict(item["plan"])
    except (AttributeError, KeyError, TypeError, ValueError, HundredfoldError) as error:
        verification.add(Store.PLAN, f"it is malformed: {type(error).__name__}: {error}")
        return None


def check_plan(
    deployment: Deployment, ingest_id: str, plan: Plan, executions: Executions, verification: Verification
) -> None:
    """Compare a plan with its ingest, with the input of the ingest's first execution, and with its partitions."""
    verification.compare(Store.PLAN, "its ingest", plan.ingest_id, ingest_id)
    location = f"s3://{deployment.work.bucket}/{manifest_key(ingest_id)}"
    verification.compare(Store.PLAN, "its manifest", str(plan.manifest), location)
    spec = plan.spec
    if isinstance(spec, ObjectsSpec) and spec.key and plan.pinned:
        pinned = plan.pinned.staged_from or str(plan.pinned.location)
        verification.compare(Store.PLAN, "its pinned object", pinned, str(spec))
    _check_spec(plan, executions, verification)
    _check_partitions(deployment, plan, verification)


def _check_spec(plan: Plan, executions: Executions, verification: Verification) -> None:
    if executions.first is None:
        verification.leave_out("Step Functions has forgotten the first execution: what it was asked for is not known")
        return
    execution_input = executions.first.input
    try:
        wanted = spec_from_dict(execution_input["source"]).as_dict()
    except (LookupError, TypeError, HundredfoldError):
        return  # then this execution has planned nothing
    if "shadow" in execution_input:
        wanted.pop("write_back", None)  # a shadow's predictions are only compared
    planned = plan.spec.as_dict()
    for name in sorted(wanted.keys() | planned.keys() - _FILLED_IN):
        verification.compare(Store.PLAN, f"{name} of its source", planned.get(name), wanted.get(name))


def _check_partitions(deployment: Deployment, plan: Plan, verification: Verification) -> None:
    """Compare the number of partitions with the lists that the state machine mapped over."""
    folder = f"ingests/{plan.ingest_id}/partitions/"
    lists = [key for key in deployment.work.keys(folder) if key.endswith("/partitions.json")]
    counts = {len(json.loads(deployment.work.read(key) or b"[]")) for key in lists} or {0}
    if plan.partitions not in counts:
        verification.add(Store.PLAN, f"its number of partitions is {plan.partitions}, and should be {max(counts)}")
