"""The options of the command that say how records are read, and what their content adds to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.format_options import FORMAT_OPTIONS
from hundredfold.sources.formats import format_of
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.spec import read_options_from_dict
from hundredfold_cli.ingests.preview.detection import Detection, detect


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """The options of the command that say how the records are read; None or empty where one is not set."""

    kind: str | None = None
    compression: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    maps: list[str] = field(default_factory=list)
    columns: str | None = None
    prefix: bool = False
    write_back: str | None = None

    def read_options(self) -> ReadOptions:
        """Return them as the options of a source; raises InvalidIngestError if one is not valid."""
        values: dict[str, Any] = {
            "kind": self.kind,
            "compression": self.compression,
            "delimiter": "\t" if self.delimiter == "\\t" else self.delimiter,
            "encoding": self.encoding,
            "fields": _fields(self.maps),
            "columns": None if self.columns is None else _columns(self.columns),
        }
        return read_options_from_dict({name: value for name, value in values.items() if value is not None})

    @property
    def fixed(self) -> tuple[str, ...]:
        """The names of the options that are set."""
        return tuple(name for name in ("kind", "compression", "delimiter", "encoding") if getattr(self, name))

    def refuse(self, source: str, *names: str) -> None:
        """Raise InvalidIngestError if one of these options is set, since it does not apply to the source."""
        if name := next((name for name in names if getattr(self, name)), None):
            raise InvalidIngestError(f"--{name.replace('_', '-')} does not fit {source}")

    def check_kind(self, source: str, options: ReadOptions) -> None:
        """Raise InvalidIngestError if an option is set that the format of the source does not have."""
        format_ = format_of(options)
        unknown = (option.name for option in FORMAT_OPTIONS if option not in format_.options)
        self.refuse(f"{source}, which is {format_.name}", *unknown)


class DetectedSource:
    """What the content of a source has shown, and the options to read it by.

    Parameters
    ----------
    options : those of the command, until the content was looked at
    """

    def __init__(self, source_options: SourceOptions) -> None:
        self._source_options = source_options
        self._detection = Detection(source_options.read_options(), ReadOptions())

    @property
    def found(self) -> tuple[str, ...]:
        return self._detection.found

    @property
    def options(self) -> ReadOptions:
        return self._detection.known

    @property
    def _spec_options(self) -> ReadOptions:
        """The options of the source: those that are set, and what was found. The rest is in the object's name."""
        return self._detection.options

    def _detect(self, head: bytes, name: str, source: str) -> None:
        self._detection = detect(head, self._detection.options, name, fixed=self._source_options.fixed)
        self._source_options.check_kind(source, self.options)

    def map_fields(self, fields: Mapping[str, str]) -> None:
        def mapped(options: ReadOptions) -> ReadOptions:
            return replace(options, fields={**options.fields, **fields})

        self._detection = replace(
            self._detection, options=mapped(self._detection.options), known=mapped(self._detection.known)
        )


def _fields(maps: list[str]) -> dict[str, str] | None:
    fields: dict[str, str] = {}
    for mapping in maps:
        name, _, column = mapping.partition("=")
        if not name or not column or name in fields:
            raise InvalidIngestError(f"--map {mapping} must be field=column, once for each field")
        fields[name] = column
    return fields or None


def _columns(columns: str) -> list[str]:
    names = columns.split(",")
    if not all(names):
        raise InvalidIngestError(f"--columns {columns} must be names of columns with commas between")
    return names
