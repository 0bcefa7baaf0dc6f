"""PlanIngest: cuts an ingest into batches, pins its source and its model, and writes the manifest."""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from hundredfold.adapters import clients
from hundredfold.adapters.ledger import DynamoLedger
from hundredfold.adapters.models import LambdaModels
from hundredfold.adapters.objects import S3Sources, S3WorkObjects
from hundredfold.adapters.sealing import sealed
from hundredfold.adapters.tables import DynamoTables
from hundredfold.ingest import ingest_id_of, resume_from_input
from hundredfold.observability import logger, metrics, observe_plan
from hundredfold.planning import Planner
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
)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
@sealed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    name, asked, started_at = event["execution_name"], event["input"], event["started_at"]
    logger.append_keys(ingest_id=ingest_id_of(name, asked), execution=event["execution"])
    resume = resume_from_input(asked)
    if resume:
        plan = planner.resume(resume, asked, name, started_at)
        logger.info("resumed", batches=plan.batches, records=plan.records, model_version=plan.model.version)
    else:
        plan = planner.plan(name, asked, started_at)
        observe_plan(plan)
    return plan.as_dict()
