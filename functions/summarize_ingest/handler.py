"""SummarizeIngest: adds up the ledger, holds it against the plan, and says what became of the ingest."""

import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from hundredfold.adapters import clients
from hundredfold.adapters.ledger import DynamoLedger
from hundredfold.adapters.objects import S3WorkObjects
from hundredfold.costing import prices_or_none
from hundredfold.health import Baseline
from hundredfold.ingest import Plan, card_key
from hundredfold.observability import logger, metrics, observe_summary
from hundredfold.settings import Settings
from hundredfold.summarizing import summarize

settings = Settings.from_environment(os.environ)
work = S3WorkObjects(clients.s3(), settings.work_bucket)
price_list = prices_or_none(os.environ.get("AWS_REGION", ""))
ledger = DynamoLedger(clients.dynamodb(), settings.ledger_table)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ingest_id = event["ingest_id"]
    logger.append_keys(ingest_id=ingest_id, execution=event["execution"])
    plan = event["state"].get("plan")
    summary = summarize(
        ingest_id,
        event["started_at"],
        datetime.now(UTC).isoformat(),
        Plan.from_dict(plan) if plan else None,
        ledger.entries(ingest_id),
        event["state"].get("failure"),
        baseline=Baseline.of_card(work.read(card_key(ingest_id))),
        price_list=price_list,
    )
    ledger.finish(summary)
    observe_summary(summary)
    return summary.as_dict()
