"""Which columns of an object become which fields of its records."""

from collections import Counter
from collections.abc import Sequence
from json.encoder import encode_basestring
from typing import Any

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.spec import ReadOptions

_NAMES_SHOWN = 20
_CHARACTERS_SHOWN = 40


def choose_columns(columns: Sequence[str], options: ReadOptions, name: str) -> list[tuple[str, str]]:
    """Return the columns to read, each with the field that it becomes.

    A field that `layout.fields` takes from a column has that one's values, even if a column has the field's name.

    Parameters
    ----------
    columns : that there are
    name : what errors call the object

    Raises
    ------
    InvalidIngestError
        If two columns have one name, one that is asked for is not there, or none becomes `id`.
    """
    if doubled := [column for column, count in Counter(columns).items() if count > 1]:
        raise InvalidIngestError(f"{name} has several columns named {_shown(doubled)}; columns need different names")
    if lacking := [column for column in (*options.columns, *options.fields.values()) if column not in columns]:
        raise InvalidIngestError(f"{name} has no column {_shown(lacking)}; its columns are {_shown(columns)}")
    taken = {*options.fields, *options.fields.values()}
    chosen = [(column, column) for column in options.columns or columns if column not in taken]
    chosen += [(column, field) for field, column in options.fields.items()]
    if "id" not in {field for _, field in chosen}:
        raise InvalidIngestError(
            f"of {name}, no column is read as id; its columns are {_shown(columns)}: take one of them by "
            '"fields": {"id": …}, list it in columns, or state the delimiter if that is not what separates them'
        )
    return chosen


def line_template(chosen: Sequence[tuple[str, str]]) -> str:
    """Return what makes a record's line of its values, each encoded as JSON already, by `%`."""
    fields = (encode_basestring(field.encode(errors="replace").decode()) for _, field in chosen)
    return "{" + ",".join(f"{field.replace('%', '%%')}:%s" for field in fields) + "}\n"


def rename(record: dict[str, Any], options: ReadOptions) -> dict[str, Any]:
    """Return a record with the fields that `layout` takes of it, under the names that it gives them."""
    taken = {*options.fields, *options.fields.values()}
    fields = {
        name: value
        for name, value in record.items()
        if name not in taken and (not options.columns or name in options.columns)
    }
    return fields | {field: record[column] for field, column in options.fields.items() if column in record}


def _shown(columns: Sequence[str]) -> str:
    names = ", ".join(repr(column[:_CHARACTERS_SHOWN]) for column in columns[:_NAMES_SHOWN])
    more = len(columns) - _NAMES_SHOWN
    return f"{names} and {more} more" if more > 0 else names
