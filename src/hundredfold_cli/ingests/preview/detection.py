"""What a source's first bytes say of its kind, compression, delimiter and encoding, where nothing else says it."""

import csv
import io
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.compressions import COMPRESSIONS
from hundredfold.sources.format_options import DELIMITER, ENCODING
from hundredfold.sources.formats import DEFAULT_KIND, FORMATS, format_of
from hundredfold.sources.object_names import options_for_name, stem_of
from hundredfold.sources.read_options import NOT_COMPRESSED, ReadOptions

HEAD_BYTES = 256 * 1024
"""How many of the first bytes are looked at."""

_WORKBOOK_MAGIC = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_WORKBOOK_ENDINGS = (".xlsx", ".xlsm", ".xls", ".ods")
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS = (",", ";", "\t", "|")
_ROWS = 50
"""How many rows are cut by each delimiter, to see which one fits."""
_MOST_ROWS = 0.8
"""The share of the rows that must have as many values as there are columns, for a text to be taken for a table."""
_WINDOWS_ONLY = re.compile(rb"[\x80-\x9f]")
"""Bytes that Latin-1 has no printable characters for. Text with them is most likely Windows-1252."""


@dataclass(frozen=True, slots=True)
class Detection:
    """What a source is.

    Attributes
    ----------
    options : those that were set, and what was found in the content
    known : the same, with kind and compression, which the name may say
    found : the options of the command that say what was found in the content; empty if all was known
    """

    options: ReadOptions
    known: ReadOptions
    found: tuple[str, ...] = ()


def detect(head: bytes, options: ReadOptions, name: str, *, fixed: Collection[str] = ()) -> Detection:
    """Detect what an option or the name does not say.

    Parameters
    ----------
    head : the first bytes of the source: HEAD_BYTES of them, or all
    name : of the file or object
    fixed : the names of the options that were set, which stay as they are

    Raises
    ------
    InvalidIngestError
        If it is a workbook, is JSON in UTF-16, or can be anything. The message has the command to type.
    """
    known = options_for_name(options, name)
    found: dict[str, str] = {}
    if options.compression is None and known.compression == NOT_COMPRESSED and (magic := _compression_of(head)):
        known = replace(known, compression=magic)
        found["compression"] = magic
    content = _decompressed(head, known.compression)
    _refuse_workbook(content, name)
    if options.kind is None and stem_of(name) is None:
        kind = _kind_of(content, name, fixed)
        known = replace(known, kind=kind)
        if kind != DEFAULT_KIND:
            found["kind"] = kind
    format_ = format_of(known)
    if format_.json_lines or format_.name == "json":
        _refuse_utf_16(content, name)
    if ENCODING in format_.options and ENCODING.name not in fixed:
        known = replace(known, encoding=_encoding_of(content))
        if known.encoding != ENCODING.default:
            found["encoding"] = known.encoding
    if DELIMITER in format_.options and DELIMITER.name not in fixed:
        known = replace(known, delimiter=_delimiter_of(_text(content, known.encoding)))
        if known.delimiter != DELIMITER.default:
            found["delimiter"] = known.delimiter
    texts = tuple(option_text(option, value) for option, value in found.items())
    return Detection(replace(options, **found), known, texts)  # type: ignore[arg-type] # each is an option of text


def option_text(name: str, value: str) -> str:
    """Return an option of the command as it is typed in a shell."""
    shown = value.replace("\t", "\\t")
    return f"--{name} {shown}" if re.fullmatch(r"[\w.=/-]+", shown) else f"--{name} '{shown}'"


def read_rows(text: str, delimiter: str) -> list[list[str]]:
    """Cut the first rows of a text at a delimiter. Blank rows are left out, and a last row that may be cut off."""
    rows: list[list[str]] = []
    with suppress(csv.Error):
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if row and not (len(row) == 1 and not row[0].strip()):
                rows.append(row)
            if len(rows) > _ROWS:
                break
    return rows[:-1] if len(rows) > 1 and not text.endswith(("\n", "\r")) else rows


def _compression_of(head: bytes) -> str | None:
    return next((entry.name for entry in COMPRESSIONS.values() if head.startswith(entry.magic)), None)


