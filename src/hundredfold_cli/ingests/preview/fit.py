"""Whether the first records of a source fit a model's signature: names first, then types."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from shlex import quote
from typing import Any

from hundredfold.inference.decode import decode_record
from hundredfold.model.signature import FieldType, Signature
from hundredfold.records import Reason, Rejection
from hundredfold.sources.read_options import ReadOptions
from hundredfold_cli.ingests.preview.first_records import FirstRecords, columns_read
from hundredfold_cli.ingests.rejections import RejectionGroup, group_rejections

ID = "id"
_MOST_RECORD_BYTES = 16 * 1024 * 1024
"""A stack may reject shorter records as too large. That is judged by the ingest itself."""

_SIMILAR = 0.75
"""How similar two names must be, from 0 to 1 as `difflib` measures it, to be taken for one."""
_MOST_KEY_CHARACTERS = 64
_KEY_WORDS = frozenset({"id", "key", "uuid", "guid", "no", "nr", "number", "code"})
_NAME_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_SHOWN = 12
"""How many columns a message names."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How the first records of a source fit a model.

    Attributes
    ----------
    records : how many were looked at
    missing : what the model reads and the source does not have, `id` among it
    suggested : for what is missing, the column that it may come from
    columns : those of the source
    rejected : why some of the records would be rejected; empty if a column is missing
    """

    records: int
    missing: tuple[str, ...] = ()
    suggested: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    rejected: tuple[RejectionGroup, ...] = ()

    @property
    def rejected_records(self) -> int:
        return sum(group.records for group in self.rejected)

    @property
    def maps(self) -> str:
        """The options of the command that name the columns that are suggested."""
        return " ".join(f"--map {quote(f'{name}={column}')}" for name, column in self.suggested.items())


def check_fit(first: FirstRecords, signature: Signature, options: ReadOptions) -> Fit:
    """Compare the first records of a source with a model's signature.

    Parameters
    ----------
    options : by which they were read
    """
    wanted = {ID: FieldType.CATEGORY, **{field.name: field.type for field in signature.fields}}
    available = columns_read(first.columns, options)
    optional = {field.name for field in signature.fields if field.optional}
    missing = tuple(name for name in wanted if name not in available and name not in optional)
    if missing and first.columns:
        taken = {column for name, column in available.items() if name in wanted}
        free = [column for column in first.columns if column and column not in taken]
        suggested = _suggest({name: wanted[name] for name in missing}, free, first)
        return Fit(len(first.records), missing, suggested, first.columns)
    rejections: list[Mapping[str, Any]] = []
    ids: set[str] = set()
    for number, line in enumerate(first.lines, start=1):
        outcome = decode_record(
            line,
            number,
            signature,
            max_record_bytes=_MOST_RECORD_BYTES,
            converts=first.converts,
            marked=first.converts,
        )
        if isinstance(outcome, Rejection):
            rejections.append(outcome.as_dict())
        elif outcome.record_id in ids:
            detail = "an earlier record has the same id"
            rejections.append(Rejection(number, 0, Reason.DUPLICATE_ID, detail, outcome.record_id).as_dict())
        else:
            ids.add(outcome.record_id)
    return Fit(len(first.lines), columns=first.columns, rejected=tuple(group_rejections(rejections)))


def describe_missing(fit: Fit, name: str) -> str:
    """Say which names are missing, which columns there are, and what to type."""
    needs = [f"`{missing}`" for missing in fit.missing]
    shown = ", ".join(f"`{column}`" for column in fit.columns[:_SHOWN])
    more = f" and {len(fit.columns) - _SHOWN:,} more" if len(fit.columns) > _SHOWN else ""
    needed_for = "names each record" if fit.missing == (ID,) else "the model reads"
    message = f"{name} has {shown}{more}, and lacks {_listed(needs)}, which {needed_for}"
    if fit.suggested:
        message += f": add {fit.maps}"
    if left := [missing for missing in fit.missing if missing not in fit.suggested]:
        message += "; " if fit.suggested else ": "
        message += f"name a column by {' '.join(f'--map {missing}=COLUMN' for missing in left)}"
    return message


def looks_like_data(columns: Sequence[str], wanted: Sequence[str]) -> bool:
    """Tell whether the first row of a table has values where the columns' names should be."""
    numbers = sum(_is_number(column) for column in columns)
    return bool(columns) and not set(columns) & set(wanted) and numbers * 2 >= len(columns)


