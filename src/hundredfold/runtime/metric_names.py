"""Names and units of all metrics.

CloudWatch charges for each distinct combination of a name and dimension values, in each hour in which it is sent. So
the only dimension is the service, which is the stack: two stacks of an account do not share metrics, and each pays for
its own. Ids and the model's version go into metadata, where they can be searched for free.
`docs/observability.md` says what each metric means, and what all of them cost.
"""

from enum import StrEnum
from typing import Final

from hundredfold.records import Reason

NAMESPACE: Final = "Hundredfold"
SERVICE: Final = "service"
"""The dimension of all metrics. Its value is the stack's name."""


class Metric(StrEnum):
    """Metrics of an ingest. `unit_of` has their units."""

    # by the planner, once an ingest
    RECORDS_PLANNED = "RecordsPlanned"
    BATCHES_PLANNED = "BatchesPlanned"
    # by the inference function, once a batch
    RECORDS_PREDICTED = "RecordsPredicted"
    RECORDS_REJECTED = "RecordsRejected"
    READ_DURATION = "ReadDuration"
    DECODE_DURATION = "DecodeDuration"
    PREDICT_DURATION = "PredictDuration"
    WRITE_DURATION = "WriteDuration"
    BATCH_DURATION = "BatchDuration"
    RECORDS_PER_SECOND = "RecordsPerSecond"
    # once an environment
    MODEL_LOAD_DURATION = "ModelLoadDuration"
    INIT_DURATION = "InitDuration"
    # by the summary, once an ingest
    INGESTS_COMPLETED = "IngestsCompleted"
    INGESTS_FAILED = "IngestsFailed"
    INGEST_DURATION = "IngestDuration"
    RECORDS_FAILED = "RecordsFailed"
    BATCHES_FAILED = "BatchesFailed"
    REJECTED_PERCENT = "RejectedPercent"
    INGEST_COST = "IngestCost"
    EVENTS_LOST = "EventsLost"
    MODEL_VERSION = "ModelVersion"
    DRIFT = "Drift"
    LABEL_DRIFT = "LabelDrift"
    SCORE_DRIFT = "ScoreDrift"
    INPUT_DRIFT = "InputDrift"
    UNSEEN_PERCENT = "UnseenPercent"


class StreamMetric(StrEnum):
    """Metrics of a stream. The inference function sends them once an event. All are counts."""

    RECORDS_PREDICTED = "StreamRecordsPredicted"
    RECORDS_REJECTED = "StreamRecordsRejected"
    RECORDS_SKIPPED = "StreamRecordsSkipped"
    RECORDS_FAILED = "StreamRecordsFailed"


class ShadowMetric(StrEnum):
    """Metrics of a shadow. The command sends them once a shadow. All are counts."""

    COMPARED = "ShadowCompared"
    DISAGREED = "ShadowDisagreed"


COLD_START: Final = "ColdStart"
"""Powertools' own metric. It has two dimensions: service and function_name."""


def rejected_for(reason: Reason) -> str:
    """Return the metric of records that were rejected for `reason`, such as `RejectedNotJson`.

    The summary sends one for each reason, zeros too, so that charts and alarms always have a value.
    """
    return "Rejected" + "".join(word.capitalize() for word in reason.value.split("_"))


_MILLISECONDS = {
    Metric.READ_DURATION,
    Metric.DECODE_DURATION,
    Metric.PREDICT_DURATION,
    Metric.WRITE_DURATION,
    Metric.BATCH_DURATION,
    Metric.MODEL_LOAD_DURATION,
    Metric.INIT_DURATION,
}
_PURE_NUMBERS = {
    Metric.DRIFT,
    Metric.LABEL_DRIFT,
    Metric.SCORE_DRIFT,
    Metric.INPUT_DRIFT,
    Metric.INGEST_COST,
    Metric.MODEL_VERSION,
}


def unit_of(metric: Metric | StreamMetric | ShadowMetric) -> str:
    """Return a metric's unit, as CloudWatch spells it. CloudWatch has no unit for the cost, which is in USD."""
    match metric:
        case _ if metric in _MILLISECONDS:
            return "Milliseconds"
        case _ if metric in _PURE_NUMBERS:
            return "None"
        case Metric.RECORDS_PER_SECOND:
            return "Count/Second"
        case Metric.INGEST_DURATION:
            return "Seconds"
        case Metric.REJECTED_PERCENT | Metric.UNSEEN_PERCENT:
            return "Percent"
        case _:
            return "Count"


ALL: Final = frozenset(
    {
        *(metric.value for metric in (*Metric, *StreamMetric, *ShadowMetric)),
        *(rejected_for(reason) for reason in Reason),
        COLD_START,
    }
)
