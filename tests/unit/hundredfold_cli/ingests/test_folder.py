"""A folder as a source: which of its files are taken, and where they are uploaded."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.spec import ObjectsSpec
from hundredfold_cli.ingests import folder as folder_module
from hundredfold_cli.ingests.folder import files_of
from hundredfold_cli.ingests.source_options import SourceOptions
from hundredfold_cli.ingests.uploads import FolderUpload
from hundredfold_cli.stack.deployment import Deployment


def filled(folder: Path, *names: str, content: str = "id,text\n1,fine\n") -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def names(folder: Path, **options: Any) -> list[str]:
    return [file.relative_to(folder).as_posix() for file in files_of(folder, ReadOptions(**options))]


def test_a_folder_takes_its_files_of_a_known_kind_and_those_of_its_subfolders(tmp_path: Path) -> None:
    filled(
        tmp_path, "b.csv", "day=1/a.csv.gz", "_SUCCESS", ".hidden.csv", ".git/x.csv", "README.md", "_temporary/0.csv"
    )

    assert names(tmp_path) == ["b.csv", "day=1/a.csv.gz"]


def test_the_kind_that_is_named_chooses_among_several(tmp_path: Path) -> None:
    filled(tmp_path, "a.csv", "b.jsonl", "c.jsonl", "d.log")

    assert names(tmp_path, kind="jsonl") == ["b.jsonl", "c.jsonl"]
    with pytest.raises(InvalidIngestError, match=r"several kinds \(2 jsonl, 1 csv\).* --kind jsonl, or name one file"):
        names(tmp_path)


def test_files_with_other_endings_are_taken_if_their_kind_is_named(tmp_path: Path) -> None:
    assert names(filled(tmp_path, "part-0", "part-1"), kind="csv") == ["part-0", "part-1"]


@pytest.mark.parametrize("options", [{}, {"kind": "csv"}])
def test_a_folder_without_records_is_refused(tmp_path: Path, options: dict[str, str]) -> None:
    with pytest.raises(InvalidIngestError, match="has no file of records; type: hundredfold ingest FILE"):
        names(tmp_path, **options)
    with pytest.raises(InvalidIngestError, match="has no file of records"):
        names(filled(tmp_path, "README.md"))


def test_a_folder_of_too_many_files_goes_to_s3_another_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "MOST_FILES", 2)

    with pytest.raises(InvalidIngestError, match=r"more than 2 files; copy them to S3 \(aws s3 sync\)"):
        names(filled(tmp_path, "a.csv", "b.csv", "c.csv"))


def test_the_files_are_uploaded_under_one_prefix_with_what_their_content_has_shown(tmp_path: Path) -> None:
    uploaded: dict[str, int] = {}

    def upload_file(file: str, bucket: str, key: str, Callback: Any) -> None:  # noqa: N803
        uploaded[f"{bucket}/{key}"] = Path(file).stat().st_size
        Callback(Path(file).stat().st_size)

    s3 = SimpleNamespace(upload_file=upload_file)
    deployment = cast("Deployment", SimpleNamespace(s3=s3, source_bucket="source"))
    sent: list[int] = []
    request = FolderUpload(filled(tmp_path, "a.csv", "x/b.csv", content="id;text\n1;fine\n"), SourceOptions())

    spec = request.place(deployment, "i1", "0123", sent.append)

    assert uploaded == {"source/uploads/i1/0123/a.csv": 15, "source/uploads/i1/0123/x/b.csv": 15}
    assert spec == ObjectsSpec("source", prefix="uploads/i1/0123/", options=ReadOptions(delimiter=";"))
    assert (request.size, sum(sent), request.name, request.found) == (30, 30, tmp_path.name, ("--delimiter ';'",))
    assert request.describe("i1") == f"uploading 2 files of {tmp_path} (30 bytes) as ingest i1 ..."


def test_the_current_folder_has_the_name_of_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(filled(tmp_path, "a.csv"))

    assert FolderUpload(Path(), SourceOptions()).name == tmp_path.name
