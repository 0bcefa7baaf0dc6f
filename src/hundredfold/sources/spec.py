"""Where an ingest's records come from and how they are read: the `source` of its execution's input."""

import codecs
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from hundredfold.errors import InvalidIngestError


class Kind(StrEnum):
    """What an object holds."""

    JSONL = "jsonl"
    """One JSON object a line."""
    JSON = "json"
    """One JSON array of objects."""
    CSV = "csv"
    """Rows of values with a delimiter between, the first of them the columns' names."""
    TSV = "tsv"
    """CSV with tabs between."""
    PARQUET = "parquet"


class Compression(StrEnum):
    """What an object is packed with."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


_KINDS = {
    ".jsonl": Kind.JSONL,
    ".ndjson": Kind.JSONL,
    ".json": Kind.JSON,
    ".csv": Kind.CSV,
    ".tsv": Kind.TSV,
    ".parquet": Kind.PARQUET,
}
_COMPRESSIONS = {".gz": Compression.GZIP, ".zst": Compression.ZSTD}


def stem_of(name: str) -> str | None:
    """Return an object's name without what its end tells of kind and compression; None if it tells no kind."""
    stem, kind, _ = _told_by(name)
    return stem if kind else None


def suffix_of(kind: Kind, compression: Compression) -> str:
    """Return how the name of such an object ends: `.csv.gz`."""
    packed = next((suffix for suffix, one in _COMPRESSIONS.items() if one is compression), "")
    return f".{kind.value}{packed}"


def _told_by(name: str) -> tuple[str, Kind | None, Compression]:
    """Take apart an object's name: its stem, and the kind and the compression that its end tells."""
    packed = Compression.NONE
    for suffix, compression in _COMPRESSIONS.items():
        if name.lower().endswith(suffix):
            name, packed = name[: -len(suffix)], compression
    for suffix, kind in _KINDS.items():
        if name.lower().endswith(suffix):
            return name[: -len(suffix)], kind, packed
    return name, None, packed


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How records are read.

    Attributes
    ----------
    kind, compression : None until the object's name has told them (see `of_name`)
    delimiter : between the values of CSV, one character
    encoding : of CSV and TSV, by Python's name for it
    fields : the column (or field of JSON) that each field is taken from, where the two have different names
    columns : of all columns, the only ones that are read beside those of `fields`, by the columns' names; all if empty
    """

    kind: Kind | None = None
    compression: Compression | None = None
    delimiter: str = ","
    encoding: str = "utf-8"
    fields: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()

    @property
    def renames(self) -> bool:
        """Whether records get other fields than they have, or fewer."""
        return bool(self.fields or self.columns)

    @property
    def is_json_lines(self) -> bool:
        """Whether an object's content, unpacked, is JSON Lines already."""
        return self.kind is Kind.JSONL and not self.renames

    @property
    def in_place(self) -> bool:
        """Whether batches can be byte ranges of the object itself; if not, it is staged as JSON Lines first."""
        return self.is_json_lines and self.compression is Compression.NONE

    @property
    def converts(self) -> bool:
        """Whether values have no types, or other types than JSON has, so that the signature converts them."""
        return self.kind in {Kind.CSV, Kind.TSV, Kind.PARQUET}

    def for_name(self, name: str) -> "ReadOptions":
        """Return it with the kind and compression that an object's name tells, unless they were stated.

        A name that ends in nothing known is of JSON Lines.
        """
        _, kind, packed = _told_by(name)
        return replace(self, kind=self.kind or kind or Kind.JSONL, compression=self.compression or packed)

    def as_dict(self) -> dict[str, Any]:
        plain = ReadOptions()
        known: dict[str, Any] = {
            "kind": self.kind and self.kind.value,
            "compression": self.compression and self.compression.value,
            "delimiter": self.delimiter,
            "encoding": self.encoding,
            "fields": dict(self.fields),
            "columns": list(self.columns),
        }
        usual = {"delimiter": plain.delimiter, "encoding": plain.encoding}
        return {name: value for name, value in known.items() if value and value != usual.get(name)}


@dataclass(frozen=True, slots=True)
class ObjectsSpec:
    """Objects in S3: the one of a key, or all whose keys begin with a prefix, in the order of their keys.

    Attributes
    ----------
    etag : of the object of the key; another one under that key is refused. Any will do if empty
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
        """What an ingest of it is named after."""
        return self.key or self.prefix or self.bucket

    @property
    def converts(self) -> bool:
        return self.options.converts

    def as_dict(self) -> dict[str, Any]:
        where = {"key": self.key} if self.key else {"prefix": self.prefix}
        pinned = {"etag": self.etag} if self.etag else {}
        return {"bucket": self.bucket, **where, **pinned, **self.options.as_dict()}


@dataclass(frozen=True, slots=True)
class TableSpec:
    """Items of a DynamoDB table: all, or those of one partition key of it or of an index.

    Attributes
    ----------
    partition : name and value (text or number) of the partition key; nothing for all items
    write_back : the attribute of the items that gets the predictions; none if empty
    layout : `fields` and `columns` of it count; their columns are the items' attributes
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
        """What an ingest of it is named after."""
        return self.table

    @property
    def converts(self) -> bool:
        return False

    def as_dict(self) -> dict[str, Any]:
        known = {"index": self.index, "key": dict(self.partition), "write_back": self.write_back}
        return {
            "table": self.table,
            **{name: value for name, value in known.items() if value},
            **self.options.as_dict(),
        }


