"""The stores of the inference function. They share its S3 client and its DynamoDB client."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from hundredfold.aws import clients
from hundredfold.aws.ledger import DynamoLedger
from hundredfold.aws.objects import S3Sources, S3WorkObjects
from hundredfold.aws.predictions import DynamoPredictions
from hundredfold.aws.source_items import DynamoSourceItems
from hundredfold.inference.batch import Stores
from hundredfold.settings import Settings

PREDICTION_CALLS_AT_ONCE = 4
ITEM_UPDATES_AT_ONCE = 8


def inference_stores(settings: Settings) -> Stores:
    """Make the stores that a batch is read from and written to."""
    s3, dynamodb = clients.s3(), clients.dynamodb(validate=False)
    return Stores(
        sources=S3Sources(s3),
        work=S3WorkObjects(s3, settings.work_bucket),
        predictions=DynamoPredictions(
            dynamodb,
            settings.predictions_table,
            now=_now,
            pool=ThreadPoolExecutor(PREDICTION_CALLS_AT_ONCE, thread_name_prefix="predictions"),
        ),
        items=DynamoSourceItems(
            dynamodb, now=_now, pool=ThreadPoolExecutor(ITEM_UPDATES_AT_ONCE, thread_name_prefix="items")
        ),
        ledger=DynamoLedger(dynamodb, settings.ledger_table),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
