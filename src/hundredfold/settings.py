"""Settings: the environment of a function, as the template sets it. It is read once, and checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from hundredfold.errors import InvalidIngestError
from hundredfold.layout import Layout

MODEL_CARD_VARIABLE = "MODEL_CARD_SHA256"
"""A release sets this variable. The published version keeps it, since its configuration cannot be changed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment of a function.

    Attributes
    ----------
    batch_records, batch_bytes : the most records and bytes of a batch
    record_bytes : the longest record, in bytes of its line
    live_alias : ARN of the inference function's live alias; empty for all functions but the planner
    group_batches : the most batches of a group; 0 for all functions but the planner
    partition_bytes : the most bytes of a source that one call plans; 0 for all functions but the planner
    model_card : SHA-256 of the released model's card, in hex; empty for all but released inference functions
    stream_fields : the attribute that a field of a stream's records is read from, where the names differ
    state_machine : ARN of the state machine; empty for all functions but the one that starts ingests
    scheduled_source : the source of scheduled ingests, as `sources.uri.parse_source` reads it; empty if there is none
    event_bus : where notifications are sent; empty for all functions but the summary
    layout : how new ingests store their predictions; the planner records it with each
    tolerated_percentage : the share of an ingest's batches that may fail; 0 for all functions but the summary
    max_rejected_percent : the share of its records that an ingest may reject before it counts as failed; the planner
        records it with each ingest whose start does not say another
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
    group_batches: int = 0
    partition_bytes: int = 0
    state_machine: str = ""
    scheduled_source: str = ""
    event_bus: str = ""
    layout: Layout = Layout.ITEM
    tolerated_percentage: float = 0.0
    max_rejected_percent: float = 100.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings. Raise InvalidIngestError, which names the variable, if one is absent or malformed."""
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
            group_batches=_positive(environment, "GROUP_BATCHES") if "GROUP_BATCHES" in environment else 0,
            partition_bytes=_positive(environment, "PARTITION_BYTES") if "PARTITION_BYTES" in environment else 0,
            state_machine=environment.get("STATE_MACHINE", ""),
            scheduled_source=environment.get("SCHEDULED_SOURCE", ""),
            event_bus=environment.get("EVENT_BUS", ""),
            layout=_layout(environment, "PREDICTIONS_LAYOUT"),
            tolerated_percentage=_percentage(environment, "TOLERATED_FAILURE_PERCENTAGE", "0"),
            max_rejected_percent=_percentage(environment, "MAX_REJECTED_PERCENT", "100"),
        )
        if settings.batch_bytes < settings.record_bytes:
            # So a batch over its limit is always a single record over its own: see `cut_batches` and `infer_batch`.
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


def _layout(environment: Mapping[str, str], name: str) -> Layout:
    try:
        return Layout(environment.get(name, Layout.ITEM))
    except ValueError:
        names = " or ".join(Layout)
        raise InvalidIngestError(f"the function's environment variable {name} must be {names}") from None


def _percentage(environment: Mapping[str, str], name: str, default: str) -> float:
    value = environment.get(name, default)
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?", value) or float(value) > 100:
        raise InvalidIngestError(f"the function's environment variable {name} must be a number from 0 to 100")
    return float(value)


def _pairs(environment: Mapping[str, str], name: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in environment.get(name, "").split(",") if pair]
    if not all(field and attribute for field, _, attribute in pairs):
        raise InvalidIngestError(f"the function's environment variable {name} must be field=attribute,field=attribute")
    return {field: attribute for field, _, attribute in pairs}
