"""The files of a local folder that are records of one ingest."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.object_names import options_for_name, stem_of
from hundredfold.sources.read_options import ReadOptions

MOST_FILES = 10_000
"""How many files of a folder are uploaded. More of them go to S3 better by a tool for that."""


def files_of(folder: Path, options: ReadOptions) -> list[Path]:
    """Return the files of a folder and its subfolders that are of one kind, in the order of their keys in S3.

    Hidden files are left out, and so are files whose names begin with an underscore, such as Spark's `_SUCCESS`. If the
    options have a kind, only files of it are taken, if any has its ending.

    Raises
    ------
    InvalidIngestError
        If there is none, if they are of several kinds, or if there are too many. The message has the command to type.
    """
    paths = sorted(islice(_visible_files(folder), MOST_FILES + 1), key=lambda file: file.relative_to(folder).as_posix())
    if len(paths) > MOST_FILES:
        raise InvalidIngestError(
            f"{folder} has more than {MOST_FILES:,} files; copy them to S3 (aws s3 sync), and type: "
            "hundredfold ingest s3://BUCKET/PREFIX/"
        )
    named = [file for file in paths if stem_of(file.name) is not None]
    kinds = Counter(str(options_for_name(ReadOptions(), file.name).kind) for file in named)
    if options.kind in kinds:
        return [file for file in named if options_for_name(ReadOptions(), file.name).kind == options.kind]
    if options.kind is None and len(kinds) > 1:
        counts = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())
        raise InvalidIngestError(
            f"{folder} has files of several kinds ({counts}), and an ingest has one; type: "
            f"hundredfold ingest {folder} --kind {kinds.most_common(1)[0][0]}, or name one file"
        )
    if options.kind is None and named:
        return named
    if options.kind is None or not paths:
        raise InvalidIngestError(
            f"{folder} has no file of records; type: hundredfold ingest FILE, or hundredfold ingest FOLDER with files "
            "such as records.csv"
        )
    return paths


def _visible_files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith((".", "_")):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _visible_files(path)
        elif path.is_file():
            yield path
