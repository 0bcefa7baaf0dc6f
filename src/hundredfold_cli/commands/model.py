"""model: packaging a model, and its life on a deployed stack."""

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from hundredfold.errors import BundleRefusedError, InvalidIngestError
from hundredfold.model.card import Card, Input
from hundredfold_cli import terminal as show
from hundredfold_cli.commands.options import AsJson, IngestId
from hundredfold_cli.errors import NotThereError
from hundredfold_cli.ingests.status import newest_ingest
from hundredfold_cli.models import terminal as show_models
from hundredfold_cli.models.comparison_chart import picture as draw
from hundredfold_cli.models.layers import layer_archive
from hundredfold_cli.models.packaging import package as package_bundle
from hundredfold_cli.models.packaging import read_bundle, user
from hundredfold_cli.models.recipe import parse_fields, parse_pairs, read_recipe
from hundredfold_cli.models.releases import Releases, Version
from hundredfold_cli.models.score import compare_bundles, write_records_of
from hundredfold_cli.models.shadows import report_shadow
from hundredfold_cli.stack.checkout import ROOT
from hundredfold_cli.stack.target import find_deployment

app = typer.Typer(no_args_is_help=True, help="Package a model, release it, compare it, and take it back.")


@app.command()
def package(
    paths: Annotated[
        list[Path],
        typer.Argument(help="The model's files in the order in which they are applied, or a folder with a model.toml."),
    ],
    name: Annotated[str, typer.Option(help="What it is called; the last file's name.")] = "",
    field: Annotated[
        list[str] | None,
        typer.Option("--field", help="name:type for each field, in order; types are text, number and category."),
    ] = None,
    input_: Annotated[Input | None, typer.Option("--input", help="How it is given a table of several fields.")] = None,
    output_name: Annotated[list[str] | None, typer.Option("--output-name", help="The name of each output.")] = None,
    requires: Annotated[list[str] | None, typer.Option(help="A package that it needs beside scikit-learn's.")] = None,
    trust: Annotated[list[str] | None, typer.Option(help="A type that a .skops file may hold.")] = None,
    sample: Annotated[Path | None, typer.Option(help="Records to predict, as JSON Lines; five are kept.")] = None,
    score: Annotated[list[str] | None, typer.Option(help="metric=…, value=…, on=…: how good it is.")] = None,
    notes: Annotated[str, typer.Option(help="Anything else to say of it.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The bundle's folder; build/models/<name> if none.")
    ] = None,
    allow_version_mismatch: Annotated[
        bool, typer.Option("--allow-version-mismatch", help="Package it although versions differ, and note that.")
    ] = False,
) -> None:
    """Load a model once in the environment of inference, and write its bundle: the files, and their card."""
    recipe = read_recipe(
        paths,
        {
            "name": name,
            "fields": parse_fields(field or []),
            "input": input_.value if input_ else "",
            "outputs": output_name,
            "requires": requires,
            "trusted": trust,
            "sample": str(sample.resolve()) if sample else "",
            "score": parse_pairs(score or [], "--score"),
            "notes": notes,
        },
    )
    folder = output or ROOT / "build/models" / recipe.name
    show.say(f"loading {', '.join(file.name for file in recipe.files)} in the environment of inference ...")
    package_bundle(recipe, folder, allow_version_mismatch=allow_version_mismatch)
    card, digest = read_bundle(folder)
    show_models.print_card(card, digest)
    if not card.sample:
        show.say("no sample was given: a release can only load it then, and not see it predict (--sample FILE)")
    show.say(f"the bundle is in {folder}; release it with: hundredfold model publish {folder}")


@app.command()
def publish(
    bundle: Annotated[Path, typer.Argument(help="A bundle's folder, as model package writes it.")],
    as_json: AsJson = False,
) -> None:
    """Make a bundle the live model: its layer, a version that predicts the card's sample, and then the alias."""
    card, digest = read_bundle(bundle)
    releases = Releases(find_deployment(), show.say)
    if releases.live() is None:
        raise NotThereError("nothing is live yet; deploy first: make up, or make deploy for AWS")
    show.say(f"building the layer of model {card.name} ...")
    by = card.made.get("by", "unknown")
    layer, new_layer = releases.layers.publish(layer_archive(bundle), f"{card.name[:80]}; card {digest}")
    try:
        version, new = releases.release(layer, card, digest, by)
    except BaseException:
        if new_layer:
            releases.layers.delete(layer)
        raise
    if as_json:
        show.print_json(_as_dict(version, releases))
    else:
        show.say(f"version {version.number} with model {card.name} {'is now' if new else 'was already'} live.")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the released versions, the newest first, and which one is live."""
    releases = Releases(find_deployment())
    live = releases.live()
    used = releases.in_use()
    versions = releases.versions()
    if as_json:
        show.print_json([_as_dict(version, releases) for version in versions])
        return
    rows = []
    for version in versions:
        name, card, by = version.told()
        marks = ["live"] if live and live.version == version.number else []
        if version.number in used:
            marks.append(f"{len(used[version.number])} running")
        rows.append((version.number, ", ".join(marks), name, card, version.published[:16].replace("T", " "), by))
    show_models.print_table(("version", "", "model", "card", "published", "by"), rows)


@app.command("show")
def show_(
    version: Annotated[str | None, typer.Argument(help="A version's number; the live one if none is named.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the card of a released version."""
    releases = Releases(find_deployment())
    found = _find(releases, version)
    card, digest = releases.layers.card(found.model_layer)
    if as_json:
        show.print_json({**_as_dict(found, releases), "card": json.loads(card.to_json())})
        return
    live = releases.live()
    more = {
        "version": found.number + (" (live)" if live and live.version == found.number else ""),
        "published": found.published,
        "layer": found.model_layer,
    }
    show_models.print_card(card, digest, more)


