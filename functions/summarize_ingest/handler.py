"""SummarizeIngest: add up the ledger, compare it with the plan, and send a notification that the ingest ended."""

import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from hundredfold.accounting.index_builder import IndexBuilder, indexed
from hundredfold.accounting.notification import notification_of
from hundredfold.accounting.prices import prices_or_none
from hundredfold.accounting.summarize import summarize
from hundredfold.aws import clients
from hundredfold.aws.events import EventBridgeNotifications
from hundredfold.aws.ledger import DynamoLedger
from hundredfold.aws.objects import S3WorkObjects
from hundredfold.errors import IngestExistsError
from hundredfold.ingest import Plan, ingest_id_of
from hundredfold.keys import card_key, earlier_card_key, index_key
from hundredfold.layout import Layout
from hundredfold.model.drift import Baseline
from hundredfold.planning.shadows import SHADOW
from hundredfold.runtime.redaction import redact_errors
from hundredfold.runtime.telemetry import log_ingest, logger, metrics, observe_notification, observe_summary
from hundredfold.settings import Settings

settings = Settings.from_environment(os.environ)
work = S3WorkObjects(clients.s3(), settings.work_bucket)
price_list = prices_or_none(os.environ.get("AWS_REGION", ""))
ledger = DynamoLedger(clients.dynamodb(), settings.ledger_table)
notifications = EventBridgeNotifications(clients.events(), settings.event_bus)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
@redact_errors
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    name = event["execution_name"]
    ingest_id = ingest_id_of(name, event["input"])
    log_ingest(ingest_id)
    logger.append_keys(ingest_id=ingest_id, execution=event["execution"])
    plan, history = ledger.plan(ingest_id), ledger.history(ingest_id, name)
    # If the planner refused to resume, the ingest keeps its index.
    is_packed = plan is not None and plan.layout is Layout.PACKED and "plan" in event["state"]
    with IndexBuilder() as builder:
        summary = summarize(
            ingest_id,
            event["started_at"],
            datetime.now(UTC).isoformat(),
            plan,
            indexed(ledger.packed_entries(ingest_id), builder) if is_packed else ledger.entries(ingest_id),
            event["state"].get("failure"),
            execution=name,
            history=history,
            tolerated_percentage=settings.tolerated_percentage,
            baseline_of=lambda version: read_baseline(ingest_id, version, plan),
            price_list=price_list,
        )
        index = builder.write(index_key(ingest_id, name), work) if is_packed else None
    try:
        repeated = ledger.finish(summary, resumed_by=name if name != ingest_id else None, index=index)
    except IngestExistsError:
        if name == ingest_id or "plan" in event["state"]:
            raise
        # The planner refused to resume. So this execution fails, and the ingest stays as it is.
        logger.warning("not resumed", cause=summary.cause)
        return summary.as_dict()
    if not repeated:
        observe_summary(summary, history.reported)
    notification = notification_of(summary, history.reported)
    if SHADOW not in ingest_id and notification:
        # Send it for a repeated call too. The call before may have ended between the ledger and the event.
        observe_notification(notifications.send(notification))
    return summary.as_dict()


def read_baseline(ingest_id: str, version: str, plan: Plan | None) -> Baseline | None:
    """Read the baseline of a model that scored the ingest: of the one in the plan, or of one before a resume."""
    is_pinned = plan is not None and plan.model.version == version
    return Baseline.from_card(work.read(card_key(ingest_id) if is_pinned else earlier_card_key(ingest_id, version)))
