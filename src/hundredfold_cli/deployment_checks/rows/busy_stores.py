"""What arrives when a table takes too few writes: as an error of our function, and of the state machine's own call.

Both limit the table to one write a second, which an on-demand table allows, and take the limit away again.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from hundredfold.batches import BatchFailure
from hundredfold_cli.deployment_checks.check import Check
from hundredfold_cli.deployment_checks.ingests import start_records
from hundredfold_cli.deployment_checks.polling import until
from hundredfold_cli.deployment_checks.row import Answer, CannotAskError
from hundredfold_cli.deployment_checks.stage import Stage
from hundredfold_cli.stack.deployment import Deployment

MAXIMUM = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode-max-throughput.html"
NO_LIMIT = -1
"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_OnDemandThroughput.html"""
TABLE_SECONDS = 300
RECORDS = 100
OUR_NAMES = frozenset({"OutOfTimeError", "StoreBusyError"})
STATE = "RecordBatchFailure"
ATTEMPTS = 40
"""Calls of TestState until one is throttled. Others write to the table meanwhile."""
WRITERS = 8
NO_THROTTLES = "it throttles no writes"


def judge_store(failures: Sequence[BatchFailure], done: int) -> Answer:
    """Judge the batches that were inferred while the predictions table took one write a second."""
    if not failures:
        return Answer(f"no batch failed, {done} were done", agrees=False)
    names = sorted({failure.error for failure in failures})
    return Answer(f"{', '.join(names)}: {failures[0].cause[:120]}", set(names) <= OUR_NAMES)


def judge_call(error: str | None, retried: Collection[str]) -> Answer:
    """Judge the name of a throttled write of the state machine's own: its Retry must list it."""
    if error is None:
        raise CannotAskError(f"none of {ATTEMPTS} writes was throttled")
    return Answer(f"{error}{'' if error in retried else ', which the Retry does not list'}", error in retried)


def retried_names(state: dict[str, Any]) -> set[str]:
    """Return the errors that a state retries."""
    return {name for retrier in state.get("Retry", []) for name in retrier["ErrorEquals"]}


def find_state(definition: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a state of a definition, wherever it is; raises KeyError if there is none of the name."""
    for key, state in definition["States"].items():
        if key == name:
            found: dict[str, Any] = state
            return found
        if "ItemProcessor" in state:
            try:
                return find_state(state["ItemProcessor"], name)
            except KeyError:
                continue
    raise KeyError(name)


@contextmanager
def one_write_a_second(deployment: Deployment, table: str) -> Iterator[None]:
    """Limit a table to one write a second while the context lasts."""
    _limit(deployment, table, 1)
    try:
        yield
    finally:
        _limit(deployment, table, NO_LIMIT)


def _limit(deployment: Deployment, table: str, writes: int) -> None:
    client: Any = deployment.dynamodb
    client.update_table(TableName=table, OnDemandThroughput={"MaxWriteRequestUnits": writes})

    def active() -> bool | None:
        return client.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE" or None

    if not until(active, TABLE_SECONDS):
        raise CannotAskError(f"table {table} did not take a limit of writes within {TABLE_SECONDS} s")


def _store(stage: Stage) -> Answer:
    stage.faulty_version  # noqa: B018 - its records are texts
    deployment = stage.deployment
    records = [{"id": f"busy-{number}", "text": f"harmless {number}"} for number in range(RECORDS)]
    stage.say("an ingest while the predictions table takes one write a second ...")
    with one_write_a_second(deployment, deployment.predictions_table):
        ended = stage.ended(start_records(deployment, records, stage.folder, "busy"))
    return judge_store(ended.failures, len(ended.done))


def _call(stage: Stage) -> Answer:
    deployment = stage.deployment
    machine = deployment.step_functions.describe_state_machine(stateMachineArn=deployment.state_machine)
    state = find_state(json.loads(machine["definition"]), STATE)
    stage.say("writes of the state machine while the ledger takes one a second ...")
    with one_write_a_second(deployment, deployment.ledger_table):
        return judge_call(_first_error(stage, state, machine["roleArn"]), retried_names(state))


def _first_error(stage: Stage, state: dict[str, Any], role: str) -> str | None:
    """Call the state by itself until a write is throttled; return the error's name as Step Functions has it."""
    once = {name: value for name, value in state.items() if name not in {"Retry", "Catch"}}
    client = stage.deployment.step_functions
    for number in range(ATTEMPTS):
        _write_at_once(stage.deployment)
        given = {
            "ingest_id": "check-throttled",
            "batch": {"batch": number, "shard": 0, "records": 1},
            "failure": {"Error": "Check", "Cause": "hundredfold check-deployment"},
        }
        result = client.test_state(definition=json.dumps(once), roleArn=role, input=json.dumps(given))
        if error := result.get("error"):
            return str(error)
    return None


def _write_at_once(deployment: Deployment) -> None:
    client = deployment.session.client(
        "dynamodb", endpoint_url=deployment.endpoint, config=Config(retries={"total_max_attempts": 1})
    )

    def write(number: int) -> None:
        try:
            key = {"ledger_key": {"S": "check-throttled#0"}, "entry": {"S": f"writer-{number}"}}
            client.put_item(TableName=deployment.ledger_table, Item=key)
        except ClientError:
            pass  # it is throttled, as it shall be

    with ThreadPoolExecutor(WRITERS) as writers:
        list(writers.map(write, range(WRITERS)))


BUSY_STORE = Check(
    "error-busy-store",
    "a busy predictions table arrives as OutOfTimeError or StoreBusyError",
    MAXIMUM,
    _store,
    not_local=NO_THROTTLES,
    needs_own_stack=True,
)
BUSY_LEDGER = Check(
    "error-busy-ledger",
    "a throttled write of the state machine arrives under a name that its Retry lists",
    MAXIMUM,
    _call,
    not_local=NO_THROTTLES,
    needs_own_stack=True,
)
