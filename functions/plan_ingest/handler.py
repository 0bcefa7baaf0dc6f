"""PlanIngest, PlanPartition and JoinPartitions: plan an ingest, whole or in partitions."""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from hundredfold.aws.planner import planner_on_aws
from hundredfold.ingest import PartitionedPlan, Plan, ingest_id_of, resume_from_input
from hundredfold.runtime.redaction import redact_errors
from hundredfold.runtime.telemetry import (
    log_ingest,
    logger,
    metrics,
    observe_partitioned,
    observe_plan,
    observe_resumed,
)
from hundredfold.settings import Settings

planner = planner_on_aws(Settings.from_environment(os.environ))


def plan(event: dict[str, Any]) -> dict[str, Any]:
    """Plan an ingest, or what is missing of one."""
    name, execution_input, started_at = event["execution_name"], event["input"], event["started_at"]
    if resume := resume_from_input(execution_input):
        return report(planner.resume(resume, execution_input, name, started_at), execution_input)
    return report(planner.plan(name, execution_input, started_at), execution_input)


def plan_partition(event: dict[str, Any]) -> dict[str, Any]:
    """Plan one partition of an ingest that is too large for one call."""
    planned = planner.plan_partition(event["ingest_id"], event["execution_name"], event["partition"])
    logger.info("partition planned", partition=planned.partition, batches=planned.batches, records=planned.records)
    return planned.as_dict()


def join_partitions(event: dict[str, Any]) -> dict[str, Any]:
    """Join the planned partitions into one plan."""
    name, execution_input, state = event["execution_name"], event["input"], event["state"]
    partitioned = PartitionedPlan.from_dict(state["plan"])
    joined = planner.join_partitions(partitioned, state.get("failure"), execution_input, name, event["started_at"])
    return report(joined, execution_input)


def report(planned: Plan | PartitionedPlan, execution_input: object) -> dict[str, Any]:
    """Log and count what was planned, and return it to the state machine."""
    if isinstance(planned, PartitionedPlan):
        observe_partitioned(planned)
    elif resume_from_input(execution_input):
        observe_resumed(planned)
    else:
        observe_plan(planned)
    return planned.as_dict()


ACTIONS = {"plan": plan, "plan_partition": plan_partition, "join_partitions": join_partitions}


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
@redact_errors
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ingest_id = event.get("ingest_id") or ingest_id_of(event["execution_name"], event["input"])
    log_ingest(ingest_id)
    logger.append_keys(ingest_id=ingest_id, execution=event["execution"])
    return ACTIONS[event["action"]](event)