@app.command()
def diff(
    one: Annotated[str, typer.Argument(help="A version's number, or a bundle's folder.")],
    other: Annotated[str, typer.Argument(help="Another one.")],
    as_json: AsJson = False,
) -> None:
    """Show what differs between the cards of two versions or bundles."""
    lines = [show_models.card_lines(*_card(name)) for name in (one, other)]
    names = [name for name in {**lines[0], **lines[1]} if lines[0].get(name) != lines[1].get(name)]
    if as_json:
        show.print_json({name: [line.get(name) for line in lines] for name in names})
    elif names:
        rows = [(name, *(line.get(name, "-") for line in lines)) for name in names]
        show_models.print_table(("", one, other), rows)
    else:
        show.say(f"{one} and {other} have the same card")


@app.command()
def rollback(
    version: Annotated[
        str | None, typer.Argument(help="The version to go back to; the one that was live before if none is named.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an earlier model live again. Running ingests end on the version that they began with."""
    releases = Releases(find_deployment(), show.say)
    before = releases.live()
    found = releases.roll_back(version, user())
    if as_json:
        show.print_json(_as_dict(found, releases))
    else:
        was = f" (before: {before.version})" if before else ""
        show.say(f"version {found.number} with model {found.told()[0]} is live{was}.")


@app.command()
def prune(
    keep: Annotated[int, typer.Option(min=1, help="How many of the newest versions to keep.")],
    as_json: AsJson = False,
) -> None:
    """Delete old versions and their layers; never the live one, nor one that a running ingest is pinned to."""
    deleted, kept = Releases(find_deployment()).prune(keep)
    if as_json:
        show.print_json({"deleted": [version.number for version in deleted], "kept": kept})
        return
    for number, why in kept.items():
        show.say(f"version {number} stays: {why}")
    show.say(f"deleted: {', '.join(version.number for version in deleted) or 'none'}")


def _find(releases: Releases, version: str | None) -> Version:
    live = releases.live()
    if version is None and live is None:
        raise NotThereError("nothing is live yet; deploy first: make up, or make deploy for AWS")
    return releases.version(version or (live.version if live else ""))


def _card(name: str) -> tuple[Card, str]:
    if Path(name).is_dir():
        return read_bundle(Path(name))
    releases = Releases(find_deployment())
    return releases.layers.card(releases.version(name).model_layer)


def _as_dict(version: Version, releases: Releases) -> dict[str, Any]:
    live = releases.live()
    name, _, by = version.told()
    return {
        "version": version.number,
        "live": bool(live and live.version == version.number),
        "model": name,
        "card_sha256": version.card,
        "published": version.published,
        "by": by,
        "layers": list(version.layers),
        "model_layer": version.model_layer,
    }


@app.command()
def compare(
    one: Annotated[str, typer.Argument(help="A version's number, or a bundle's folder.")],
    other: Annotated[str, typer.Argument(help="Another one.")],
    ingest: Annotated[str | None, typer.Option(help="The ingest whose records are scored.")] = None,
    records: Annotated[Path | None, typer.Option(help="A file of records in its place, as JSON Lines.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Where to draw the comparison, as SVG.")] = None,
    as_json: AsJson = False,
) -> None:
    """Score the same records with two models, here, and show where they agree and where they do not."""
    if (ingest is None) == (records is None):
        raise InvalidIngestError("name the records by --ingest or by --records")
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        source = records or write_records_of(find_deployment(), str(ingest), here / "records.jsonl")
        found = compare_bundles(_unpacked(one, here / "one"), _unpacked(other, here / "other"), source)
    if picture:
        picture.write_text(draw(found, one, other), encoding="utf-8")
        show.say(f"drawn in {picture}")
    if as_json:
        show.print_json([comparison.as_dict() for comparison in found])
    else:
        show_models.print_comparisons(found, one, other)


def _unpacked(name: str, folder: Path) -> Path:
    if Path(name).is_dir():
        read_bundle(Path(name))
        return Path(name)
    folder.mkdir()
    releases = Releases(find_deployment())
    releases.layers.unpack(releases.version(name).model_layer, folder)
    _, digest = read_bundle(folder)
    released = releases.version(name).card
    if digest != released:
        raise BundleRefusedError(f"the card in the layer of version {name} is not the one that was released: {digest}")
    return folder


@app.command()
def shadow(ingest_id: IngestId = None, as_json: AsJson = False) -> None:
    """Compare what an ingest's shadow answered with what its live model did, and enter that into its summary."""
    deployment = find_deployment()
    name = ingest_id or newest_ingest(deployment)
    found = report_shadow(deployment, name)
    if as_json:
        show.print_json([comparison.as_dict() for comparison in found])
    else:
        show_models.print_comparisons(found, "live", "shadow")
