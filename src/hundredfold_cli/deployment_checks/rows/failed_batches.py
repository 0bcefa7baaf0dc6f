"""What a batch that fails does to the others, and the names under which its errors arrive."""

from collections.abc import Collection, Sequence

from hundredfold.batches import BatchFailure
from hundredfold_cli.deployment_checks import faulty_model
from hundredfold_cli.deployment_checks.check import Check
from hundredfold_cli.deployment_checks.ingests import EndedIngest
from hundredfold_cli.deployment_checks.row import Answer
from hundredfold_cli.deployment_checks.stage import HARMLESS, Stage

HARMS = (faulty_model.KILL, faulty_model.FILL, faulty_model.SLEEP)
"""In the order of their batches, which follow the harmless ones."""
MEASURED = "https://github.com/floci-io/floci/issues/3314"
"""Errors of Lambda as they were measured on AWS: an exit of the process, and a call that took too long."""
ERROR_OF_A_HANDLER = "it names the error of every handler Runtime.HandlerError"


def judge_poison(ingest: EndedIngest, harmful: int) -> Answer:
    """Judge an ingest some of whose batches harm their process: all others are done, and it says which failed."""
    done, failed = len(ingest.done), len(ingest.failures)
    batches = ingest.summary["batches"]
    agrees = ingest.summary["status"] == "FAILED" and failed == harmful and done == batches - harmful and ingest.adds_up
    return Answer(f"{done} of {batches} batches done, {failed} failed; {ingest.counts}", agrees)


def judge_name(failures: Sequence[BatchFailure], batch: int, names: Collection[str]) -> Answer:
    """Judge the name of a batch's error, as the ledger has it from Step Functions."""
    failure = next((failure for failure in failures if failure.batch == batch), None)
    if failure is None:
        return Answer("the batch did not fail", agrees=False)
    return Answer(f"{failure.error}: {failure.cause[:120]}", failure.error in names)


def _poison(stage: Stage) -> Answer:
    return judge_poison(stage.faults, len(HARMS) if stage.on_aws else 1)


def _killed(stage: Stage) -> Answer:
    return judge_name(stage.faults.failures, HARMLESS + HARMS.index(faulty_model.KILL), {"Runtime.ExitError"})


def _filled(stage: Stage) -> Answer:
    return judge_name(stage.faults.failures, HARMLESS + HARMS.index(faulty_model.FILL), {"Runtime.OutOfMemory"})


def _slept(stage: Stage) -> Answer:
    return judge_name(stage.faults.failures, HARMLESS + HARMS.index(faulty_model.SLEEP), {"Sandbox.Timedout"})


POISON = Check(
    "poison-batch",
    "a batch that fails stops no other, and the ingest names it",
    "https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html",
    _poison,
    needs_own_stack=True,
)
KILLED = Check(
    "error-killed",
    "a killed process arrives as Runtime.ExitError",
    MEASURED,
    _killed,
    not_local=ERROR_OF_A_HANDLER,
    needs_own_stack=True,
)
OUT_OF_MEMORY = Check(
    "error-out-of-memory",
    "out of memory arrives as Runtime.OutOfMemory",
    "https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html",
    _filled,
    not_local="it limits no memory",
    needs_own_stack=True,
)
OUT_OF_TIME = Check(
    "error-out-of-time",
    "a call over its timeout arrives as Sandbox.Timedout",
    MEASURED,
    _slept,
    not_local=ERROR_OF_A_HANDLER,
    needs_own_stack=True,
)
