"""Builds the layers and the functions' code as zip archives, and holds their size against Lambda's limit."""

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import hundredfold
from hundredfold.model.card import CARD, Card
from hundredfold.model.engine import LibraryLayer
from layers.archive import compile_python, write_zip
from layers.packages import PLATFORMS, add_openmp, install, named_by_extra
from layers.sizes import LAMBDA_LIMIT_BYTES, Part, over_limit, read_parts, table, unzipped_size

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LAYERS = BUILD / "layers"

PLANNER_LIMIT_BYTES = 120_000_000
"""Of the planner and its layers, unzipped: a release of a reader that brings what is not needed shall be noticed."""

FUNCTIONS = ("plan_ingest", "infer_batch", "summarize_ingest", "start_ingest")
IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")


def build_dependencies(architecture: str, extras: list[str], archive: Path) -> Path:
    """The layer of what a model needs, and of `extras`: packages that have a lock in requirements/extras."""
    locks = [_locked("dependencies"), *(_locked(f"extras/{name}") for name in extras)]
    if missing := [lock.stem for lock in locks if not lock.exists()]:
        raise SystemExit(f"there is no lock of {missing[0]}: run make lock-extra NAME={missing[0]}")

    def fill(python: Path) -> None:
        owners = named_by_extra(install(locks, python, architecture), locks)
        add_openmp(python)
        archive.with_suffix(".packages.json").write_text(json.dumps(owners, indent=2, sort_keys=True) + "\n")

    return _layer(fill, archive)


def build_locked(name: str, architecture: str, archive: Path) -> Path:
    """A layer of nothing but locked packages: `readers`, which the planner reads Parquet and zstd with; `decoder` and
    `numpy`, which compiled models need."""

    def fill(python: Path) -> None:
        owners = install([_locked(name)], python, architecture)
        archive.with_suffix(".packages.json").write_text(json.dumps(owners, indent=2, sort_keys=True) + "\n")

    return _layer(fill, archive)


def build_core(archive: Path) -> Path:
    """The layer of our own package and Powertools. It has nothing compiled in it, so it is every architecture's."""

    def fill(python: Path) -> None:
        install([_locked("core")], python, "x86_64")
        if compiled := sorted(python.rglob("*.so")):
            raise SystemExit(f"the core layer must be every architecture's, and has {compiled[0].name} in it")
        package = Path(str(hundredfold.__file__)).parent  # in src/, or where the wheel is installed
        shutil.copytree(package, python / "hundredfold", dirs_exist_ok=True, ignore=IGNORED)

    return _layer(fill, archive)


def build_model(bundle: Path, archive: Path) -> Path:
    """The layer of a model's bundle: the files that its card names, and the card."""
    card = json.loads((bundle / CARD).read_bytes())

    def fill(python: Path) -> None:
        shutil.copytree(
            ROOT / "layers/model/hundredfold_model", python / "hundredfold_model", dirs_exist_ok=True, ignore=IGNORED
        )
        inside = python / "hundredfold_model/bundle"
        inside.mkdir()
        for name in (CARD, *card["files"]):
            (inside / name).parent.mkdir(parents=True, exist_ok=True)  # code is in a folder of its own
            shutil.copyfile(bundle / name, inside / name)

    return _layer(fill, archive)


def build_function(name: str, archive: Path) -> Path:
    """A function's own code."""

    def fill(root: Path) -> None:
        shutil.copytree(ROOT / "functions" / name, root, dirs_exist_ok=True, ignore=IGNORED)

    return _archive(fill, "/var/task", archive)


def check_size() -> None:
    """Print the size of the inference function with its layers, for each of the layers that a model may need, and that
    of the planner with its own. End with a message if one is too large."""
    bundled = Card.from_json((BUILD / "bundle" / CARD).read_bytes())
    planner = _planner_parts(LAYERS / "readers.zip")
    functions = {layer: _parts(LAYERS / f"{layer}.zip") for layer in LibraryLayer}
    first = functions.pop(bundled.engine.layer)
    for of_function in (first, planner):
        for name in dict.fromkeys(part.layer for part in of_function):
            _print(_size(name, [part for part in of_function if part.layer == name]))
        _print(_size("together", of_function))
    for layer, parts in functions.items():
        _print(_size(f"with {layer}", parts))
    if message := over_limit(first) or over_limit(planner, PLANNER_LIMIT_BYTES):
        raise SystemExit(message)
    if bundled.engine.layer is not LibraryLayer.DEPENDENCIES:
        return
    if lacking := set(bundled.requires) - {part.package for part in first}:
        names = " ".join(sorted({*bundled.requires}))
        raise SystemExit(f'build/bundle needs {", ".join(sorted(lacking))} in the layers: make build EXTRAS="{names}"')


