"""A bundle by its other engine: what was compiled can always be run by scikit-learn, because its files are kept."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from hundredfold.errors import BundleRefusedError
from hundredfold.model.card import CARD
from hundredfold.model.engine import Engine, EngineChoice
from hundredfold_cli.models.layers import layer_archive
from hundredfold_cli.models.packaging import read_bundle
from hundredfold_cli.models.releases import Releases, Version


def with_engine(bundle: Path, engine: Engine, folder: Path) -> Path:
    """Return the folder of a bundle whose card names `engine`. If its own does not, it is copied into `folder`.

    Raises
    ------
    BundleRefusedError
        If the bundle shall be compiled, and is not. Only `model package` compiles, because it compares the answers.
    """
    card, _ = read_bundle(bundle)
    if card.engine.engine is engine:
        return bundle
    if engine is Engine.COMPILED:
        why = f" ({card.engine.reason})" if card.engine.reason else ""
        raise BundleRefusedError(
            f"model {card.name} is not compiled{why}; package its files with: "
            "hundredfold model package --engine compiled"
        )
    folder.mkdir()
    for name in card.files:
        shutil.copyfile(bundle / name, folder / name)
    (folder / CARD).write_bytes(replace(card, engine=EngineChoice(reason="it was asked for")).to_json())
    return folder


def unpack_version(releases: Releases, number: str, folder: Path) -> Path:
    """Write the bundle of a version into `folder`, and return the folder. Its files are checked.

    Raises
    ------
    BundleRefusedError
        If the card in the version's layer is not the one that was released.
    NotThereError
        If there is no such version.
    """
    version = releases.version(number)
    folder.mkdir()
    releases.layers.unpack(version.model_layer, folder)
    _, digest = read_bundle(folder)
    if digest != version.card:
        raise BundleRefusedError(
            f"the card in the layer of version {number} is not the one that was released: {digest}"
        )
    return folder


def stage_live_model(releases: Releases, engine: Engine) -> Version:
    """Return a version with the live model by another engine. It is published if there is none; the live one stays.

    Raises
    ------
    BundleRefusedError
        As of `with_engine`, or if the live model has this engine already.
    NotThereError
        If nothing is live.
    ReleaseRefusedError, ReleaseLockedError
        As of `Releases.stage`.
    """
    live = releases.require_live().version
    with tempfile.TemporaryDirectory() as temporary:
        bundle = unpack_version(releases, live, Path(temporary) / "live")
        changed = with_engine(bundle, engine, Path(temporary) / "changed")
        if changed == bundle:
            raise BundleRefusedError(f"the live model, version {live}, is run by {engine} itself: name a version")
        return releases.stage(layer_archive(changed), *read_bundle(changed))
