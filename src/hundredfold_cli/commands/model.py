"""model: package a model, release it, compare it with others, and take it back."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from hundredfold.errors import InvalidIngestError
from hundredfold.model.card import Card, Input
from hundredfold.model.engine import Engine
from hundredfold_cli.account import user
from hundredfold_cli.commands.options import (
    AsJson,
    DryRun,
    IngestId,
    Yes,
    check_confirmed,
    find_deployment,
    parse_pairs,
)
from hundredfold_cli.console import print_json, print_line, print_table, say
from hundredfold_cli.errors import OptionError
from hundredfold_cli.ingests.outcomes import write_source_records
from hundredfold_cli.ingests.status import ingest_status, newest_ingest
from hundredfold_cli.models.compare_bundles import compare_bundles
from hundredfold_cli.models.display import card_lines, different_lines, print_card, print_comparisons
from hundredfold_cli.models.engines import unpack_version, with_engine
from hundredfold_cli.models.inferred import CORRECT_IT
from hundredfold_cli.models.layers import layer_archive
from hundredfold_cli.models.packaging import package as package_bundle
from hundredfold_cli.models.packaging import read_bundle
from hundredfold_cli.models.pruning import Pruner
from hundredfold_cli.models.recipe import parse_fields, read_recipe
from hundredfold_cli.models.releases import Releases
from hundredfold_cli.models.shadows import report_shadow
from hundredfold_cli.pages.comparison import check_picture, write_comparison
from hundredfold_cli.stack.checkout import OUTPUT
from hundredfold_cli.stack.contents import contents_of

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Package a model, release it, compare it with others, and take it back.",
)

ModelName = Annotated[str, typer.Argument(help="The number of a version, or the folder of a bundle.")]


@app.command()
def package(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="The model's files in the order in which they are applied, or a folder with model.toml or of MLflow."
        ),
    ],
    name: Annotated[str, typer.Option(help="What the model is called; without it, as the last file.")] = "",
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            metavar="NAME:TYPE",
            help="A field that the model reads, in its order; repeat it for each. Types: text, number, category. "
            "Without it, the fields are inferred.",
        ),
    ] = None,
    input_: Annotated[
        Input | None,
        typer.Option(
            "--input",
            metavar="TYPE",
            help="How the model gets several fields: array, dataframe or categorical. Without it, it is inferred.",
        ),
    ] = None,
    nullable: Annotated[
        list[str] | None, typer.Option(metavar="FIELD", help="A field that may be null or empty; may be repeated.")
    ] = None,
    optional: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD", help="A field that a record may leave out, as if it were null; may be repeated."),
    ] = None,
    output_name: Annotated[
        list[str] | None, typer.Option("--output-name", help="The name of an output; may be repeated.")
    ] = None,
    requires: Annotated[
        list[str] | None, typer.Option(help="A package that the model needs beside scikit-learn; may be repeated.")
    ] = None,
    code: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="A Python file, or a folder of them, with classes and functions of the model; may be repeated.",
        ),
    ] = None,
    trust: Annotated[
        list[str] | None, typer.Option(help="A type that a .skops file may hold; may be repeated.")
    ] = None,
    sample: Annotated[
        Path | None,
        typer.Option(
            help="Records like those to score: JSON Lines, CSV, Parquet or a pickled DataFrame. The card keeps five."
        ),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            help="Records to measure the drift of ingests from, such as those of the training; in a sample's formats."
        ),
    ] = None,
    score: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="How good the model is: metric=…, value=… and on=…, one at a time."),
    ] = None,
    notes: Annotated[str, typer.Option(help="Any other text for the card.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The bundle's folder; without it, build/models/NAME.")
    ] = None,
    allow_version_mismatch: Annotated[
        bool,
        typer.Option("--allow-version-mismatch", help="Package it although versions differ. The card says which."),
    ] = False,
    engine: Annotated[
        Engine | None,
        typer.Option(
            metavar="NAME",
            help="What runs the model: compiled or scikit-learn. Without it, compiled if that passes the gate.",
        ),
    ] = None,
) -> None:
    """Make a bundle of a model: its files, and a card that says what it is.

    The model is loaded once to make the card, in an environment with the packages that inference has.
    """
    recipe = read_recipe(
        paths,
        {
            "name": name,
            "fields": parse_fields(field or []),
            "input": input_.value if input_ else "",
            "nullable": nullable,
            "optional": optional,
            "outputs": output_name,
            "requires": requires,
            "code": [str(path.resolve()) for path in code or []],
            "trusted": trust,
            "sample": str(sample.resolve()) if sample else "",
            "baseline": str(baseline.resolve()) if baseline else "",
            "score": parse_pairs(score or [], "--score"),
            "notes": notes,
        },
    )
    folder = output or OUTPUT / "models" / recipe.name
    say(f"loading {', '.join(file.name for file in recipe.files)} in the environment of inference ...")
    package_bundle(recipe, folder, allow_version_mismatch=allow_version_mismatch, engine=engine)
    card, digest = read_bundle(folder)
    print_card(card, digest)
    if card.inferred:
        say(f"inferred: {'; '.join(card.inferred)}")
        say(f"to {CORRECT_IT}")
    if card.sample.get("made_up"):
        say("there is no sample: a release predicts records that were made up; give real ones with --sample FILE")
    say(f"the bundle is in {folder}; release it with: hundredfold model publish {folder}")


@app.command()
def publish(
    context: typer.Context,
    bundle: Annotated[
        str, typer.Argument(help="A bundle's folder, as `model package` writes it, or the number of a version.")
    ],
    engine: Annotated[
        Engine | None,
        typer.Option(metavar="NAME", help="What runs the model: compiled or scikit-learn. Without it, as on its card."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a bundle the live model.

    Its layer is published, and then a version of the inference function. That version predicts the sample on the
    model's card. It goes live only if it answers as the card says.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = _bundle(context, bundle, Path(temporary) / "released") if bundle.isdecimal() else Path(bundle)
        if engine:
            folder = with_engine(folder, engine, Path(temporary) / "changed")
        card, digest = read_bundle(folder)
        releases = Releases(find_deployment(context), say)
        releases.require_live()
        say(f"building the layer of model {card.name} ...")
        version, is_new = releases.publish(layer_archive(folder), card, digest)
    if as_json:
        print_json(version.as_dict(releases.live()))
    else:
        say(f"version {version.number} with model {card.name} {'is now' if is_new else 'was already'} live.")


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the released versions, the newest first, and which one is live."""
    releases = Releases(find_deployment(context))
    live = releases.live()
    running = releases.running()
    versions = releases.versions()
    if as_json:
        print_json([version.as_dict(live) for version in versions])
        return
    rows = []
    for version in versions:
        marks = ["live"] if live and live.version == version.number else []
        if version.number in running:
            marks.append(f"{len(running[version.number])} running")
        published = version.published[:16].replace("T", " ")
        rows.append(
            (version.number, ", ".join(marks), version.model_name, version.short_card, published, version.published_by)
        )
    print_table(("version", "", "model", "card", "published", "by"), rows)