def report(architectures: list[str]) -> None:
    """Print the sizes by package and the digests of the layers; end with a message if they are too large."""
    messages = []
    for architecture in architectures:
        functions = {layer: _parts(LAYERS / architecture / f"{layer}.zip") for layer in LibraryLayer}
        planner = _planner_parts(LAYERS / architecture / "readers.zip")
        for layer, parts in functions.items():
            _print(table(f"{architecture}, {layer}", parts))
        _print(table(f"{architecture}, the planner", planner))
        archives = {
            **{layer.value: LAYERS / architecture / f"{layer}.zip" for layer in LibraryLayer},
            "readers": LAYERS / architecture / "readers.zip",
            "core": LAYERS / "core.zip",
            "model": LAYERS / "model.zip",
        }
        _print("".join(f"  SHA-256 {sha256(archive)}  {name}\n" for name, archive in archives.items()))
        faults = [over_limit(parts) for parts in functions.values()]
        if message := next(filter(None, faults), None) or over_limit(planner, PLANNER_LIMIT_BYTES):
            messages.append(f"{architecture}: {message}")
    if messages:
        raise SystemExit("\n".join(messages))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", choices=PLATFORMS, default="x86_64")
    commands = parser.add_subparsers(dest="part", required=True)
    dependencies = commands.add_parser("dependencies")
    dependencies.add_argument("--extras", default="", help="names of requirements/extras, with spaces between")
    dependencies.add_argument("--output", type=Path, default=LAYERS / "dependencies.zip")
    for name in ("numpy", "decoder", "readers"):
        commands.add_parser(name).add_argument("--output", type=Path, default=LAYERS / f"{name}.zip")
    commands.add_parser("core").add_argument("--output", type=Path, default=LAYERS / "core.zip")
    model = commands.add_parser("model")
    model.add_argument("bundle", type=Path)
    model.add_argument("--output", type=Path, default=LAYERS / "model.zip")
    commands.add_parser("functions").add_argument("--output", type=Path, default=BUILD / "functions", help="a folder")
    commands.add_parser("check")
    commands.add_parser("report")
    arguments = parser.parse_args()
    match arguments.part:
        case "dependencies":
            build_dependencies(arguments.architecture, arguments.extras.split(), arguments.output)
        case "numpy" | "decoder" | "readers" as name:
            build_locked(name, arguments.architecture, arguments.output)
        case "core":
            build_core(arguments.output)
        case "model":
            build_model(arguments.bundle, arguments.output)
        case "functions":
            for name in FUNCTIONS:
                build_function(name, arguments.output / f"{name}.zip")
        case "check":
            check_size()
        case "report":
            report(list(PLATFORMS))


def _parts(libraries: Path) -> list[Part]:
    """Return the parts of the inference function with one of the layers that a model may need."""
    owners: dict[str, str] = json.loads(libraries.with_suffix(".packages.json").read_text())
    largest = max((BUILD / f"functions/{name}.zip" for name in FUNCTIONS), key=unzipped_size)
    return [
        *read_parts(libraries.stem, libraries, owners),
        *read_parts("core", LAYERS / "core.zip", {}),
        *read_parts("model", LAYERS / "model.zip", {}),
        *read_parts(largest.stem, largest, {}),
    ]


def _planner_parts(readers: Path) -> list[Part]:
    return [
        *read_parts("readers", readers, {}),
        *read_parts("core", LAYERS / "core.zip", {}),
        *read_parts("plan_ingest", BUILD / "functions/plan_ingest.zip", {}),
    ]


def _size(name: str, parts: Sequence[Part]) -> str:
    unzipped, zipped = sum(part.unzipped for part in parts), sum(part.zipped for part in parts)
    return f"{name:18}{unzipped:>13,} bytes{unzipped / LAMBDA_LIMIT_BYTES:>8.1%} of the limit, zipped {zipped:>11,}"


def _layer(fill: Callable[[Path], None], archive: Path) -> Path:
    return _archive(lambda root: fill(root / "python"), "/opt", archive)


def _archive(fill: Callable[[Path], None], deployed_at: str, archive: Path) -> Path:
    """Let `fill` write files into an empty folder beside the archive, compile them, and zip them."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=f".{archive.stem}-") as folder:
        fill(Path(folder))
        compile_python(Path(folder), deployed_at)
        write_zip(Path(folder), archive)
    return archive


def _locked(name: str) -> Path:
    return ROOT / f"requirements/{name}.txt"


def sha256(archive: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with archive.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
