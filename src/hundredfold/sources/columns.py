"""Which columns of an object become which fields of its records."""

from collections import Counter
from collections.abc import Sequence
from json.encoder import encode_basestring
from typing import Any

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.read_options import ReadOptions

_MAX_NAMES_SHOWN = 20
_MAX_CHARACTERS_SHOWN = 40


def choose_columns(columns: Sequence[str], options: ReadOptions, name: str) -> list[tuple[str, str]]:
    """Return the columns to read, each with the field that it becomes.

    A field in `options.fields` gets the values of the column named there, even if another column has the field's name.

    Parameters
    ----------
    columns : all columns of the object
    name : what errors call the object

    Raises
    ------
    InvalidIngestError
        If two columns have the same name, a wanted column is missing, or no column becomes `id`.
    """
    if repeated := [column for column, count in Counter(columns).items() if count > 1]:
        raise InvalidIngestError(f"{name} has several columns named {_shown(repeated)}; columns need different names")
    if missing := [column for column in (*options.columns, *options.fields.values()) if column not in columns]:
        raise InvalidIngestError(f"{name} has no column {_shown(missing)}; its columns are {_shown(columns)}")
    mapped = {*options.fields, *options.fields.values()}
    chosen = [(column, column) for column in options.columns or columns if column not in mapped]
    chosen += [(column, field) for field, column in options.fields.items()]
    if "id" not in {field for _, field in chosen}:
        raise InvalidIngestError(
            f"{name} has no column that is read as id; its columns are {_shown(columns)}: choose one by "
            '"fields": {"id": …}, list it in columns, or set the delimiter if another one separates them'
        )
    return chosen


def line_template(chosen: Sequence[tuple[str, str]]) -> str:
    """Return the template of a record's line; `%` fills it with the record's values, each encoded as JSON."""
    fields = (encode_basestring(field.encode(errors="replace").decode()) for _, field in chosen)
    return "{" + ",".join(f"{field.replace('%', '%%')}:%s" for field in fields) + "}\n"


def select_fields(record: dict[str, Any], options: ReadOptions) -> dict[str, Any]:
    """Return a record with only the fields that the options select, under the names that they give."""
    mapped = {*options.fields, *options.fields.values()}
    fields = {
        name: value
        for name, value in record.items()
        if name not in mapped and (not options.columns or name in options.columns)
    }
    return fields | {field: record[column] for field, column in options.fields.items() if column in record}


def _shown(columns: Sequence[str]) -> str:
    names = ", ".join(repr(column[:_MAX_CHARACTERS_SHOWN]) for column in columns[:_MAX_NAMES_SHOWN])
    more = len(columns) - _MAX_NAMES_SHOWN
    return f"{names} and {more} more" if more > 0 else names
