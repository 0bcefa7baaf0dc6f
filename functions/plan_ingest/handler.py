"""PlanIngest, PlanPart, JoinPlan: cut an ingest into batches, in one go or in parts, pin its source and its model."""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from hundredfold.aws import clients
from hundredfold.aws.ledger import DynamoLedger
from hundredfold.aws.models import LambdaModels
from hundredfold.aws.objects import S3Sources, S3WorkObjects
from hundredfold.aws.source_tables import DynamoTables
from hundredfold.ingest import Plan, ingest_id_of, resume_from_input
from hundredfold.planning.planner import Planner
from hundredfold.runtime.redaction import redact_errors
from hundredfold.runtime.telemetry import logger, metrics, observe_plan
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


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
@redact_errors
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    return plan_partition(event) if "part" in event else plan(event)


def plan_partition(event: dict[str, Any]) -> dict[str, Any]:
    """Plan one part of an ingest that is too large for one call."""
    ingest_id, part = event["ingest_id"], event["part"]
    logger.append_keys(ingest_id=ingest_id, execution=event["execution"], part=part)
    planned = planner.plan_partition(ingest_id, event["execution_name"], part)
    logger.info("part planned", batches=planned.batches, records=planned.records)
    return planned.as_dict()


def plan(event: dict[str, Any]) -> dict[str, Any]:
    """Plan an ingest, or what is missing of one; or join what was planned in parts."""
    name, asked, started_at = event["execution_name"], event["input"], event["started_at"]
    logger.append_keys(ingest_id=ingest_id_of(name, asked), execution=event["execution"])
    resume = resume_from_input(asked)
    if divided := event.get("divided"):
        planned = planner.join(Plan.from_dict(divided["plan"]), divided.get("failure"), asked, name, started_at)
    elif resume:
        planned = planner.resume(resume, asked, name, started_at)
    else:
        planned = planner.plan(name, asked, started_at)
    if planned.parts and not divided:
        logger.info("divided", parts=planned.parts, source=str(planned.origin), bytes=planned.source_bytes)
    elif resume:
        logger.info("resumed", batches=planned.batches, records=planned.records, model_version=planned.model.version)
    else:
        observe_plan(planned)
    return planned.as_dict()
