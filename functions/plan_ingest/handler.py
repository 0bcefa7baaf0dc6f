"""PlanIngest, PlanPartition and JoinPartitions: cut an ingest into batches, and pin its source and its model."""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from hundredfold.aws import clients
from hundredfold.aws.ledger import DynamoLedger
from hundredfold.aws.models import LambdaModels
from hundredfold.aws.objects import S3Sources, S3WorkObjects
from hundredfold.aws.source_tables import DynamoTables
from hundredfold.ingest import PartitionedPlan, ingest_id_of, resume_from_input
from hundredfold.planning.planner import Planner
from hundredfold.runtime.redaction import redact_errors
from hundredfold.runtime.telemetry import logger, metrics, observe_partitioned, observe_plan, observe_resumed
from hundredfold.settings import Settings

settings = Settings.from_environment(os.environ)
s3 = clients.s3()
dynamodb = clients.dynamodb()
planner = Planner(
    sources=S3Sources(s3),
    tables=DynamoTables(dynamodb),
    work=S3WorkObjects(s3, settings.work_bucket),
    models=LambdaModels(clients.lambda_(), settings.live_alias),
    ledger=DynamoLedger(dynamodb, settings.ledger_table),
    batch_records=settings.batch_records,
    batch_bytes=settings.batch_bytes,
    partition_bytes=settings.partition_bytes,
)


def plan(event: dict[str, Any]) -> dict[str, Any]:
    """Plan an ingest, or what is missing of one."""
    name, execution_input, started_at = event["execution_name"], event["input"], event["started_at"]
    if resume := resume_from_input(execution_input):
        planned = planner.resume(resume, execution_input, name, started_at)
    else:
        planned = planner.plan(name, execution_input, started_at)
    if isinstance(planned, PartitionedPlan):
        observe_partitioned(planned)
    elif resume:
        observe_resumed(planned)
    else:
        observe_plan(planned)
    return planned.as_dict()


def plan_partition(event: dict[str, Any]) -> dict[str, Any]:
    """Plan one partition of an ingest that is too large for one call."""
    planned = planner.plan_partition(event["ingest_id"], event["execution_name"], event["partition"])
    logger.info("partition planned", partition=planned.partition, batches=planned.batches, records=planned.records)
    return planned.as_dict()


def join_partitions(event: dict[str, Any]) -> dict[str, Any]:
    """Make one plan of all partitions."""
    name, execution_input, state = event["execution_name"], event["input"], event["state"]
    partitioned = PartitionedPlan.from_dict(state["plan"])
    planned = planner.join_partitions(partitioned, state.get("failure"), execution_input, name, event["started_at"])
    if resume_from_input(execution_input):
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
    logger.append_keys(ingest_id=ingest_id, execution=event["execution"])
    return ACTIONS[event["action"]](event)
