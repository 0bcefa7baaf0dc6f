"""Whether a stopped ingest can be redriven."""

from hundredfold_cli.deployment_checks import faulty_model
from hundredfold_cli.deployment_checks.check import Check
from hundredfold_cli.deployment_checks.ingests import EndedIngest, start_objects
from hundredfold_cli.deployment_checks.polling import until
from hundredfold_cli.deployment_checks.row import Answer, CannotAskError
from hundredfold_cli.deployment_checks.stage import Stage

BATCHES = 26
"""More than a group has: the second group has not begun when the ingest is stopped."""
STOPPED_SECONDS = 120


def judge(stopped: EndedIngest, redriven: EndedIngest) -> Answer:
    """Judge an ingest that was stopped, and then redriven."""
    before, after = len(stopped.done), len(redriven.done)
    seen = f"stopped with {before} of {BATCHES} batches done, redriven with {after}; {redriven.counts}"
    return Answer(seen, redriven.summary["status"] == "COMPLETED" and after == BATCHES and redriven.adds_up)


def _ask(stage: Stage) -> Answer:
    stage.faulty_version  # noqa: B018 - its records are texts
    deployment = stage.deployment
    texts = [faulty_model.NAP, *(f"harmless {number}" for number in range(1, BATCHES))]
    records = [{"id": f"redrive-{number}", "text": text} for number, text in enumerate(texts)]
    stage.say("an ingest that is stopped, and redriven ...")
    ingest_id = start_objects(deployment, records, "redrive")
    arn = deployment.execution(ingest_id)
    if not until(lambda: next(iter(deployment.ledger.entries(ingest_id)), None), STOPPED_SECONDS, pause=0.5):
        raise CannotAskError("no batch was done in time, so nothing was stopped")
    deployment.step_functions.stop_execution(executionArn=arn, error="Check", cause="hundredfold check-deployment")
    stopped = stage.ended(ingest_id)
    deployment.step_functions.redrive_execution(executionArn=arn)
    return judge(stopped, stage.ended(ingest_id, redrives=1))


REDRIVE = Check(
    "redrive",
    "an ingest that was stopped in its Map is completed by a redrive",
    "https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html",
    _ask,
    not_local="it has no redrive",
    needs_own_stack=True,
)
