"""Whether keys with a space, a plus sign and an umlaut are read through every door."""

import secrets
from collections.abc import Mapping

from hundredfold.sources.spec import ObjectsSpec
from hundredfold_cli.deployment_checks.check import Check
from hundredfold_cli.deployment_checks.ingests import await_end, put_object, start_stored
from hundredfold_cli.deployment_checks.polling import until
from hundredfold_cli.deployment_checks.row import Answer
from hundredfold_cli.deployment_checks.stage import Stage

DIFFICULT = "a b+c ü%20&=.jsonl"
ARRIVAL_SECONDS = 120
"""EventBridge gets S3's events within seconds, mostly."""


def judge(predicted: Mapping[str, int]) -> Answer:
    """Judge how many of the one record were predicted through each door."""
    seen = ", ".join(f"{door}: {number} of 1" for door, number in predicted.items())
    return Answer(seen, all(number == 1 for number in predicted.values()))


def _ask(stage: Stage) -> Answer:
    deployment, token = stage.deployment, secrets.token_hex(4)
    [record] = stage.one_record()
    predicted: dict[str, int] = {}
    key = f"checks/keys-{token}/{DIFFICULT}"
    put_object(deployment, key, [record])
    stage.say(f"ingests of a key that is called {DIFFICULT!r} ...")
    for door, spec in (
        ("by its key", ObjectsSpec(deployment.source_bucket, key=key)),
        ("by its prefix", ObjectsSpec(deployment.source_bucket, prefix=key[: key.index("+") + 1])),
    ):
        ended = stage.ended(start_stored(deployment, spec, "keys"))
        predicted[door] = int(ended.summary["predicted"])
    if stage.starts_on_arrival:
        put_object(deployment, f"ingests/keys-{token}/{DIFFICULT}", [record])
        predicted["by its arrival"] = _arrived(stage, f"keys-{token}")
    return judge(predicted)


def _arrived(stage: Stage, folder: str) -> int:
    """Wait for the ingest of an object that has arrived; return how many records it predicted, 0 if none began."""

    def begun() -> str | None:
        page = stage.deployment.step_functions.list_executions(
            stateMachineArn=stage.deployment.state_machine, maxResults=50
        )
        names = [execution["name"] for execution in page["executions"]]
        descriptions = ((name, stage.input_of(name)) for name in names)
        return next((name for name, source in descriptions if folder in source), None)

    name = until(begun, ARRIVAL_SECONDS)
    return int(await_end(stage.deployment, name).summary["predicted"]) if name else 0


KEYS = Check(
    "keys",
    "a key with a space, a plus sign and an umlaut is read through every door",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html",
    _ask,
)
