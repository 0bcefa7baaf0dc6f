"""Why records of an ingest were rejected, grouped: the most frequent cause first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RejectionGroup:
    """Rejections of one cause.

    Attributes
    ----------
    records : how many there are
    reason, detail : of each of them; the detail has no content of a record
    first : the record's id of the first of them, or else its line in the source
    """

    records: int
    reason: str
    detail: str
    first: str

    def __str__(self) -> str:
        return f"{self.records:,} {self.reason}: {self.detail} (the first is {self.first})"


def group_rejections(rejections: Iterable[Mapping[str, Any]]) -> list[RejectionGroup]:
    """Group rejections by reason and detail, the most frequent first.

    Parameters
    ----------
    rejections : as `read_all_rejections` reads them
    """
    groups: dict[tuple[str, str], list[Any]] = {}
    for rejection in rejections:
        group = groups.setdefault((rejection["reason"], rejection.get("detail", "")), [0, _place(rejection)])
        group[0] += 1
    sorted_groups = sorted(groups.items(), key=lambda group: -group[1][0])
    return [RejectionGroup(records, reason, detail, first) for (reason, detail), (records, first) in sorted_groups]


def _place(rejection: Mapping[str, Any]) -> str:
    record_id = rejection.get("record_id")
    return f"record {record_id}" if record_id is not None else f"line {rejection['line']}"
