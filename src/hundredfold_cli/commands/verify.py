"""verify: does everything that is stored of an ingest agree with its source?"""

from datetime import UTC, datetime
from typing import Annotated

import typer
from botocore.exceptions import ClientError

from hundredfold.aws.errors import DENIED, error_code
from hundredfold_cli.commands.options import AsJson, IngestId, find_deployment
from hundredfold_cli.console import print_json, say
from hundredfold_cli.errors import ExitCode, OptionError
from hundredfold_cli.ingests.display import print_verification
from hundredfold_cli.ingests.scanning import cost_of_tables, may_scan
from hundredfold_cli.ingests.status import newest_ingest
from hundredfold_cli.ingests.verification.findings import Verification
from hundredfold_cli.ingests.verification.verify import verify_ingest
from hundredfold_cli.models.predict_again import Sample, predict_again
from hundredfold_cli.stack.deployment import Deployment


def verify(
    context: typer.Context,
    ingest_id: IngestId = None,
    again: Annotated[
        bool, typer.Option("--again", help="Predict records again here, with the ingest's model, and compare.")
    ] = False,
    sample: Annotated[
        str, typer.Option(metavar="N", help="How many records --again predicts, chosen by chance: a number, or all.")
    ] = "1000",
    scan: Annotated[
        bool | None,
        typer.Option("--scan/--no-scan", help="Scan the tables; without it, only if that costs a cent at most."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recount an ingest: does every record of the source have exactly one outcome, and is nothing else stored?

    It reads the source as it is now, and compares the plan, the manifest, the ledger, the predictions, the rejections
    and the summary with it. The exit code is 1 if something does not agree.
    """
    chosen = Sample(_sample_size(sample)) if again else Sample(0)
    deployment = find_deployment(context)
    name = ingest_id or newest_ingest(deployment)
    cost = cost_of_tables(deployment)
    scans = may_scan(deployment, cost, wanted=scan)
    say(f"{'scanning' if scans else 'not scanning'} the tables: {cost}")
    verification = verify_ingest(deployment, name, scan=scans, offer=chosen.offer if again else None)
    if chosen.kept and (plan := deployment.ledger.plan(name)):
        say(f"predicting {len(chosen.kept):,} of {chosen.offered:,} records again ...")
        predict_again(deployment, plan, chosen.kept, verification)
    _enter(deployment, name, verification)
    if as_json:
        print_json({"ingest_id": name, **verification.as_dict()})
    else:
        print_verification(verification, name)
    if not verification.ok:
        raise typer.Exit(ExitCode.INGEST_FAILED)


def _enter(deployment: Deployment, ingest_id: str, verification: Verification) -> None:
    """Enter the result into the ledger, where the summary shows it. Who may not write there may still verify."""
    entry = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "ok": verification.ok,
        "problems": verification.counts.total(),
        "overwritten": verification.overwritten,
    }
    try:
        deployment.ledger.enter_verification(ingest_id, entry)
    except ClientError as error:
        if error_code(error) not in DENIED:
            raise
        say("the ledger may not be written with these credentials: the summary will not show this result")


def _sample_size(sample: str) -> int | None:
    if sample == "all":
        return None
    if not sample.isdecimal() or int(sample) < 1:
        raise OptionError(f"--sample {sample} is no number of records; write a number, or all")
    return int(sample)
