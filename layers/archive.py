"""Zip archives that are the same bytes whenever they are made of the same files."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can hold
_COMPRESSION_LEVEL = 6
_COMPILE_EACH = Path(__file__).with_name("compile_each.py")


def compile_python(root: Path, deployed_at: str, *, keep_sources: bool = True) -> None:
    """Compile every Python file below `root` for good. The same file always gives the same bytes.

    A layer is read-only, so what it has no `.pyc` of is compiled again at every cold start; and since a zip does not
    keep times to the second, a `.pyc` that is checked by time is always out of date. `unchecked-hash` ones are used
    as they are: half the CPU time of a cold start (docs/design.md has the figures).

    Parameters
    ----------
    deployed_at : the folder that tracebacks will name in place of `root`
    keep_sources : False leaves the `.pyc` files alone, each where its source was. Python imports them from there, and
        tracebacks still name file and line, but cannot quote it.
    """
    sources = sorted(root.rglob("*.py"))
    files = [
        (
            str(source),
            str(_cached(source) if keep_sources else source.with_suffix(".pyc")),
            f"{deployed_at}/{source.relative_to(root).as_posix()}",
        )
        for source in sources
    ]
    # Nothing of this process may reach that one, and text has no random hashes there.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-P", "-S", "-s", str(_COMPILE_EACH)],
        input=json.dumps(files).encode(),
        env={**environment, "PYTHONHASHSEED": "0"},
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"some Python files below {root} cannot be compiled; see above")
    if not keep_sources:
        for source in sources:
            source.unlink()


def _cached(source: Path) -> Path:
    return source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"


def write_zip(root: Path, archive: Path) -> None:
    """Write all files below `root`: sorted by name, dated 1980, readable by all, one compression level."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    unfinished = archive.with_suffix(".unfinished")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION_LEVEL) as zipped:
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(root).as_posix(), date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if path.stat().st_mode & 0o100 else 0o100644) << 16
            zipped.writestr(entry, path.read_bytes())
    unfinished.replace(archive)
