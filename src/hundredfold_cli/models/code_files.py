"""The files of a user's code that go into a bundle."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hundredfold.errors import BundleRefusedError
from hundredfold.model.code import CODE

MAX_CODE_BYTES = 5_000_000
"""More than this is data or a package, and not code. A package has a place in requirements/extras."""


def code_files(paths: Sequence[Path]) -> Mapping[str, Path]:
    """Return the code in files and folders, by its names in the bundle.

    A file becomes a module. So does a folder with `__init__.py`, under its own name. Of any other folder, the modules
    and packages in it are taken. Hidden files and compiled ones stay behind.

    Raises
    ------
    BundleRefusedError
        If there is no such code, or it is too large. The message says what to give.
    """
    files: dict[str, Path] = {}
    for path in paths:
        if path.is_file() and path.suffix == ".py":
            files[CODE + path.name] = path
            continue
        if not path.is_dir():
            raise BundleRefusedError(f"{path} is no code: --code takes a Python file, or a folder of Python files")
        root = path.resolve().parent if (path / "__init__.py").exists() else path.resolve()
        found = {CODE + file.relative_to(root).as_posix(): file for file in _files(path.resolve())}
        if not any(name.endswith(".py") for name in found):
            raise BundleRefusedError(f"the folder {path} has no Python file")
        files |= found
    size = sum(file.stat().st_size for file in files.values())
    if size > MAX_CODE_BYTES:
        raise BundleRefusedError(
            f"the code has {size:,} bytes, and {MAX_CODE_BYTES:,} are allowed: name only the files that the model needs"
        )
    return files


def _files(folder: Path) -> list[Path]:
    return [
        file
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        and file.suffix != ".pyc"
        and not any(part.startswith(".") or part == "__pycache__" for part in file.relative_to(folder).parts)
    ]
