"""Builds the layers and the functions' code as zip archives, and holds their size against Lambda's limit."""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from archive import compile_python, unzipped_size, write_zip
from packages import PLATFORMS, install

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"

LAMBDA_LIMIT_BYTES = 262_144_000
"""Of a function and all its layers, unzipped.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)"""

FUNCTIONS = ("plan_ingest", "infer_batch", "summarize_ingest")
IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")


def build_dependencies(architecture: str) -> Path:
    """The layer of what a model needs."""
    return _layer("dependencies", lambda python: install(_locked("dependencies"), python, architecture))


def build_core(architecture: str) -> Path:
    """The layer of our own package and Powertools."""

    def fill(python: Path) -> None:
        install(_locked("core"), python, architecture)
        shutil.copytree(ROOT / "layers/core/python", python, dirs_exist_ok=True, ignore=IGNORED)

    return _layer("core", fill)


def build_model(bundle: Path) -> Path:
    """The layer of a model's bundle."""

    def fill(python: Path) -> None:
        shutil.copytree(ROOT / "layers/model/python", python, dirs_exist_ok=True, ignore=IGNORED)
        shutil.copytree(bundle, python / "hundredfold_model/bundle")

    return _layer("model", fill)


def build_function(name: str) -> Path:
    """A function's own code."""
    root = _clean(BUILD / "unzipped/functions" / name)
    shutil.copytree(ROOT / "functions" / name, root, dirs_exist_ok=True, ignore=IGNORED)
    compile_python(root, "/var/task")
    archive = BUILD / f"functions/{name}.zip"
    write_zip(root, archive)
    return archive


def check_size(layers: Iterable[Path], functions: Iterable[Path]) -> None:
    """Print the size of each layer and of the largest function, and end with a message if they are too large."""
    sizes = {archive: unzipped_size(archive) for archive in layers}
    largest = max(functions, key=unzipped_size)
    sizes[largest] = unzipped_size(largest)
    for archive, size in sizes.items():
        zipped = archive.stat().st_size
        _print(
            f"{archive.stem:18}{size:>13,} bytes{size / LAMBDA_LIMIT_BYTES:>8.1%} of the limit, zipped {zipped:>11,}"
        )
    total = sum(sizes.values())
    _print(f"{'together':18}{total:>13,} bytes{total / LAMBDA_LIMIT_BYTES:>8.1%} of the limit")
    if total > LAMBDA_LIMIT_BYTES:
        raise SystemExit(f"that is {total - LAMBDA_LIMIT_BYTES:,} bytes over Lambda's limit of {LAMBDA_LIMIT_BYTES:,}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", choices=PLATFORMS, default="x86_64")
    commands = parser.add_subparsers(dest="part", required=True)
    commands.add_parser("dependencies")
    commands.add_parser("core")
    commands.add_parser("model").add_argument("bundle", type=Path)
    commands.add_parser("functions")
    commands.add_parser("check")
    arguments = parser.parse_args()
    match arguments.part:
        case "dependencies":
            build_dependencies(arguments.architecture)
        case "core":
            build_core(arguments.architecture)
        case "model":
            build_model(arguments.bundle)
        case "functions":
            for name in FUNCTIONS:
                build_function(name)
        case "check":
            check_size(
                [BUILD / f"layers/{name}.zip" for name in ("dependencies", "core", "model")],
                [BUILD / f"functions/{name}.zip" for name in FUNCTIONS],
            )


def _layer(name: str, fill: Callable[[Path], None]) -> Path:
    root = _clean(BUILD / "unzipped/layers" / name)
    fill(root / "python")
    compile_python(root, "/opt")
    archive = BUILD / f"layers/{name}.zip"
    write_zip(root, archive)
    return archive


def _clean(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _locked(name: str) -> Path:
    return ROOT / f"requirements/{name}.txt"


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
