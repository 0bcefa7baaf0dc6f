"""Arguments and options that several commands take."""

from typing import Annotated

import typer

IngestId = Annotated[str | None, typer.Argument(help="The ingest's id; the newest one if none is named.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]
