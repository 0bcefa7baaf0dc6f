"""SummarizeIngest: adds up the ledger, holds it against the plan, and says what became of the ingest."""

import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from hundredfold.adapters import clients
from hundredfold.adapters.events import EventBridgeAnnouncements
from hundredfold.adapters.ledger import DynamoLedger
from hundredfold.adapters.objects import S3WorkObjects
from hundredfold.adapters.sealing import sealed
from hundredfold.announcing import announcement_of
from hundredfold.costing import prices_or_none
from hundredfold.health import Baseline
from hundredfold.ingest import card_key, ingest_id_of
from hundredfold.observability import logger, metrics, observe_announcement, observe_summary
from hundredfold.settings import Settings
from hundredfold.shadow import SHADOW
from hundredfold.summarizing import summarize

settings = Settings.from_environment(os.environ)
work = S3WorkObjects(clients.s3(), settings.work_bucket)
price_list = prices_or_none(os.environ.get("AWS_REGION", ""))
ledger = DynamoLedger(clients.dynamodb(), settings.ledger_table)
announcements = EventBridgeAnnouncements(clients.events(), settings.event_bus)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
@sealed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    name = event["execution_name"]
    ingest_id = ingest_id_of(name, event["input"])
    logger.append_keys(ingest_id=ingest_id, execution=event["execution"])
    summary = summarize(
        ingest_id,
        event["started_at"],
        datetime.now(UTC).isoformat(),
        ledger.plan(ingest_id),
        ledger.entries(ingest_id),
        event["state"].get("failure"),
        baseline=Baseline.of_card(work.read(card_key(ingest_id))),
        price_list=price_list,
    )
    repeated = ledger.finish(summary, resumed_by=name if name != ingest_id else None)
    if not repeated:
        observe_summary(summary)
    if SHADOW not in ingest_id:
        # Also when it is repeated: the call before may have ended between the ledger and the event.
        observe_announcement(announcements.send(announcement_of(summary)))
    return summary.as_dict()