def _suggest(missing: Mapping[str, FieldType], free: Sequence[str], first: FirstRecords) -> dict[str, str]:
    """Suggest a column for each missing field: by its name, or by its values if only one column can be meant."""
    by_name = sorted(
        ((similarity, -free.index(column), name, column) for name in missing for column in free
         if (similarity := _similarity(name, column, first)) >= _SIMILAR),
        reverse=True,
    )  # fmt: skip
    suggested: dict[str, str] = {}
    for _, _, name, column in by_name:
        if name not in suggested and column not in suggested.values():
            suggested[name] = column
    left = [name for name in missing if name not in suggested and name != ID]
    free = [column for column in free if column not in suggested.values()]
    if len(left) == 1 and (column := _by_values(missing[left[0]], free, first)):
        suggested[left[0]] = column
        free.remove(column)
    keys = (column for column in free if _is_key(first.values(column), len(first.records)))
    if ID in missing and ID not in suggested and (column := next(keys, "")):
        suggested[ID] = column
    return {name: suggested[name] for name in missing if name in suggested}


def _similarity(name: str, column: str, first: FirstRecords) -> float:
    words, column_words = _words(name), _words(column)
    if words == column_words:
        return 1.0
    if name == ID:
        is_key = _is_key(first.values(column), len(first.records))
        return 0.9 if is_key and column_words and set(column_words) & _KEY_WORDS else 0.0
    if words and set(words) <= set(column_words):
        return 0.9
    return difflib.SequenceMatcher(None, "".join(words), "".join(column_words)).ratio()


def _words(name: str) -> list[str]:
    return [word.lower() for word in _NAME_WORDS.findall(name)]


def _by_values(type_: FieldType, free: Sequence[str], first: FirstRecords) -> str:
    """Return the one column whose values fit a type. Of several texts, the one that is longest by far."""
    if type_ is FieldType.NUMBER:
        fitting = [column for column in free if (values := first.values(column)) and all(map(_is_number, values))]
        return fitting[0] if len(fitting) == 1 else ""
    lengths = {
        column: sum(map(len, values)) / len(values)
        for column in free
        if (values := first.values(column)) and all(isinstance(value, str) for value in values)
    }
    lengths = {column: length for column, length in lengths.items() if not all(map(_is_number, first.values(column)))}
    longest = sorted(lengths, key=lambda column: -lengths[column])
    if len(longest) == 1 or (
        type_ is FieldType.TEXT and len(longest) > 1 and lengths[longest[0]] > 2 * lengths[longest[1]]
    ):
        return longest[0]
    return ""


def _is_key(values: Sequence[Any], records: int) -> bool:
    """Tell whether a column's values can be ids: each record has one, and no two are the same."""
    keys = [str(value) for value in values if isinstance(value, str | int) and not isinstance(value, bool)]
    return len(keys) == len(set(keys)) == records > 0 and max(map(len, keys)) <= _MOST_KEY_CHARACTERS


def _is_number(value: object) -> bool:
    if isinstance(value, bool):
        return False
    try:
        float(str(value))
    except ValueError:
        return False
    return True


def _listed(words: Sequence[str]) -> str:
    shown = list(words[:_SHOWN])
    if len(words) > _SHOWN:
        shown.append(f"{len(words) - _SHOWN:,} more")
    *first, last = shown
    return f"{', '.join(first)} and {last}" if first else last
