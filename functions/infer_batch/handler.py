"""InferBatch: score a batch, or the records of a stream's event, with the model of its layer."""

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
from hundredfold.runtime.telemetry import batch_keys, failures_logged, log_ingest, logger, metrics, observe_batch
from hundredfold.settings import Settings

settings = Settings.from_environment(os.environ)
load_started = time.perf_counter()
try:
    bundle: Bundle | BundleRefusedError = load(bundle_folder(), settings.model_card)
except BundleRefusedError as error:
    # Raised here, Lambda would start the environment again for every call. Raised by the handler, it fails the batch
    # under its own name, and the state machine does not retry it.
    bundle = error
MODEL_LOAD_MILLISECONDS = (time.perf_counter() - load_started) * 1000
stores = inference_stores(settings)
environment = ExecutionEnvironment()
reseed_after_restore()


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
@redact_errors
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    if event.get("action") == "infer_batch":
        log_ingest(event["ingest_id"], batch=event["batch"]["batch"])
    if isinstance(bundle, BundleRefusedError):
        raise bundle.with_traceback(None)
    scoring = Scoring(bundle.predict, bundle.card.signature, settings.record_bytes, bundle.card.baseline)
    if "Records" in event:  # an event source mapping sends no action
        # Imported only for streams: Powertools' batch processor takes 40 ms of an environment's start.
        from hundredfold.runtime.stream_response import infer_event

        model = Model(context.invoked_function_arn, context.function_version)
        return infer_event(event, context, scoring, stores, settings.stream_fields, model)
    if event["action"] == "smoke_test":
        return smoke(bundle)
    stats = environment.begin()
    task = BatchTask.from_dict(event)
    logger.append_keys(**batch_keys(task, event["execution"]))
    with failures_logged():
        outcome = infer_batch(task, scoring, stores, time_left=time_left(context), stats=stats)
    if not outcome.earlier.done:
        observe_batch(task.ingest_id, outcome, task.model.version, MODEL_LOAD_MILLISECONDS)
    return {"predicted": outcome.predicted, "rejected": outcome.rejected}