def _decompressed(head: bytes, compression: str | None) -> bytes:
    """Return the content of the first bytes, as far as they can be decompressed."""
    entry = COMPRESSIONS.get(compression or "")
    if entry is None or not head.startswith(entry.magic):
        return head
    content = b""
    with suppress(*entry.damage_errors):  # the first bytes end in the middle
        stream = entry.open(io.BytesIO(head))
        while len(content) < HEAD_BYTES and (chunk := stream.read(4096)):
            content += chunk
    return content


def _refuse_workbook(content: bytes, name: str) -> None:
    if not content.startswith(_WORKBOOK_MAGIC) and not name.lower().endswith(_WORKBOOK_ENDINGS):
        return
    saved = PurePosixPath(name.rpartition("/")[2]).with_suffix(".csv").name if name else "records.csv"
    raise InvalidIngestError(
        f"{name or 'the input'} is a workbook or a zip archive, which is not read: save it as CSV (in Excel: File, "
        f"Save As, CSV UTF-8), then type: hundredfold ingest {saved}"
    )


def _refuse_utf_16(content: bytes, name: str) -> None:
    if _utf_16_of(content):
        raise InvalidIngestError(
            f"{name or 'the input'} is in UTF-16, and JSON is read in UTF-8; type: "
            f"iconv -f UTF-16 -t UTF-8 {name or 'FILE'} > utf8.jsonl && hundredfold ingest utf8.jsonl"
        )


def _kind_of(content: bytes, name: str, fixed: Collection[str]) -> str:
    """Return the kind of a content whose name does not say it."""
    if magic := next(
        (format_.name for format_ in FORMATS.values() if format_.magic and content.startswith(format_.magic)), None
    ):
        return magic
    text = _text(content, _encoding_of(content)).removeprefix("\ufeff").lstrip()
    if not text or text.startswith("{"):
        return DEFAULT_KIND
    if text.startswith("["):
        return "json"
    if DELIMITER.name in fixed:
        return "csv"
    delimiter = _delimiter_of(text)
    if _fit(text, delimiter)[0] >= _MOST_ROWS:
        return "tsv" if delimiter == "\t" else "csv"
    raise InvalidIngestError(
        f"neither the name of {name or 'the input'} nor its first bytes say what kind it is; type: "
        f"hundredfold ingest {name or '-'} --kind KIND, where KIND is one of {', '.join(FORMATS)}"
    )


def _encoding_of(content: bytes) -> str:
    if utf_16 := _utf_16_of(content):
        return utf_16
    try:
        content.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":  # a character that the first bytes end within
            return ENCODING.default
    else:
        return ENCODING.default
    return "cp1252" if _WINDOWS_ONLY.search(content) else "latin-1"


def _utf_16_of(content: bytes) -> str:
    """Return which UTF-16 a content is, by its mark or its null bytes; empty if it is none."""
    if content.startswith(_UTF_16_MARKS):
        return "utf-16"
    start = content[:1000]
    evens, odds = start[::2].count(0), start[1::2].count(0)
    if len(start) > 4 and max(evens, odds) > len(start) * 0.3 and min(evens, odds) < len(start) * 0.05:
        return "utf-16-be" if evens > odds else "utf-16-le"
    return ""


def _text(content: bytes, encoding: str) -> str:
    return content.decode(encoding, errors="replace")


def _delimiter_of(text: str) -> str:
    """Return the delimiter that cuts the most rows into as many values as there are columns, and more than one."""
    text = text.removeprefix("\ufeff")
    return max(_DELIMITERS, key=lambda delimiter: _fit(text, delimiter))  # the first of equals: a comma


def _fit(text: str, delimiter: str) -> tuple[float, int]:
    """Return the share of the rows that have as many values as there are columns, and how many columns there are.

    One column is none: a delimiter that does not occur fits every text.
    """
    rows = read_rows(text, delimiter)
    columns = len(rows[0]) if rows else 0
    if columns < 2:
        return 0.0, 0
    return sum(len(row) == columns for row in rows) / len(rows), columns
