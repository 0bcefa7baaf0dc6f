"""The response to an event of a stream: which of its records must come again. Made by Powertools' batch processor."""

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
    """Return the response to an event: `{"batchItemFailures": [{"itemIdentifier": SEQUENCE_NUMBER}, …]}`.

    Lambda delivers again all records from the lowest of these numbers on. If all records failed, the response lists
    all of them, and no error is raised. An error would make Lambda halve the batch, which does not help a busy table.
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
    """Predict all records of an event at once. Return the response, which names the records that must come again."""
    source_of(event)
    stream = place_of(event["Records"][0]).stream
    logger.append_keys(stream=stream)
    with failures_logged():
        outcome = infer_stream(
            event["Records"], scoring, stores, fields=fields, model=model, time_left=time_left(context)
        )
    observe_stream(stream, outcome, model.version)
    return report_failures(event, outcome, context)
