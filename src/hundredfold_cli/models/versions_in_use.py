"""The versions of the model that ingests are pinned to, or may be about to be pinned to.

An ingest keeps its version until it is completed: a resume of a failed or lost ingest uses it again. So both the ledger
and the running executions are read. The ledger has an ingest once it is planned, and the executions have it before.
"""

import json
from collections.abc import Iterator

from hundredfold.errors import InvalidIngestError
from hundredfold.ingest import LIVE, Resume, resume_from_input
from hundredfold.planning.shadows import shadow_from_input
from hundredfold_cli.ingests.executions import find_execution
from hundredfold_cli.stack.deployment import Deployment


def running_versions(deployment: Deployment, live: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the versions that running executions use, or may use, each with the names of those executions.

    Parameters
    ----------
    live : the versions that are or were live. An ingest that is not planned yet may be pinned to any of them: a large
        one takes what is live when its planning begins, and is in the ledger when it ends.
    """
    used: dict[str, list[str]] = {}
    pages = deployment.step_functions.get_paginator("list_executions").paginate(
        stateMachineArn=deployment.state_machine, statusFilter="RUNNING"
    )
    for execution in (execution for page in pages for execution in page["executions"]):
        for version in sorted(set(_versions_of(deployment, execution["name"], live))):
            used.setdefault(version, []).append(execution["name"])
    return used


def unfinished_versions(deployment: Deployment) -> dict[str, list[str]]:
    """Return the versions that ingests are pinned to which still have batches to do, each with the ingests' ids.

    It reads the whole ledger.
    """
    used: dict[str, list[str]] = {}
    for ingest_id, version in deployment.ledger.unfinished():
        used.setdefault(version, []).append(ingest_id)
    return used


def _versions_of(deployment: Deployment, execution: str, live: tuple[str, ...]) -> Iterator[str]:
    description = find_execution(deployment, execution)
    execution_input = json.loads(description["input"]) if description else None
    try:
        resume, shadow = resume_from_input(execution_input), shadow_from_input(execution_input)
    except InvalidIngestError:
        return  # the planner refuses it
    plan = deployment.ledger.plan(resume.ingest_id if resume else execution)
    if plan:
        yield plan.model.version
    if resume and resume.model and resume.model != LIVE:
        yield resume.model
    elif shadow:
        yield shadow.version
    elif _takes_live(resume, planned=plan is not None):
        yield from live


def _takes_live(resume: Resume | None, *, planned: bool) -> bool:
    return not planned or (resume is not None and resume.model == LIVE)
