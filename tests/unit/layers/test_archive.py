"""Archives: the same files are the same bytes, and what is compiled is compiled for good."""

import importlib.util
import os
import random
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from layers.archive import compile_python, write_zip
from layers.sizes import unzipped_size

FILES = {
    "python/hundredfold/__init__.py": b'"""A package."""\n',
    "python/hundredfold/cutting.py": b"def cut(a, b=[1, 2], *, c='x'):\n    return {a: b for a in b if c}\n",
    "python/hundredfold/errors.py": b"class Busy(Exception):\n    retryable = {True, 'a', 'b'}\n",
    "python/hundredfold_model/bundle/pipeline.joblib": bytes(range(256)) * 20,
    "python/a-first.txt": b"",
    "python/é.txt": b"e\n",
    "python/tool.sh": b"#!/bin/sh\n",
}
EXECUTABLE = "python/tool.sh"


def make_tree(root: Path, seed: int) -> Path:
    """Write FILES in an order and with times of its own; whom they may be read by depends on the seed, too."""
    chance = random.Random(seed)
    for name in chance.sample(sorted(FILES), len(FILES)):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FILES[name])
        path.chmod(chance.choice([0o700, 0o755, 0o775]) if name == EXECUTABLE else chance.choice([0o600, 0o644, 0o664]))
        time = chance.randrange(10**9, 2 * 10**9)
        os.utime(path, (time, time))
    return root


def build(folder: Path, seed: int) -> Path:
    root = make_tree(folder / f"tree-{seed}", seed)
    compile_python(root, "/opt")
    archive = folder / "archives" / f"{seed}.zip"
    write_zip(root, archive)
    return archive


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("builds")
    return build(folder, 1), build(folder, 2)


def test_two_builds_of_the_same_files_are_the_same_bytes(builds: tuple[Path, Path]) -> None:
    first, second = builds

    assert first.read_bytes() == second.read_bytes()


# Whether the .pyc has one or two of these equal sets depends on the names that its process met before.
EQUAL_SETS = """
def both(steps):
    some = all(step for step in steps if step not in {"passthrough", "drop"})
    return some and all(True if step in {"passthrough", "drop"} else step for step in steps)
"""


@pytest.mark.parametrize("keep_sources", [True, False])
def test_a_file_is_compiled_to_the_same_bytes_whatever_is_compiled_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep_sources: bool
) -> None:
    contents = set()
    for neighbours in (0, 40):
        # The folders and the seed of hashes are others each time, too.
        monkeypatch.setenv("PYTHONHASHSEED", str(neighbours + 1))
        root = tmp_path / f"with-{neighbours}" / "passthrough"
        root.mkdir(parents=True)
        for number in range(neighbours):
            (root / f"a_{number:02}.py").write_text(f"def drop(passthrough):\n    return passthrough.drop + {number}\n")
        (root / "z.py").write_text(EQUAL_SETS)

        compile_python(root, "/opt", keep_sources=keep_sources)

        compiled = root / ("__pycache__/z.cpython-313.pyc" if keep_sources else "z.pyc")
        contents.add(compiled.read_bytes())
    assert len(contents) == 1


def test_a_prefix_for_compiled_files_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "elsewhere"))
    (tmp_path / "root").mkdir()
    (tmp_path / "root/a.py").write_text("x = 1\n")

    compile_python(tmp_path / "root", "/opt")

    assert (tmp_path / "root/__pycache__/a.cpython-313.pyc").exists()


def test_an_archive_holds_the_files_and_what_was_compiled(builds: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(builds[0]) as zipped:
        names = zipped.namelist()
        assert {name: zipped.read(name) for name in FILES} == FILES
        assert zipped.testzip() is None

    assert names == sorted(names)
    assert set(names) - set(FILES) == {
        "python/hundredfold/__pycache__/__init__.cpython-313.pyc",
        "python/hundredfold/__pycache__/cutting.cpython-313.pyc",
        "python/hundredfold/__pycache__/errors.cpython-313.pyc",
    }


def test_all_files_can_be_read_by_all_and_are_dated_1980(builds: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(builds[0]) as zipped:
        entries = zipped.infolist()

    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    modes = {entry.filename: stat.filemode(entry.external_attr >> 16) for entry in entries}
    assert modes.pop(EXECUTABLE) == "-rwxr-xr-x"
    assert set(modes.values()) == {"-rw-r--r--"}


def test_what_is_compiled_is_never_held_against_its_source(builds: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(builds[0]) as zipped:
        compiled = [zipped.read(name) for name in zipped.namelist() if name.endswith(".pyc")]

    assert len(compiled) == 3
    for content in compiled:
        assert content[:4] == importlib.util.MAGIC_NUMBER
        # PEP 552: bit 0 is a hash in place of a time, bit 1 is that it is checked
        assert int.from_bytes(content[4:8], "little") == 0b01


def test_tracebacks_name_where_the_code_is_deployed(builds: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(builds[0]) as zipped:
        compiled = zipped.read("python/hundredfold/__pycache__/cutting.cpython-313.pyc")

    assert b"/opt/python/hundredfold/cutting.py" in compiled
    assert str(builds[0].parent.parent).encode() not in compiled


def test_a_file_that_differs_makes_another_archive(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "tree", 3)
    write_zip(root, tmp_path / "first.zip")
    (root / "python/a-first.txt").write_bytes(b"x")
    write_zip(root, tmp_path / "second.zip")

    assert (tmp_path / "first.zip").read_bytes() != (tmp_path / "second.zip").read_bytes()


def test_an_archive_replaces_the_one_before_it(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/new.txt").write_text("new")
    archive = tmp_path / "archives/layer.zip"
    archive.parent.mkdir()
    archive.write_bytes(b"old")

    write_zip(tmp_path / "tree", archive)

    with zipfile.ZipFile(archive) as zipped:
        assert zipped.namelist() == ["new.txt"]
    assert list(archive.parent.iterdir()) == [archive]


def test_the_unzipped_size_is_that_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/a").write_bytes(b"a" * 1000)
    (tmp_path / "tree/b").write_bytes(b"b" * 234)
    write_zip(tmp_path / "tree", tmp_path / "layer.zip")

    assert unzipped_size(tmp_path / "layer.zip") == 1234
    assert (tmp_path / "layer.zip").stat().st_size < 1000


def test_packages_run_without_their_sources(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package/__init__.py").write_text("from package.part import answer\n")
    (tmp_path / "package/part.py").write_text("def answer():\n    raise ValueError(42)\n")

    compile_python(tmp_path, "/opt/python", keep_sources=False)

    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"package/__init__.pyc", "package/part.pyc"}
    ran = subprocess.run(
        [sys.executable, "-c", "import package; package.answer()"],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'File "/opt/python/package/part.py", line 2, in answer' in ran.stderr


def test_python_that_cannot_be_compiled_ends_the_build(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wrong.py").write_text("def wrong(:\n")

    with pytest.raises(SystemExit, match="cannot be compiled; see above"):
        compile_python(tmp_path, "/opt")
