"""InferBatch: predicts a batch, or the records of a stream's event, with the model of its layer; stores what came out."""

import os
import time
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from hundredfold_model import bundle_folder

from hundredfold.aws.stores import inference_stores
from hundredfold.errors import BundleRefusedError
from hundredfold.inference.batch import BatchTask, Scoring, infer_batch
from hundredfold.ingest import Model
from hundredfold.model.bundle import Bundle, load
from hundredfold.model.smoke import smoke
from hundredfold.runtime.invocation import ExecutionEnvironment, time_left
from hundredfold.runtime.redaction import redact_errors
from hundredfold.runtime.snapstart import reseed_after_restore
from hundredfold.runtime.telemetry import batch_keys, failures_logged, logger, metrics, observe_batch
from hundredfold.settings import Settings

settings = Settings.from_environment(os.environ)
loading = time.perf_counter()
try:
    bundle: Bundle | BundleRefusedError = load(bundle_folder(), settings.model_card)
except BundleRefusedError as error:
    # Raised here, it would be an error of the environment's start, which Lambda tries again at each call. Raised by the
    # handler, it is the batch's error, under its name, and no retrier lists that.
    bundle = error
MODEL_LOAD_MILLISECONDS = (time.perf_counter() - loading) * 1000
stores = inference_stores(settings)
environment = ExecutionEnvironment()
reseed_after_restore()


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
@redact_errors
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    if isinstance(bundle, BundleRefusedError):
        raise bundle.with_traceback(None)
    if "Records" in event:  # an event source mapping's own name
        return infer_records(bundle, event, context)
    if event["action"] == "smoke_test":
        return smoke(bundle)
    stats = environment.begin()
    task = BatchTask.from_dict(event)
    logger.append_keys(**batch_keys(task, event["execution"]))
    with failures_logged():
        outcome = infer_batch(task, scoring_of(bundle), stores, time_left=time_left(context), stats=stats)
    if not outcome.repeated:
        observe_batch(task.ingest_id, outcome, task.model.version, MODEL_LOAD_MILLISECONDS)
    return {"predicted": outcome.predicted, "rejected": outcome.rejected}


def infer_records(bundle: Bundle, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Predict the records of a stream's event in one go, and report those that must come again."""
    # Imported here: Powertools' batch processor takes 40 ms of an environment's start, and ingests do without.
    from hundredfold.runtime.stream_response import infer_event

    model = Model(context.invoked_function_arn, context.function_version)
    return infer_event(event, context, scoring_of(bundle), stores, settings.stream_fields, model)


def scoring_of(bundle: Bundle) -> Scoring:
    return Scoring(bundle.predict, bundle.card.signature, settings.record_bytes, bundle.card.baseline)
