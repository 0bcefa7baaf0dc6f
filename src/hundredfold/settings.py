"""What the functions are told by the template, read from the environment once, and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from hundredfold.errors import InvalidIngestError

MODEL_CARD_VARIABLE = "MODEL_CARD_SHA256"
"""Set by a release, and kept by Lambda in the version that it publishes, whose configuration cannot be changed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment of a function.

    Attributes
    ----------
    batch_records, batch_bytes : the most records and bytes of a batch
    record_bytes : the longest record, in bytes of its line
    live_alias : ARN of the inference function's alias that is live; empty for all but the planner
    part_bytes : the most bytes of an origin that one call plans; 0 for all but the planner
    model_card : SHA-256 of the model's card as it was released; empty for all but released inference functions
    stream_fields : the attribute that each field of a stream's records is taken from, where the names differ
    state_machine : ARN of the one that an ingest is an execution of; empty for all but the function that starts them
    scheduled_source : what a schedule starts an ingest of (see `hundredfold.addresses`); empty if there is none
    event_bus : where it is announced how an ingest ended; empty for all but the summary
    """

    work_bucket: str
    predictions_table: str
    ledger_table: str
    live_alias: str
    batch_records: int
    batch_bytes: int
    record_bytes: int
    model_card: str = ""
    stream_fields: Mapping[str, str] = field(default_factory=dict)
    partition_bytes: int = 0
    state_machine: str = ""
    scheduled_source: str = ""
    event_bus: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings; raises InvalidIngestError, naming the variable, if one is absent or makes no sense."""
        settings = cls(
            work_bucket=_present(environment, "WORK_BUCKET"),
            predictions_table=_present(environment, "PREDICTIONS_TABLE"),
            ledger_table=_present(environment, "LEDGER_TABLE"),
            live_alias=environment.get("LIVE_ALIAS", ""),
            batch_records=_positive(environment, "BATCH_RECORDS"),
            batch_bytes=_positive(environment, "BATCH_BYTES"),
            record_bytes=_positive(environment, "RECORD_BYTES"),
            model_card=environment.get(MODEL_CARD_VARIABLE, ""),
            stream_fields=_pairs(environment, "STREAM_FIELDS"),
            partition_bytes=_positive(environment, "PARTITION_BYTES") if "PARTITION_BYTES" in environment else 0,
            state_machine=environment.get("STATE_MACHINE", ""),
            scheduled_source=environment.get("SCHEDULED_SOURCE", ""),
            event_bus=environment.get("EVENT_BUS", ""),
        )
        if settings.batch_bytes < settings.record_bytes:
            # A batch over its limit is one record over its own: see cutting.cut and batch_inference.infer_batch.
            raise InvalidIngestError("BATCH_BYTES must be at least RECORD_BYTES")
        return settings


def _present(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise InvalidIngestError(f"the function's environment variable {name} must be set")
    return value


def _positive(environment: Mapping[str, str], name: str) -> int:
    value = environment.get(name, "")
    if not value.isdecimal() or int(value) < 1:
        raise InvalidIngestError(f"the function's environment variable {name} must be a positive number")
    return int(value)


def _pairs(environment: Mapping[str, str], name: str) -> dict[str, str]:
    parts = [part.partition("=") for part in environment.get(name, "").split(",") if part]
    if not all(field and column for field, _, column in parts):
        raise InvalidIngestError(
            f"the function's environment variable {name} must be as field=attribute,field=attribute"
        )
    return {field: column for field, _, column in parts}
