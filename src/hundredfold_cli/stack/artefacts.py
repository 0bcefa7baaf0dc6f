"""The zip archives that are deployed: layers and functions, built by `layers/build.py`."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import hundredfold
from hundredfold.model.card import CARD, Card
from hundredfold_cli.errors import DeploymentError, NotThereError
from hundredfold_cli.stack.checkout import BUILD, BUILT, BUNDLE, IN_CHECKOUT, ROOT, unpack

_STAMPS = BUILD / "built.json"
"""What each archive was built from, as a digest."""
_ONE_LOCK = ("numpy", "decoder", "readers")
"""The layers of packages that have no extras."""
_PARTS = frozenset({"dependencies", *_ONE_LOCK, "core", "model", "functions"})


def run_builder(*arguments: str) -> None:
    """Run `layers/build.py`; raises DeploymentError, with what it printed, if it fails."""
    unpack()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "layers.build", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DeploymentError(f"cannot build {' '.join(arguments[:1])}:\n{done.stdout}{done.stderr}".strip())


def provide(bundle: Path | None, architecture: str, say: Callable[[str], None]) -> None:
    """See to it that all archives are there.

    A checkout builds them by `make build`. For an installed wheel this builds what is missing or out of date.

    Parameters
    ----------
    bundle : the model's folder, which `hundredfold model package` wrote; None takes the one of the last time
    architecture : of the functions, `x86_64` or `arm64`
    say : told what is being built, for a person

    Raises
    ------
    NotThereError
        If a checkout was not built, or no model was ever named.
    DeploymentError
        If something cannot be built.
    """
    if bundle:
        _keep(bundle)
    if IN_CHECKOUT:
        if bundle:
            run_builder("model", str(BUNDLE))
        if missing := [path.relative_to(ROOT) for path in BUILT if not path.exists()]:
            raise NotThereError(f"{missing[0]} is not there yet; run make build")
        return
    if not (BUNDLE / CARD).exists():
        raise NotThereError("no model was named yet: --bundle FOLDER; hundredfold model package makes such a folder")
    unpack()
    builders = [*(ROOT / "layers").glob("*.py")]
    locks = ROOT / "requirements"
    needed = Card.from_json((BUNDLE / CARD).read_bytes()).requires
    extras = [name for name in needed if (locks / f"extras/{name}.txt").exists()]  # what lacks, the check names
    package = Path(str(hundredfold.__file__)).parent
    _build(
        {
            ("--architecture", architecture, "dependencies", "--extras", " ".join(extras)): [
                locks / "dependencies.txt",
                *(locks / f"extras/{name}.txt" for name in extras),
            ],
            **{("--architecture", architecture, name): [locks / f"{name}.txt"] for name in _ONE_LOCK},
            ("core",): [locks / "core.txt", *sorted(package.rglob("*.py")), *sorted(package.rglob("*.json"))],
            ("model", str(BUNDLE)): sorted(path for path in BUNDLE.rglob("*") if path.is_file()),
            ("functions",): sorted(path for path in (ROOT / "functions").rglob("*.py")),
        },
        builders,
        say,
    )
    run_builder("check")


def provide_extras(requires: Iterable[str], architecture: str, say: Callable[[str], None]) -> None:
    """See to it that the dependencies layer has the extra packages that models need. Those that it has stay in it.

    Parameters
    ----------
    requires : the packages that the live model and the built one need, by their cards
    architecture : of the functions, `x86_64` or `arm64`
    say : told what is being built, for a person

    Raises
    ------
    DeploymentError
        If the layer cannot be built.
    """
    archive = BUILD / "layers/dependencies.zip"
    packages = archive.with_suffix(".packages.json")
    if not packages.exists():
        return
    there = set(json.loads(packages.read_text()).values())
    locked = {lock.stem for lock in (ROOT / "requirements/extras").glob("*.txt")}
    if lacking := sorted(locked & set(requires) - there):
        say(f"building the dependencies layer with {' and '.join(lacking)}, by the card of a model ...")
        extras = " ".join(sorted((locked & there) | set(lacking)))
        run_builder("--architecture", architecture, "dependencies", "--extras", extras, "--output", str(archive))


def _build(steps: dict[tuple[str, ...], list[Path]], builders: list[Path], say: Callable[[str], None]) -> None:
    """Run those steps whose inputs are not those of the last time."""
    stamps = json.loads(_STAMPS.read_text()) if _STAMPS.exists() and all(path.exists() for path in BUILT) else {}
    for arguments, inputs in steps.items():
        part = next(word for word in arguments if word in _PARTS)
        digest = _digest((*arguments, *(path.read_bytes() for path in (*sorted(builders), *inputs))))
        if stamps.get(part) != digest:
            say(f"building {part} ...")
            run_builder(*arguments)
            stamps[part] = digest
            _STAMPS.write_text(json.dumps(stamps, indent=2))


def _keep(bundle: Path) -> None:
    """Keep a bundle as the one that is deployed where no model is live yet."""
    if not (bundle / CARD).exists():
        raise NotThereError(f"{bundle} holds no bundle; make one with: hundredfold model package")
    if bundle.resolve() != BUNDLE:
        shutil.rmtree(BUNDLE, ignore_errors=True)
        shutil.copytree(bundle, BUNDLE)


def _digest(inputs: Iterable[str | bytes]) -> str:
    digest = hashlib.sha256()
    for item in inputs:
        content = item.encode() if isinstance(item, str) else item
        digest.update(f"{len(content)}\n".encode() + content)
    return digest.hexdigest()
