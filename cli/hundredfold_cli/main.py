"""The `hundredfold` command: the local stack, and ingests on it or on AWS."""

import csv
import json
import os
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TextIO

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from hundredfold.adapters.clients import error_code
from hundredfold.errors import HundredfoldError, IngestNotFoundError, InvalidIngestError
from hundredfold.outcomes import BatchOutcome, Status

from hundredfold_cli import show
from hundredfold_cli.deployment import STACK_NAME, Deployment, deploy_locally
from hundredfold_cli.failures import DeploymentError, ExitCode, NotThereError
from hundredfold_cli.follow import follow
from hundredfold_cli.ingests import Standing, check_file, new_ingest_id, newest_ingest, standing, start_ingest
from hundredfold_cli.local_stack import LocalStack
from hundredfold_cli.outcomes_read import (
    find_rejection,
    read_all_rejections,
    read_batches,
    read_manifest,
    read_prediction,
)
from hundredfold_cli.project import LOCAL
from hundredfold_cli.verification import verify as recount

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Batch inference for scikit-learn models on AWS Step Functions and layered Lambda.",
    epilog="Exit codes: 0 done, 1 the ingest failed or does not add up, 2 bad input, 3 stack or ingest not there, "
    "4 AWS or the local stack refused, 130 Ctrl-C.",
)


class Target(StrEnum):
    """Where the commands work."""

    LOCAL = "local"
    AWS = "aws"


class Format(StrEnum):
    """How results are exported."""

    JSONL = "jsonl"
    CSV = "csv"


class _Options:
    target = Target.LOCAL
    stack = STACK_NAME


@app.callback()
def options(
    target: Annotated[
        Target,
        typer.Option(
            envvar="HUNDREDFOLD_TARGET", help="The local stack, or AWS with the usual credentials and region."
        ),
    ] = Target.LOCAL,
    stack: Annotated[
        str, typer.Option(envvar="HUNDREDFOLD_STACK", help="The CloudFormation stack's name.")
    ] = STACK_NAME,
    debug: Annotated[  # noqa: ARG001 - taken by run(), wherever it stands
        bool, typer.Option("--debug", help="Show the traceback of an error; may stand anywhere.")
    ] = False,
) -> None:
    _Options.target = target
    _Options.stack = stack


