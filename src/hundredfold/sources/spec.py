"""The source of an ingest: what is read and how, as the `source` of an execution's input has it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.compressions import COMPRESSIONS
from hundredfold.sources.format_options import DELIMITER, ENCODING, FORMAT_OPTIONS, FormatOption
from hundredfold.sources.formats import FORMATS, format_of
from hundredfold.sources.read_options import NOT_COMPRESSED, ReadOptions


@dataclass(frozen=True, slots=True)
class ObjectsSpec:
    """Objects in S3: one with a key, or all whose keys begin with a prefix, in the order of their keys.

    Attributes
    ----------
    etag : the only ETag that the object with the key may have; any if empty
    """

    bucket: str
    key: str = ""
    prefix: str = ""
    options: ReadOptions = field(default_factory=ReadOptions)
    etag: str = ""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key or self.prefix}"

    @property
    def name(self) -> str:
        """What the ingest is named after."""
        return self.key or self.prefix or self.bucket

    @property
    def converts(self) -> bool:
        """Whether the model's signature converts values; known once the options have a kind."""
        return self.options.kind is not None and format_of(self.options).converts

    def as_dict(self) -> dict[str, Any]:
        location = {"key": self.key} if self.key else {"prefix": self.prefix}
        etag = {"etag": self.etag} if self.etag else {}
        return {"bucket": self.bucket, **location, **etag, **self.options.as_dict()}


@dataclass(frozen=True, slots=True)
class TableSpec:
    """Items of a DynamoDB table: all, or those with one value of the partition key of the table or of an index.

    Attributes
    ----------
    partition : name and value (text or number) of the partition key; empty for all items
    write_back : the attribute of the items that gets the predictions; none if empty
    options : only `fields` and `columns` apply; their columns are the items' attributes
    """

    table: str
    index: str = ""
    partition: Mapping[str, str | int | float] = field(default_factory=dict)
    write_back: str = ""
    options: ReadOptions = field(default_factory=ReadOptions)

    def __str__(self) -> str:
        index = f"/{self.index}" if self.index else ""
        partition = "".join(f"?{name}={value}" for name, value in self.partition.items())
        return f"dynamodb://{self.table}{index}{partition}"

    @property
    def name(self) -> str:
        """What the ingest is named after."""
        return self.table

    @property
    def converts(self) -> bool:
        """Whether the model's signature converts values; items have types, so it does not."""
        return False

    def as_dict(self) -> dict[str, Any]:
        values = {"index": self.index, "key": dict(self.partition), "write_back": self.write_back}
        return {
            "table": self.table,
            **{name: value for name, value in values.items() if value},
            **self.options.as_dict(),
        }


type SourceSpec = ObjectsSpec | TableSpec

_EXPECTED = 'the execution\'s input must be {"source": {"bucket": "...", "key": "..."}}'
_OBJECTS_NAMES = ("bucket", "key", "prefix", "etag")
_TABLE_NAMES = ("table", "index", "key", "write_back")
_OPTIONS_NAMES = ("kind", "compression", *(option.name for option in FORMAT_OPTIONS), "fields", "columns")
_NAMES = frozenset((*_OBJECTS_NAMES, *_TABLE_NAMES, *_OPTIONS_NAMES))


def spec_from_input(execution_input: object) -> SourceSpec:
    """Parse the input of an execution: `{"source": {"bucket": …, "key": …}}`, or another form in `docs/sources.md`.

    Raises
    ------
    InvalidIngestError
        If it has none of these forms; the message shows the right one.
    """
    if not isinstance(execution_input, dict):
        raise InvalidIngestError(f"{_EXPECTED}, not {type(execution_input).__name__}")
    source = execution_input.get("source")
    if not isinstance(source, dict):
        raise InvalidIngestError(f"{_EXPECTED}; it has no object named source")
    return spec_from_dict(source)


def spec_from_dict(source: Mapping[str, Any]) -> SourceSpec:
    """Parse the `source` alone; raises InvalidIngestError as `spec_from_input` does."""
    parser = _Parser(source)
    if unknown := sorted(source.keys() - _NAMES):
        raise InvalidIngestError(
            f"the source has {', '.join(map(repr, unknown))}; it may have {', '.join(sorted(_NAMES))}"
        )
    options = parser.options()
    if "table" in source:
        return TableSpec(
            parser.required_text("table"), parser.text("index"), parser.key(), parser.text("write_back"), options
        )
    if not isinstance(source.get("bucket"), str) or not source["bucket"]:
        raise InvalidIngestError(f"{_EXPECTED}; its source has no bucket")
    key, prefix = parser.text("key"), parser.text("prefix")
    if bool(key) == ("prefix" in source):
        raise InvalidIngestError(f"{_EXPECTED}; its source has no key (or a prefix in place of it)")
    etag = parser.text("etag")
    if etag and not key:
        raise InvalidIngestError("the source has an etag, which needs a key")
    return ObjectsSpec(source["bucket"], key, prefix, options, etag)


def read_options_from_dict(values: Mapping[str, Any]) -> ReadOptions:
    """Parse the result of `ReadOptions.as_dict`; raises InvalidIngestError if a value is not valid."""
    return _Parser(values).options()


class _Parser:
    """Parses the members of a source; each error names the member."""

    def __init__(self, source: Mapping[str, Any]) -> None:
        self._source = source

    def required_text(self, name: str) -> str:
        return str(self._member(name, "", lambda value: isinstance(value, str) and value != "", "text"))

    def text(self, name: str) -> str:
        return str(self._member(name, "", lambda value: isinstance(value, str), "text"))

    def key(self) -> dict[str, Any]:
        return dict(self._member("key", {}, _is_key, "one attribute and its value, text or a number"))

    def options(self) -> ReadOptions:
        return ReadOptions(
            kind=self._choice("kind", FORMATS),
            compression=self._choice("compression", (NOT_COMPRESSED, *COMPRESSIONS)),
            delimiter=self._option(DELIMITER),
            encoding=self._option(ENCODING),
            fields=dict(self._member("fields", {}, _is_text_by_name, "an object of text")),
            columns=tuple(self._member("columns", [], _is_list_of_text, "a list of text")),
        )

    def _option(self, option: FormatOption) -> str:
        return str(self._member(option.name, option.default, option.is_valid, option.expected))

    def _choice(self, name: str, choices: Iterable[str]) -> str | None:
        names = tuple(choices)
        choice: str | None = self._member(name, None, lambda value: value in names, f"one of {', '.join(names)}")
        return choice

    def _member(self, name: str, default: Any, is_valid: Callable[[Any], bool], expected: str) -> Any:
        if name not in self._source:
            return default
        value = self._source[name]
        if not is_valid(value):
            raise InvalidIngestError(f"the source's {name} must be {expected}")
        return value


def _is_key(value: object) -> bool:
    return isinstance(value, dict) and len(value) == 1 and _is_scalar(next(iter(value.values())))


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _is_list_of_text(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_text_by_name(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in (*value, *value.values()))
