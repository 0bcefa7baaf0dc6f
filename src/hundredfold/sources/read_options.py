"""How the records of a source are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hundredfold.sources.format_options import DELIMITER, ENCODING

NOT_COMPRESSED = "none"
"""The value of `compression` for an object that is not compressed."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How records are read.

    Attributes
    ----------
    kind : the name of a format (`hundredfold.sources.formats`); None until the object's name decides it
    compression : the name of a compression (`hundredfold.sources.compressions`) or `none`; None as for `kind`
    delimiter : one character between the values of CSV
    encoding : the encoding of CSV and TSV, by Python's name for it
    fields : where names differ, the column (or field of JSON) that each field of a record comes from
    columns : the only columns that are read besides those in `fields`; all columns if empty
    """

    kind: str | None = None
    compression: str | None = None
    delimiter: str = DELIMITER.default
    encoding: str = ENCODING.default
    fields: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()

    @property
    def selects_fields(self) -> bool:
        """Whether records get fewer fields than they have in the source, or other names for them."""
        return bool(self.fields or self.columns)

    def as_dict(self) -> dict[str, Any]:
        """Return the options that differ from the defaults, as a `source` has them."""
        defaults = {DELIMITER.name: DELIMITER.default, ENCODING.name: ENCODING.default}
        values: dict[str, Any] = {
            "kind": self.kind,
            "compression": self.compression,
            "delimiter": self.delimiter,
            "encoding": self.encoding,
            "fields": dict(self.fields),
            "columns": list(self.columns),
        }
        return {name: value for name, value in values.items() if value and value != defaults.get(name)}


PLAIN_JSON_LINES = ReadOptions(kind="jsonl", compression=NOT_COMPRESSED)
"""The options of an object that is read in place, such as one that the planner staged."""
