"""Starting an ingest, and the shadow of one."""

import json
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from hundredfold.aws.errors import error_code
from hundredfold.errors import IngestExistsError
from hundredfold.ingest import check_ingest_id, id_stem
from hundredfold.planning.shadows import Shadow
from hundredfold.sources.spec import SourceSpec
from hundredfold_cli.ingests.executions import find_execution
from hundredfold_cli.ingests.request import IngestRequest, Uploaded
from hundredfold_cli.stack.deployment import Deployment


def new_ingest_id(name: str) -> str:
    """Make an id from a name and the time: `records-20261124T041500`."""
    return f"{id_stem(name)}-{datetime.now(UTC):%Y%m%dT%H%M%S}"


def check_new(deployment: Deployment, ingest_id: str) -> None:
    """Check that an id can name a new ingest.

    Raises
    ------
    InvalidIngestError
        If it breaks the rules for names.
    IngestExistsError
        If it was used before.
    """
    check_ingest_id(ingest_id)
    if find_execution(deployment, ingest_id) or deployment.ledger.ingest(ingest_id):
        raise IngestExistsError(ingest_id)


def start_ingest(deployment: Deployment, request: IngestRequest, ingest_id: str, uploaded: Uploaded) -> SourceSpec:
    """Upload the records if they are here, start the execution that scores them, and return where they are.

    Parameters
    ----------
    request : which has been checked
    uploaded : called with the bytes of each chunk that was uploaded

    Raises
    ------
    InvalidIngestError, IngestExistsError
        As of `check_new`. Then nothing is uploaded or started.
    """
    check_new(deployment, ingest_id)
    spec = request.place(deployment, ingest_id, uploaded)
    _start_execution(deployment, ingest_id, {"source": spec.as_dict()})
    return spec


def start_shadow(deployment: Deployment, shadow: Shadow, spec: SourceSpec) -> None:
    """Start the shadow of an ingest that `start_ingest` has started.

    Raises
    ------
    IngestExistsError
        If it has this shadow already.
    """
    _start_execution(deployment, shadow.ingest_id, {"source": spec.as_dict(), "shadow": shadow.as_input()})


def _start_execution(deployment: Deployment, name: str, execution_input: dict[str, Any]) -> None:
    try:
        deployment.step_functions.start_execution(
            stateMachineArn=deployment.state_machine, name=name, input=json.dumps(execution_input)
        )
    except ClientError as error:
        if error_code(error) == "ExecutionAlreadyExists":
            raise IngestExistsError(name) from None
        raise