type SourceSpec = ObjectsSpec | TableSpec

_EXPECTED = 'the execution\'s input must be {"source": {"bucket": "...", "key": "..."}}'
_OF_OBJECTS = ("bucket", "key", "prefix", "etag", "kind", "compression", "delimiter", "encoding")
_OF_TABLES = ("table", "index", "key", "write_back")
_NAMES = frozenset((*_OF_OBJECTS, *_OF_TABLES, "fields", "columns"))


def spec_from_input(execution_input: object) -> SourceSpec:
    """Read the input of an execution: `{"source": {"bucket": …, "key": …}}`, or one of the other shapes of a source.

    `docs/sources.md` has all of them.

    Raises
    ------
    InvalidIngestError
        If it has any other shape; the message shows the right one.
    """
    if not isinstance(execution_input, dict):
        raise InvalidIngestError(f"{_EXPECTED}, not {type(execution_input).__name__}")
    source = execution_input.get("source")
    if not isinstance(source, dict):
        raise InvalidIngestError(f"{_EXPECTED}; it has no object named source")
    return spec_from_dict(source)


def spec_from_dict(source: Mapping[str, Any]) -> SourceSpec:
    """Read the `source` alone; raises InvalidIngestError as `origin_from_input` does."""
    read = _Reading(source)
    if unknown := sorted(source.keys() - _NAMES):
        raise InvalidIngestError(
            f"the source has {', '.join(map(repr, unknown))}; it may have {', '.join(sorted(_NAMES))}"
        )
    options = read.options()
    if "table" in source:
        return TableSpec(read.text("table"), read.optional("index"), read.key(), read.optional("write_back"), options)
    if not isinstance(source.get("bucket"), str) or not source["bucket"]:
        raise InvalidIngestError(f"{_EXPECTED}; its source has no bucket")
    key, prefix = read.optional("key"), read.optional("prefix")
    if bool(key) == ("prefix" in source):
        raise InvalidIngestError(f"{_EXPECTED}; its source has no key (or a prefix in place of it)")
    etag = read.optional("etag")
    if etag and not key:
        raise InvalidIngestError("the source has an etag, and no key that it is of")
    return ObjectsSpec(source["bucket"], key, prefix, options, etag)


def read_options_from_dict(values: Mapping[str, Any]) -> ReadOptions:
    """Read what `Layout.as_dict` wrote; raises InvalidIngestError if it makes no sense."""
    return _Reading(values).options()


class _Reading:
    """Reads the parts of a source, each with an error that names it."""

    def __init__(self, source: Mapping[str, Any]) -> None:
        self._source = source

    def text(self, name: str) -> str:
        return str(self._fitting(name, "", lambda value: isinstance(value, str) and value != "", "text"))

    def optional(self, name: str) -> str:
        return str(self._fitting(name, "", lambda value: isinstance(value, str), "text"))

    def key(self) -> dict[str, Any]:
        def fits(value: object) -> bool:
            return isinstance(value, dict) and len(value) == 1 and _is_scalar(next(iter(value.values())))

        if "key" not in self._source:
            return {}
        return dict(self._fitting("key", {}, fits, "one attribute and its value, text or a number"))

    def options(self) -> ReadOptions:
        return ReadOptions(
            kind=self._choice("kind", Kind),
            compression=self._choice("compression", Compression),
            delimiter=self._fitting("delimiter", ",", _is_delimiter, "one character, no quote and no line break"),
            encoding=self._fitting("encoding", "utf-8", _is_encoding, "an encoding of text that Python knows"),
            fields=dict(self._fitting("fields", {}, _is_texts_by_name, "an object of text")),
            columns=tuple(self._fitting("columns", [], _is_texts, "a list of text")),
        )

    def _choice[E: StrEnum](self, name: str, choices: type[E]) -> E | None:
        if name not in self._source:
            return None
        known = [choice.value for choice in choices]
        return choices(self._fitting(name, "", lambda value: value in known, f"one of {', '.join(known)}"))

    def _fitting(self, name: str, default: Any, fits: Callable[[Any], bool], what: str) -> Any:
        value = self._source.get(name, default)
        if name in self._source and not fits(value):
            raise InvalidIngestError(f"the source's {name} must be {what}")
        return value


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _is_delimiter(value: object) -> bool:
    return isinstance(value, str) and len(value) == 1 and value not in '"\r\n'


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_texts_by_name(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in (*value, *value.values()))


def _is_encoding(value: object) -> bool:
    try:
        return isinstance(value, str) and codecs.lookup(value)._is_text_encoding and bool(",".encode(value))
    except (LookupError, UnicodeError, ValueError):
        return False
