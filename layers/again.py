"""Builds layers and functions again, from nothing, and compares them to the byte with those in `build/`.

Each time, processes of their own build them in another folder and with other hashes of texts.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from layers.build import BUILD, FUNCTIONS, LAYERS, ROOT, sha256
from layers.packages import PLATFORMS


def build_again(times: int, extras: str, bundle: Path) -> dict[str, list[str]]:
    """Build everything `times` more times.

    Parameters
    ----------
    extras : names of requirements/extras, with spaces between
    bundle : of the model; it may have been trained again

    Returns
    -------
    digests : of each archive, by name: the SHA-256 of the one in `build/`, and of each that was built now
    """
    digests = {name: [sha256(archive)] for name, archive in _archives(LAYERS, BUILD / "functions")}
    for number in range(1, times + 1):
        with tempfile.TemporaryDirectory(prefix=f"again-{number}-") as temporary:
            folder = Path(temporary)
            for architecture in PLATFORMS:
                for part in (["dependencies", "--extras", extras], ["numpy"], ["decoder"], ["readers"]):
                    output = folder / architecture / f"{part[0]}.zip"
                    _run(number, "--architecture", architecture, *part, "--output", str(output))
            _run(number, "core", "--output", str(folder / "core.zip"))
            _run(number, "model", str(bundle), "--output", str(folder / "model.zip"))
            _run(number, "functions", "--output", str(folder))
            for name, archive in _archives(folder, folder):
                digests[name].append(sha256(archive))
        sys.stdout.write(f"built again, {number} of {times}\n")
        sys.stdout.flush()
    return digests


def _archives(layers: Path, functions: Path) -> Iterator[tuple[str, Path]]:
    """Yield a name and a path of all archives."""
    parts = ("dependencies", "numpy", "decoder", "readers")
    for name in ("core", "model", *(f"{architecture}/{part}" for architecture in PLATFORMS for part in parts)):
        yield name, layers / f"{name}.zip"
    for name in FUNCTIONS:
        yield name, functions / f"{name}.zip"


def _run(seed: int, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "layers.build", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": str(seed)},
        check=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--extras", default="")
    parser.add_argument("--bundle", type=Path, default=BUILD / "bundle")
    arguments = parser.parse_args()
    digests = build_again(arguments.times, arguments.extras, arguments.bundle.resolve())
    for name, (first, *again) in digests.items():
        sys.stdout.write(f"{first}  {name}: the same in {again.count(first)} of {len(again)} builds\n")
    if differing := [name for name, (first, *again) in digests.items() if again.count(first) != len(again)]:
        raise SystemExit(f"built again, {', '.join(differing)} is not the same to the byte")


if __name__ == "__main__":
    main()