IngestId = Annotated[str | None, typer.Argument(help="The ingest's id; the newest one if none is named.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]

# ---------------------------------------------------------------- the local stack


@app.command()
def up() -> None:
    """Start the local stack, and deploy the template to it. Done again, it deploys what has changed."""
    stack = LocalStack(LOCAL)
    if stack.running() is None:
        show.say("starting the local stack ...")
    process = stack.start()
    show.say(f"deploying infra/template.yaml to {process.endpoint} ...")
    deploy_locally(process, LOCAL / "deploy.log")
    show.say("deployed.")


@app.command()
def down() -> None:
    """Stop the local stack. What was in it is gone."""
    show.say("stopped." if LocalStack(LOCAL).stop() else "the local stack was not running.")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say whether the local stack runs, and how to look around in it."""
    process = LocalStack(LOCAL).running()
    if as_json:
        show.print_json(
            {"running": bool(process)} | ({"endpoint": process.endpoint, "pid": process.pid} if process else {})
        )
        return
    if process is None:
        raise NotThereError("the local stack is not running; start it with: make up")
    show.out.print(
        f"""The local stack is up at {process.endpoint} (process {process.pid}, log {_short(LocalStack(LOCAL).log)}).
Look around in it with
  .venv/bin/hundredfold summary          the newest ingest
  .venv/bin/hundredfold results          all of its predictions (--id for one record, --rejected for the others)
  .venv/bin/hundredfold verify           recount it from the tables and the source
  .venv/bin/hundredfold ingest FILE      score other records; --help lists the rest
or with any AWS client: export {" ".join(f"{name}={value}" for name, value in process.environment().items())}
make down ends it.""",
        soft_wrap=True,
        markup=False,
    )


# ---------------------------------------------------------------- ingests


@app.command()
def ingest(
    file: Annotated[Path, typer.Argument(help='Records as JSON Lines: {"id": "...", and the model\'s fields}.')],
    ingest_id: Annotated[str | None, typer.Option("--id", help="The ingest's id; made from the file's name.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait for its end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Upload a file of records, start one execution that scores them, and follow it to its end."""
    size = check_file(file)
    deployment = _deployment()
    name = ingest_id if ingest_id is not None else new_ingest_id(file)
    show.say(f"uploading {file.name} ({size:,} bytes) as ingest {name} ...")
    start_ingest(deployment, file, name, uploaded=lambda _: None)
    if detach:
        show.say(f"started; follow it with: hundredfold watch {name}")
        if as_json:
            show.print_json({"ingest_id": name, "status": Status.RUNNING.value})
        return
    _follow(deployment, name, as_json=as_json)


@app.command()
def watch(ingest_id: IngestId = None, as_json: AsJson = False) -> None:
    """Follow an ingest to its end, and show its summary."""
    deployment = _deployment()
    _follow(deployment, ingest_id or newest_ingest(deployment), as_json=as_json)


@app.command()
def summary(ingest_id: IngestId = None, as_json: AsJson = False) -> None:
    """Show what became of an ingest, or how far it has got."""
    deployment = _deployment()
    _show_standing(deployment, standing(deployment, ingest_id or newest_ingest(deployment)), as_json=as_json)


@app.command()
def verify(ingest_id: IngestId = None, as_json: AsJson = False) -> None:
    """Recount an ingest from the source, the tables and the rejections: exactly one outcome for each record?"""
    deployment = _deployment()
    name = ingest_id or newest_ingest(deployment)
    now = standing(deployment, name)
    if not now.ended:
        raise InvalidIngestError(f"ingest {name} is still running; verify it when it has ended")
    if now.plan is None:
        raise InvalidIngestError(f"ingest {name} was never planned, so there is nothing to recount")
    entries = deployment.ledger.entries(name)
    done = {entry.batch for entry in entries if isinstance(entry, BatchOutcome)}
    batches = read_manifest(deployment, now.plan)
    found = recount(read_batches(deployment, now.plan, batches), done, now.summary)
    if as_json:
        show.print_json({"ingest_id": name, **found.as_dict()})
    else:
        show.print_verification(found, name)
    if not found.ok:
        raise typer.Exit(ExitCode.INGEST_FAILED)


@app.command()
def results(
    ingest_id: IngestId = None,
    record_id: Annotated[str | None, typer.Option("--id", help="Only this record's.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="How to write them.")] = Format.JSONL,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file; standard output if none.")] = None,
    rejected: Annotated[bool, typer.Option("--rejected", help="The rejections in place of the predictions.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look up one record's outcome, or export all predictions (or rejections) in the order of the source."""
    deployment = _deployment()
    name = ingest_id or newest_ingest(deployment)
    now = standing(deployment, name)
    if now.plan is None:
        raise InvalidIngestError(f"ingest {name} has no results: it was never planned")
    if record_id is not None:
        outcome = read_prediction(deployment, name, record_id) or find_rejection(deployment, now.plan, record_id)
        if outcome is None:
            raise NotThereError(f"ingest {name} has no outcome for a record {record_id!r}")
        show.print_json(outcome)
        return
    if rejected:
        rows: Iterable[dict[str, Any]] = read_all_rejections(deployment, now.plan)
    else:
        rows = _predictions_in_order(deployment, now)
    writer = _write_csv if format_ is Format.CSV and not as_json else _write_jsonl
    if output is None:
        count = writer(rows, sys.stdout)
    else:
        # A name of its own until it is whole: a file that is there is complete.
        unfinished = output.with_name(output.name + ".unfinished")
        try:
            with unfinished.open("w", encoding="utf-8", newline="") as file:
                count = writer(rows, file)
            unfinished.replace(output)
        except OSError as error:
            raise InvalidIngestError(f"cannot write {output}: {error.strerror}") from None
        finally:
            unfinished.unlink(missing_ok=True)
    show.say(f"{count:,} {'rejections' if rejected else 'predictions'} of {name}")


# ---------------------------------------------------------------- what they share


def _deployment() -> Deployment:
    if _Options.target is Target.AWS:
        return Deployment.find(boto3.Session(), None, _Options.stack)
    process = LocalStack(LOCAL).running()
    if process is None:
        raise NotThereError("the local stack is not running; start it with make up, or use --target aws")
    environment = process.environment()
    session = boto3.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_REGION"],
    )
    return Deployment.find(session, process.endpoint, _Options.stack)


def _follow(deployment: Deployment, ingest_id: str, *, as_json: bool) -> None:
    try:
        now = follow(deployment, ingest_id)
    except KeyboardInterrupt:
        show.say(f"\nthe ingest goes on; come back to it with: hundredfold watch {ingest_id}")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    _show_standing(deployment, now, as_json=as_json)
    if now.summary["status"] != Status.COMPLETED:
        raise typer.Exit(ExitCode.INGEST_FAILED)


def _show_standing(deployment: Deployment, now: Standing, *, as_json: bool) -> None:
    if as_json:
        show.print_json(now.summary)
        return
    show.print_summary(now.summary, deployment.predictions_table)
    if now.plan and now.summary["predicted"]:
        batches = read_manifest(deployment, now.plan)
        show.print_sample(list(read_batches(deployment, now.plan, batches[:: max(1, len(batches) // 5)][:5])))


def _predictions_in_order(deployment: Deployment, now: Standing) -> Iterator[dict[str, Any]]:
    if now.plan is None:
        return
    for read in read_batches(deployment, now.plan, read_manifest(deployment, now.plan)):
        for line in read.lines:
            if line.number not in read.rejections and line.record_id in read.predictions:
                yield read.predictions[str(line.record_id)]


_COLUMNS = ("record_id", "label", "score", "model_version", "predicted_at", "batch")
_REJECTION_COLUMNS = ("record_id", "batch", "line", "offset", "reason", "detail")


def _write_jsonl(rows: Iterable[dict[str, Any]], file: TextIO) -> int:
    count = 0
    for count, row in enumerate(rows, start=1):
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return count


def _write_csv(rows: Iterable[dict[str, Any]], file: TextIO) -> int:
    count = 0
    writer = csv.writer(file)
    columns: tuple[str, ...] = ()
    for count, row in enumerate(rows, start=1):
        if not columns:
            columns = _REJECTION_COLUMNS if "reason" in row else _COLUMNS
            writer.writerow(columns)
        writer.writerow([row[column] for column in columns])
    return count


def _short(path: Path) -> str:
    return os.path.relpath(path)


def run() -> None:
    """Run the command; an error is one line, and the exit code says what kind it was."""
    try:
        app([argument for argument in sys.argv[1:] if argument != "--debug"])
    except Exception as error:
        if "--debug" in sys.argv[1:]:
            raise
        raise SystemExit(_explain(error)) from None


def _explain(error: Exception) -> ExitCode:
    match error:
        case NotThereError() | IngestNotFoundError():
            return _say(str(error), ExitCode.NOT_THERE)
        case DeploymentError():
            return _say(str(error), ExitCode.SERVICE_ERROR)
        case HundredfoldError():
            return _say(str(error), ExitCode.BAD_INPUT)
        case ClientError():
            return _say(f"{error.operation_name} was refused: {error_code(error)}", ExitCode.SERVICE_ERROR)
        case BotoCoreError():
            return _say(str(error), ExitCode.SERVICE_ERROR)
        case _:
            return _say(f"{type(error).__name__}: {error} (--debug shows where)", ExitCode.SERVICE_ERROR)


def _say(message: str, code: ExitCode) -> ExitCode:
    show.complain(message)
    return code


if __name__ == "__main__":
    run()
