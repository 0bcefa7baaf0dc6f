"""Shadows: starting one beside an ingest, and telling how it disagreed with the live model."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.errors import InvalidIngestError
from hundredfold.ingest import Plan
from hundredfold.planning.shadows import SHADOW, Shadow
from hundredfold.runtime.metric_names import NAMESPACE, SERVICE
from hundredfold.summary import Status
from hundredfold_cli.errors import NotThereError
from hundredfold_cli.ingests.follow import follow
from hundredfold_cli.ingests.outcomes import read_batches, read_manifest
from hundredfold_cli.ingests.status import ingest_status
from hundredfold_cli.models.comparison import Answer, Comparison, compare
from hundredfold_cli.models.releases import Releases
from hundredfold_cli.stack.deployment import Deployment

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import DimensionTypeDef


def new_shadow(deployment: Deployment, ingest_id: str, version: str, sample: str) -> Shadow:
    """Return the shadow of a new ingest.

    Raises
    ------
    InvalidIngestError
        If `sample` is no share such as `5%` or `0.05`.
    NotThereError
        If there is no such version.
    """
    number = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", sample.strip())
    share = float(number[1]) / (100 if number[2] else 1) if number else 0.0
    if not 0 < share <= 1:
        raise InvalidIngestError(f"--sample {sample} is no share of the batches: write 5% or 0.05")
    return Shadow(ingest_id, Releases(deployment).version(version).number, share)


def report_shadow(deployment: Deployment, ingest_id: str) -> list[Comparison]:
    """Wait for an ingest's shadow, compare it with the ingest, and enter that into the summary and into the metrics.

    Returns
    -------
    comparisons : one for each output; the first is the ingest's, the other the shadow's

    Raises
    ------
    NotThereError
        If it has no shadow, or one that answered nothing; its summary says so too.
    """
    name, version = _shadow_of(deployment, ingest_id)
    ended = follow(deployment, name)
    live = ingest_status(deployment, ingest_id)
    found: list[Comparison] = []
    if live.plan and ended.plan:
        ids, ones, others = _answers(deployment, live.plan, ended.plan)
        found = compare(ids, ones, others)
    if not found:
        why: dict[str, Any] = {
            "version": version,
            "error": str(ended.summary.get("cause") or "it has no answer in common"),
        }
        _enter(deployment, ingest_id, why)
        raise NotThereError(f"version {version} did not do as a shadow of {ingest_id}: {why['error']}")
    compared = sum(comparison.compared for comparison in found)
    disagreed = compared - sum(comparison.agreed for comparison in found)
    told: dict[str, Any] = {"version": version, "ingest_id": name, "compared": compared, "disagreed": disagreed}
    if ended.summary["status"] != Status.COMPLETED:
        told["cause"] = str(ended.summary["cause"])
    if _enter(deployment, ingest_id, told):
        _count(deployment, compared, disagreed)
    return found


def _shadow_of(deployment: Deployment, ingest_id: str) -> tuple[str, str]:
    pages = deployment.step_functions.get_paginator("list_executions").paginate(
        stateMachineArn=deployment.state_machine
    )
    for execution in (execution for page in pages for execution in page["executions"]):
        _, shadow, version = execution["name"].rpartition(SHADOW)
        if shadow and Shadow(ingest_id, version, 1).ingest_id == execution["name"]:
            return execution["name"], version
    raise NotThereError(f"ingest {ingest_id} has no shadow; start one with: hundredfold ingest SOURCE --shadow VERSION")


def _answers(deployment: Deployment, live: Plan, shadow: Plan) -> tuple[list[str], list[Answer], list[Answer]]:
    batches = read_manifest(deployment, shadow)
    ids: list[str] = []
    ones: list[Answer] = []
    others: list[Answer] = []
    for one, other in zip(
        read_batches(deployment, live, batches), read_batches(deployment, shadow, batches), strict=True
    ):
        for record_id in dict.fromkeys(line.record_id for line in one.lines if line.record_id is not None):
            ids.append(record_id)
            ones.append(_answer(one.predictions.get(record_id)))
            others.append(_answer(other.predictions.get(record_id)))
    return ids, ones, others


def _answer(prediction: dict[str, Any] | None) -> Answer:
    if prediction is None:
        return None
    if "outputs" in prediction:
        outputs = {name: _answer(one) or [] for name, one in prediction["outputs"].items()}
        return [{name: one[0] for name, one in outputs.items()}, {name: one[1] for name, one in outputs.items()}]
    return [prediction.get("label", prediction.get("value")), prediction.get("score")]


def _enter(deployment: Deployment, ingest_id: str, told: dict[str, Any]) -> bool:
    """Enter what a shadow told into its ingest's summary; return whether that is new."""
    kept = deployment.ledger.ingest(ingest_id)
    if kept is None or kept.get("shadow") == told:
        return False
    deployment.dynamodb.update_item(
        TableName=deployment.ledger_table,
        Key={"ledger_key": {"S": ingest_id}, "entry": {"S": "summary"}},
        UpdateExpression="SET shadow = :told",
        ExpressionAttributeValues={":told": {"M": dict(_attributes(told))}},
    )
    return True


def _attributes(told: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in told.items():
        yield name, ({"N": str(value)} if isinstance(value, int) else {"S": str(value)})


def _count(deployment: Deployment, compared: int, disagreed: int) -> None:
    dimensions: list[DimensionTypeDef] = [{"Name": "service", "Value": SERVICE}]
    try:
        deployment.cloudwatch.put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[
                {"MetricName": name, "Dimensions": dimensions, "Value": float(value), "Unit": "Count"}
                for name, value in (("ShadowCompared", compared), ("ShadowDisagreed", disagreed))
            ],
        )
    except (ClientError, BotoCoreError):
        return  # the summary has it; whoever may not put metrics may still look at a shadow
