"""Packaging a model: its files and its card, in a folder that can be released (a bundle)."""

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hundredfold.errors import BundleRefusedError
from hundredfold.model.card import CARD, Card, card_digest
from hundredfold.model.engine import Engine
from hundredfold_cli.account import user
from hundredfold_cli.models.environment import has_lock, run_in_inference
from hundredfold_cli.models.known_packages import WHY_NOT, packages_of
from hundredfold_cli.models.pickled import read_model_file
from hundredfold_cli.models.recipe import Recipe

_DESCRIBE = "hundredfold_cli.models.describe"


def package(
    recipe: Recipe, folder: Path, *, allow_version_mismatch: bool = False, engine: Engine | None = None
) -> Card:
    """Write a bundle into `folder`, and return its card. The model is loaded to make the card.

    Parameters
    ----------
    engine : what shall run the model; None for its compiled form if it has one that passes the gate

    The same model, packaged again into the same folder, keeps its card to the byte. When and by whom it was made
    stays as it was, so that nothing is released twice.

    Raises
    ------
    BundleRefusedError
        If the model is not what its recipe says, or shall be compiled and cannot be. The message says what to do, and
        `folder` is left as it was.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / CARD).exists():
        raise BundleRefusedError(f"{folder} holds something other than a bundle; choose another folder with --output")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        unfinished = Path(temporary) / "bundle"
        unfinished.mkdir()
        for file in recipe.files:
            shutil.copyfile(file, unfinished / file.name)
        for name, file in recipe.code.items():
            (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, unfinished / name)
        described = _describe(recipe, unfinished, allow_version_mismatch=allow_version_mismatch, engine=engine)
        card = replace(
            described,
            files={name: _sha256(unfinished / name) for name in described.files},
            score=recipe.score,
            training=recipe.training,
            notes=recipe.notes,
        )
        card = replace(card, made=_made(card, folder))
        (unfinished / CARD).write_bytes(card.to_json())
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    return card


def read_bundle(folder: Path) -> tuple[Card, str]:
    """Return a bundle's card and the card's digest. The digest of each file is checked, and no file is opened.

    Raises
    ------
    BundleRefusedError
        If the card cannot be read, or a file is missing or is not the one that the card describes.
    """
    try:
        content = (folder / CARD).read_bytes()
    except OSError:
        raise BundleRefusedError(f"{folder} holds no bundle; make one with: hundredfold model package") from None
    card = Card.from_json(content)
    for name, expected in card.files.items():
        if not (folder / name).is_file():
            raise BundleRefusedError(f"the card in {folder} names {name}, which is not there; package the model again")
        digest = _sha256(folder / name)
        if digest != expected:
            raise BundleRefusedError(
                f"{folder / name} is not the file that its card describes (SHA-256 {digest}, on the card {expected}): "
                "it was damaged or replaced, so it is not opened; package the model again"
            )
    return card, card_digest(content)


def _describe(recipe: Recipe, folder: Path, *, allow_version_mismatch: bool, engine: Engine | None) -> Card:
    packages = _packages(recipe, folder)
    while True:
        request = {
            "name": recipe.name,
            "steps": [file.name for file in recipe.files],
            "signature": {"fields": recipe.fields} if recipe.fields else None,
            "input": recipe.input,
            "nullable": recipe.nullable,
            "optional": recipe.optional,
            "outputs": recipe.outputs,
            "requires": packages,
            "code": list(recipe.code),
            "trusted": recipe.trusted,
            "saved_with": dict(recipe.saved_with),
            "records": recipe.sample.records,
            "converts": recipe.sample.converts,
            "baseline": recipe.baseline.records,
            "baseline_converts": recipe.baseline.converts,
            "baseline_origin": recipe.baseline.name,
            "allow_version_mismatch": allow_version_mismatch,
            "engine": engine.value if engine else "",
        }
        request_file, findings = folder.parent / "request.json", folder.parent / "findings.json"
        request_file.write_text(json.dumps(request))
        process = run_in_inference(packages, _DESCRIBE, str(folder), str(request_file), str(findings))
        if not findings.exists():
            # It was killed, or ran out of memory.
            last = "\n".join(process.stderr.splitlines()[-5:])
            raise BundleRefusedError(f"the model could not be loaded (exit code {process.returncode}):\n{last}")
        content = findings.read_bytes()
        findings.unlink()
        if not process.returncode:
            return Card.from_json(content)
        problem = json.loads(content)
        needed = problem.get("needs")
        if needed is None or needed in packages:
            raise BundleRefusedError(str(problem.get("error", f"the model needs {needed}, which is not installed")))
        packages = (*packages, needed)


def _packages(recipe: Recipe, folder: Path) -> tuple[str, ...]:
    """Return the packages that the model needs: those that its owner names, and known ones that its files import."""
    if unfit := [name for name in recipe.requires if name in WHY_NOT]:
        raise BundleRefusedError(WHY_NOT[unfit[0]])
    modules = {module for file in recipe.files for module in read_model_file((folder / file.name).read_bytes()).modules}
    imported = packages_of(modules)
    if unlocked := [name for name in imported if not has_lock(name) and name not in recipe.packages]:
        raise BundleRefusedError(
            f"the model needs the package {unlocked[0]}, which has no lock in requirements/extras: run "
            f"make lock-extra NAME={unlocked[0]}, and package it again"
        )
    return tuple(dict.fromkeys((*recipe.packages, *imported)))


def _made(card: Card, folder: Path) -> dict[str, str]:
    existing = _existing_card(folder)
    if existing and replace(existing, made={}) == replace(card, made={}):
        return dict(existing.made)
    return {"at": _now().isoformat(timespec="seconds"), "by": user()}


def _existing_card(folder: Path) -> Card | None:
    try:
        return Card.from_json((folder / CARD).read_bytes())
    except (OSError, BundleRefusedError):
        return None


def _now() -> datetime:
    # https://reproducible-builds.org/specs/source-date-epoch/
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(epoch), UTC) if epoch.isdecimal() else datetime.now(UTC)


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
