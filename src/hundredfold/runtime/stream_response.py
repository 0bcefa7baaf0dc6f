"""Telling Lambda which records of a stream's event have to come again, by Powertools' batch processor."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.typing import LambdaContext

from hundredfold.errors import StoreBusyError
from hundredfold.inference.batch import Scoring, Stores
from hundredfold.inference.stream import StreamOutcome, infer_stream
from hundredfold.inference.stream_events import KINESIS, place_of, source_of
from hundredfold.ingest import Model
from hundredfold.runtime.invocation import time_left
from hundredfold.runtime.telemetry import failures_logged, logger, observe_stream


def report_failures(
    event: dict[str, Any], outcome: StreamOutcome, context: LambdaContext | None = None
) -> dict[str, Any]:
    """Return the answer to an event: `{"batchItemFailures": [{"itemIdentifier": SEQUENCE_NUMBER}, …]}`.

    Lambda hands over again what comes from the lowest of these numbers on, be it one record or all of them. So a
    failure of all is reported as any other, and no error: nothing is halved that is only waiting for a busy table.
    """

    def check(record: Any) -> None:
        if place_of(record.raw_event) in outcome.failed:
            raise StoreBusyError("what became of a record could not be stored")

    kind = EventType.KinesisDataStreams if source_of(event) == KINESIS else EventType.DynamoDBStreams
    processor = BatchProcessor(kind, raise_on_entire_batch_failure=False)
    return dict(process_partial_response(event, check, processor, context))


def infer_event(
    event: dict[str, Any],
    context: LambdaContext,
    scoring: Scoring,
    stores: Stores,
    fields: Mapping[str, str],
    model: Model,
) -> dict[str, Any]:
    """Predict the records of a stream's event in one go, and return which of them must come again."""
    source_of(event)
    stream = place_of(event["Records"][0]).stream
    logger.append_keys(stream=stream)
    with failures_logged():
        outcome = infer_stream(
            event["Records"], scoring, stores, fields=fields, model=model, time_left=time_left(context)
        )
    observe_stream(stream, outcome, model.version)
    return report_failures(event, outcome, context)
