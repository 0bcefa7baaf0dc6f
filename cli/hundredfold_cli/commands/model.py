"""model: packaging a model, and its life on a deployed stack."""

from pathlib import Path
from typing import Annotated

import typer
from hundredfold.card import Input

from hundredfold_cli import show, show_models
from hundredfold_cli.packaging import package as package_bundle
from hundredfold_cli.packaging import read_bundle
from hundredfold_cli.project import ROOT
from hundredfold_cli.recipe import parse_fields, parse_pairs, read_recipe

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
