"""Starting an ingest, and the shadow of one.

A start claims its id in the ledger before it writes anything else. So an id has one start, whose records are scored.
The claim ends when the ingest begins, or when the start is interrupted. A command that is killed leaves its claim, and
another start can take the id from it on request. The token of the claim is in the execution's input. So no two starts
have the same input, and Step Functions answers neither with the execution of the other.
"""

import json
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from hundredfold.aws.errors import error_code
from hundredfold.errors import HundredfoldError, IngestExistsError
from hundredfold.ingest import MAX_REJECTED, Claim, check_ingest_id, claim_from_input, id_stem
from hundredfold.planning.shadows import Shadow
from hundredfold.sources.spec import SourceSpec
from hundredfold_cli.account import user_and_host
from hundredfold_cli.ingests.executions import find_execution, wait_for_execution
from hundredfold_cli.ingests.request import IngestRequest, Uploaded
from hundredfold_cli.stack.deployment import Deployment

_STEM_CHARACTERS = 40
"""With time and suffix, an automatic id has up to 65 characters. The names of its shadows and resumes are longer."""


def new_ingest_id(name: str) -> str:
    """Make an id from a name, the time and a random suffix: `records-20261124T041500-5f0c93ae`."""
    return f"{id_stem(name, _STEM_CHARACTERS)}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


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


def start_ingest(
    deployment: Deployment,
    request: IngestRequest,
    ingest_id: str,
    uploaded: Uploaded,
    *,
    reclaim: bool = False,
    max_rejected_percent: float | None = None,
) -> SourceSpec:
    """Upload the records if they are here, start the execution that scores them, and return where they are.

    Parameters
    ----------
    request : which has been checked
    uploaded : called with the bytes of each chunk that was uploaded
    reclaim : take the id from an earlier start that has claimed it and has not begun
    max_rejected_percent : the share of the records that may be rejected; None for the stack's own limit

    Raises
    ------
    InvalidIngestError
        If the id breaks the rules for names.
    IngestExistsError
        If the id was used before. If another client starts an ingest with it during the upload, nothing is started.
    IngestClaimedError
        If another start has claimed the id. Then nothing is uploaded, unless it has taken the id from this start.
    """
    check_new(deployment, ingest_id)
    claim = Claim(secrets.token_hex(8), user_and_host(), datetime.now(UTC).isoformat(timespec="seconds"))
    try:
        deployment.ledger.claim(ingest_id, claim, reclaim=reclaim)
        spec = request.place(deployment, ingest_id, claim.token, uploaded)
        deployment.ledger.claim(ingest_id, claim)  # refused if the id was taken from this start meanwhile
        limit = {} if max_rejected_percent is None else {MAX_REJECTED: max_rejected_percent}
        _start_claimed(deployment, ingest_id, {"source": spec.as_dict(), **limit}, claim)
    except BaseException:
        with suppress(HundredfoldError, ClientError):  # a claim that stays can be taken by another start
            deployment.ledger.release_claim(ingest_id, claim)
        raise
    return spec


def start_shadow(deployment: Deployment, shadow: Shadow, spec: SourceSpec) -> None:
    """Start the shadow of an ingest that `start_ingest` has started.

    Raises
    ------
    IngestExistsError
        If it has this shadow already.
    """
    _start_execution(deployment, shadow.ingest_id, {"source": spec.as_dict(), "shadow": shadow.as_input()})


def _start_claimed(deployment: Deployment, ingest_id: str, request: dict[str, Any], claim: Claim) -> None:
    try:
        _start_execution(deployment, ingest_id, {**request, "claim": claim.token})
    except IngestExistsError:
        # The answer to a first attempt may have been lost, and botocore tried again.
        execution = wait_for_execution(deployment, ingest_id)
        if execution is None or claim_from_input(json.loads(execution["input"])) != claim.token:
            raise


def _start_execution(deployment: Deployment, name: str, execution_input: dict[str, Any]) -> None:
    try:
        deployment.step_functions.start_execution(
            stateMachineArn=deployment.state_machine, name=name, input=json.dumps(execution_input)
        )
    except ClientError as error:
        if error_code(error) == "ExecutionAlreadyExists":
            raise IngestExistsError(name) from None
        raise
    wait_for_execution(deployment, name)
