"""InferBatch: predicts a batch, or what comes on a stream, with the model of its layer, and stores what came of it."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from hundredfold_model import bundle_folder

from hundredfold.aws import clients
from hundredfold.aws.ledger import DynamoLedger
from hundredfold.aws.objects import S3Sources, S3WorkObjects
from hundredfold.aws.predictions import DynamoPredictions
from hundredfold.aws.source_items import DynamoSourceItems
from hundredfold.errors import BundleRefusedError
from hundredfold.inference.batch import BatchTask, infer_batch
from hundredfold.inference.stream import infer_stream
from hundredfold.inference.stream_events import place_of, source_of
from hundredfold.ingest import Model
from hundredfold.keys import card_key
from hundredfold.model.bundle import Bundle, load
from hundredfold.model.smoke import smoke
from hundredfold.ports import TimeLeft
from hundredfold.runtime.invocation import ExecutionEnvironment
from hundredfold.runtime.redaction import redact_errors
from hundredfold.runtime.snapstart import reseed_after_restore
from hundredfold.runtime.telemetry import failures_logged, logger, metrics, observe_batch, observe_stream
from hundredfold.settings import Settings

SECONDS_BEFORE_TIMEOUT = 2.0
"""How long before Lambda would end it a batch gives up by itself, so that it ends with an error that says why."""

settings = Settings.from_environment(os.environ)
loading = time.perf_counter()
try:
    bundle: Bundle | BundleRefusedError = load(bundle_folder(), settings.model_card)
except BundleRefusedError as error:
    # Raised here it would be an error of the environment's start, which Lambda tries again by itself, at each call.
    # Raised by the handler, it is the batch's error, by its name, and no retrier lists that.
    bundle = error
MODEL_LOAD_MILLISECONDS = (time.perf_counter() - loading) * 1000
s3 = clients.s3()
sources = S3Sources(s3)
work = S3WorkObjects(s3, settings.work_bucket)
dynamodb = clients.dynamodb(validate=False)
ledger = DynamoLedger(dynamodb, settings.ledger_table)
predictions = DynamoPredictions(
    dynamodb,
    settings.predictions_table,
    now=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"),
    pool=ThreadPoolExecutor(4, thread_name_prefix="predictions"),
)
items = DynamoSourceItems(
    dynamodb,
    now=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"),
    pool=ThreadPoolExecutor(8, thread_name_prefix="items"),
)
worker = ExecutionEnvironment()
reseed_after_restore()


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
@redact_errors
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    if isinstance(bundle, BundleRefusedError):
        raise bundle.with_traceback(None)
    if "smoke" in event:
        return smoke(bundle)
    if "Records" in event:
        return infer_records(bundle, event, context)
    effort = worker.begin()
    logger.append_keys(
        ingest_id=event["ingest_id"], batch=event["batch"]["batch"], execution=event.get("execution", "")
    )
    task = BatchTask.from_dict(event)
    with failures_logged():
        if task.batch.batch == 0:
            # The model that scores an ingest is described beside it: the summary and the report read its card there.
            work.write(card_key(task.ingest_id), bundle.card.to_json())
        outcome = infer_batch(
            task,
            predict=bundle.predict,
            signature=bundle.card.signature,
            sources=sources,
            work=work,
            predictions=predictions,
            items=items,
            ledger=ledger,
            max_record_bytes=settings.record_bytes,
            time_left=time_left(context),
            baseline=bundle.card.baseline,
            effort=effort,
        )
    if not outcome.repeated:
        observe_batch(task.ingest_id, outcome, task.model.version, MODEL_LOAD_MILLISECONDS)
    return {"predicted": outcome.predicted, "rejected": outcome.rejected}


def infer_records(bundle: Bundle, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Predict all records of a stream's event in one go, and report those that must come again."""
    # Only here: Powertools' batch processor takes 40 ms of an environment's start, which ingests can do without.
    from hundredfold.runtime.stream_response import report_failures

    source_of(event)
    stream, version = place_of(event["Records"][0]).stream, context.function_version
    logger.append_keys(stream=stream)
    with failures_logged():
        outcome = infer_stream(
            event["Records"],
            predict=bundle.predict,
            signature=bundle.card.signature,
            fields=settings.stream_fields,
            model=Model(context.invoked_function_arn, version),
            work=work,
            predictions=predictions,
            max_record_bytes=settings.record_bytes,
            time_left=time_left(context),
        )
    observe_stream(stream, outcome, version)
    return report_failures(event, outcome, context)


def time_left(context: LambdaContext) -> TimeLeft:
    """Return what tells the seconds until a call must have ended."""
    return lambda: context.get_remaining_time_in_millis() / 1000 - SECONDS_BEFORE_TIMEOUT
