"""The registries of formats and compressions: what they hold, and that a new file is all a new format needs."""

import compileall
import json
import os
import shutil
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from hundredfold.sources.compression import Compression
from hundredfold.sources.compressions import COMPRESSIONS
from hundredfold.sources.format import Format
from hundredfold.sources.formats import DEFAULT_KIND, FORMATS
from hundredfold.sources.registry import collect

ROOT = Path(__file__).parents[3]

NEW_FORMAT = '''
"""logfmt: one record a line, as NAME=VALUE NAME=VALUE."""

import json

from hundredfold.sources.format import Format
from hundredfold.sources.format_options import ENCODING


def logfmt_lines(file, options, name):
    for line in file:
        pairs = (pair.split("=") for pair in line.decode(options.encoding).split())
        yield json.dumps(dict(pairs)).encode() + b"\\n"


FORMAT = Format(
    name="logfmt",
    suffixes=(".logfmt", ".lf"),
    description="one record a line",
    read=logfmt_lines,
    options=(ENCODING,),
    converts=True,
)
'''

USE_NEW_FORMAT = r"""
import contextlib, io, json, sys

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.object_names import options_for_name
from hundredfold.sources.reading import read_as_lines
from hundredfold.sources.spec import spec_from_dict
from hundredfold.sources import formats

options = options_for_name(spec_from_dict({"bucket": "b", "key": "k", "encoding": "latin-1"}).options, "day.lf.gz")
seen = {"options": options.as_dict(), "file": formats.FORMATS["logfmt"].read.__code__.co_filename}
spec = spec_from_dict({"bucket": "b", "key": "k", "kind": "logfmt"})
lines = read_as_lines(io.BytesIO(b"id=1 n=2\nid=3 n=4\n"), options_for_name(spec.options, "k"), "k")
seen["records"] = b"".join(lines).decode()
seen["converts"] = spec.converts
seen["readers"] = sorted({"pyarrow", "numpy"} & sys.modules.keys())
try:
    spec_from_dict({"bucket": "b", "key": "k", "kind": "xml"})
except InvalidIngestError as error:
    seen["error"] = str(error)

from hundredfold_cli.main import app
from hundredfold.sources.compressions import COMPRESSIONS
from tools.formats_table import table

seen["table"] = table(formats.FORMATS.values(), COMPRESSIONS.values())
with contextlib.redirect_stdout(io.StringIO()) as shown, contextlib.suppress(SystemExit):
    app(["ingest", "--help"])
seen["help"] = " ".join(shown.getvalue().split())
print(json.dumps(seen))
"""


@pytest.fixture(params=["with sources", "compiled only"])
def copied(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of both packages with one more format; compiled only is how Lambda layers have them."""
    for package in ("hundredfold", "hundredfold_cli"):
        shutil.copytree(ROOT / "src" / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "hundredfold/sources/formats/logfmt.py").write_text(NEW_FORMAT)
    if request.param == "compiled only":
        assert compileall.compile_dir(tmp_path, quiet=1, legacy=True)
        for source in tmp_path.rglob("*.py"):
            source.unlink()
    return tmp_path


def test_a_new_format_is_one_new_file(copied: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{copied}{os.pathsep}{ROOT}", "COLUMNS": "300"}

    result = subprocess.run(
        [sys.executable, "-c", USE_NEW_FORMAT], env=environment, check=True, capture_output=True, text=True
    )

    seen: dict[str, Any] = json.loads(result.stdout)
    assert Path(seen["file"]).is_relative_to(copied)
    assert seen["options"] == {"kind": "logfmt", "compression": "gzip", "encoding": "latin-1"}
    assert seen["records"] == '{"id": "1", "n": "2"}\n{"id": "3", "n": "4"}\n'
    assert seen["converts"] is True
    *first, last = sorted({*FORMATS, "logfmt"})
    assert seen["error"] == f"the source's kind must be one of {', '.join([*first, last])}"
    assert f"{', '.join(first)} or {last}. By default the name's ending decides, else jsonl." in seen["help"]
    assert "The encoding of the text; utf-8 if not set. For csv, logfmt and tsv." in seen["help"]
    assert "The character between two values; a comma if not set. For csv." in seen["help"]
    assert (
        "| `logfmt` | `.logfmt`, `.lf` | one record a line | `encoding` | converted | gzip, zstd |"
        in seen["table"].splitlines()
    )
    assert seen["readers"] == []  # they take long to import, and only Parquet and zstd need them


def test_a_module_without_an_entry_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "formats_without_entry"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "helper.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(TypeError, match=r"formats_without_entry\.helper must declare FORMAT, a Format"):
        collect(Format, "FORMAT", package.name, [str(package)])


def test_one_name_is_declared_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "formats_with_one_name"
    package.mkdir()
    (package / "__init__.py").touch()
    for name in ("first", "second"):
        (package / f"{name}.py").write_text("from hundredfold.sources.formats.json_lines import FORMAT as FORMAT\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ValueError, match=r"second declares jsonl, which another module declares too"):
        collect(Format, "FORMAT", package.name, [str(package)])


def test_the_formats_and_compressions_are_these() -> None:
    assert list(FORMATS) == ["csv", "json", "jsonl", "parquet", "tsv"]
    assert list(COMPRESSIONS) == ["gzip", "zstd"]
    assert DEFAULT_KIND in FORMATS


def test_endings_are_lower_case_and_none_hides_another() -> None:
    endings = [suffix for format_ in FORMATS.values() for suffix in format_.suffixes]
    endings += [compression.suffix for compression in COMPRESSIONS.values()]

    assert all(ending.startswith(".") and ending == ending.lower() for ending in endings)
    assert not [pair for pair in combinations(endings, 2) if pair[0].endswith(pair[1]) or pair[1].endswith(pair[0])]


def test_no_first_bytes_mean_two_things() -> None:
    entries: list[Format | Compression] = [*FORMATS.values(), *COMPRESSIONS.values()]
    magics = [magic for entry in entries for magic in entry.magic]

    assert not [pair for pair in combinations(magics, 2) if pair[0].startswith(pair[1]) or pair[1].startswith(pair[0])]