@app.command("show")
def show_(
    context: typer.Context,
    version: Annotated[str | None, typer.Argument(help="The number of a version; without it, the live one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the card of a released version."""
    releases = Releases(find_deployment(context))
    live = releases.live() if version else releases.require_live()
    released = releases.version(version or (live.version if live else ""))
    card, digest = releases.layers.card(released.model_layer)
    if as_json:
        print_json({**released.as_dict(live), "card": json.loads(card.to_json())})
        return
    is_live = live is not None and live.version == released.number
    first_lines = {
        "version": released.number + (" (live)" if is_live else ""),
        "published": released.published,
        "layer": released.model_layer,
    }
    print_card(card, digest, first_lines)


@app.command()
def diff(context: typer.Context, first: ModelName, second: ModelName, as_json: AsJson = False) -> None:
    """Show what differs between the cards of two versions or bundles."""
    lines = different_lines(card_lines(*_read_card(context, first)), card_lines(*_read_card(context, second)))
    if as_json:
        print_json(lines)
    elif lines:
        rows = [(name, values[0] or "-", values[1] or "-") for name, values in lines.items()]
        print_table(("", first, second), rows)
    else:
        say(f"{first} and {second} have the same card")


@app.command()
def rollback(
    context: typer.Context,
    version: Annotated[
        str | None,
        typer.Argument(help="The number of the version to go back to; without it, the one that was live before."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an earlier model live again. Running ingests end with the version that they began with."""
    releases = Releases(find_deployment(context), say)
    before = releases.live()
    released = releases.roll_back(version, user())
    if as_json:
        print_json(released.as_dict(releases.live()))
    else:
        was = f" (before: {before.version})" if before else ""
        say(f"version {released.number} with model {released.model_name} is live{was}.")


@app.command()
def prune(
    context: typer.Context,
    keep: Annotated[int, typer.Option(min=1, help="How many of the newest versions to keep.")],
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Delete old versions, and the layers and uploads that nothing uses then. It says what it will delete, and asks.

    The live version and those of ingests that are not finished are kept, and so is every layer that a kept version
    uses.
    """
    deployment = find_deployment(context)
    pruner = Pruner(deployment, Releases(deployment), contents_of(deployment), say)
    pruning = pruner.plan(keep)
    for number, why in pruning.kept.items():
        say(f"version {number} stays: {why}")
    if pruning.is_empty:
        say("there is nothing to delete")
    elif not dry_run:
        if not yes:
            say("\n".join(["this will be deleted:", *(f"  {line}" for line in pruning.lines())]))
            check_confirmed("delete it? [y/N]")
        pruning = pruner.prune(keep, pruning)
    if as_json:
        print_json({**pruning.as_dict(), "dry_run": dry_run})
    else:
        heading = "this would be deleted:" if dry_run else "deleted:"
        print_line("\n".join([heading, *(f"  {line}" for line in pruning.lines() or ["nothing"])]))


@app.command()
def compare(
    context: typer.Context,
    first: ModelName,
    second: ModelName,
    ingest: Annotated[str | None, typer.Option(metavar="INGEST", help="Score the records of this ingest.")] = None,
    records: Annotated[Path | None, typer.Option(help="Score the records of this file, which is JSON Lines.")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the comparison into this file: a page (.html), or a picture of it (.png).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score the same records with two models, here, and show where their answers differ.

    Name the records by --ingest or by --records. Both models are loaded on this machine.
    """
    if (ingest is None) == (records is None):
        raise OptionError("name the records by --ingest or by --records")
    if picture:
        check_picture(picture)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        file = records or _write_ingest_records(context, str(ingest), folder / "records.jsonl")
        bundles = _bundle(context, first, folder / "first"), _bundle(context, second, folder / "second")
        comparisons = compare_bundles(*bundles, file)
    if picture:
        write_comparison(comparisons, first, second, picture)
        say(f"drawn in {picture}")
    if as_json:
        print_json([comparison.as_dict() for comparison in comparisons])
    else:
        print_comparisons(comparisons, first, second)


@app.command()
def shadow(context: typer.Context, ingest_id: IngestId = None, as_json: AsJson = False) -> None:
    """Compare the answers of an ingest's shadow with those of its live model.

    The number of records on which they disagree goes into the ingest's summary.
    """
    deployment = find_deployment(context)
    comparisons = report_shadow(deployment, ingest_id or newest_ingest(deployment))
    if as_json:
        print_json([comparison.as_dict() for comparison in comparisons])
    else:
        print_comparisons(comparisons, "live", "shadow")


def _read_card(context: typer.Context, model: str) -> tuple[Card, str]:
    """Return the card of a version or a bundle, and the card's digest."""
    if Path(model).is_dir():
        return read_bundle(Path(model))
    releases = Releases(find_deployment(context))
    return releases.layers.card(releases.version(model).model_layer)


def _bundle(context: typer.Context, model: str, folder: Path) -> Path:
    """Return the folder of a bundle whose files were checked. The bundle of a version is unpacked into `folder`."""
    if Path(model).is_dir():
        read_bundle(Path(model))
        return Path(model)
    return unpack_version(Releases(find_deployment(context)), model, folder)


def _write_ingest_records(context: typer.Context, ingest_id: str, file: Path) -> Path:
    deployment = find_deployment(context)
    plan = ingest_status(deployment, ingest_id).plan
    if plan is None:
        raise InvalidIngestError(f"ingest {ingest_id} was never planned, so it has no records to compare on")
    write_source_records(deployment, plan, file)
    return file
