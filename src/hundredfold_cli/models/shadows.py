"""The shadow of an ingest: another model on a sample of its batches, compared with the live model."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.ingest import Plan
from hundredfold.model.engine import Engine
from hundredfold.planning.shadows import SHADOW, Shadow
from hundredfold.runtime.metric_names import NAMESPACE, SERVICE, ShadowMetric, unit_of
from hundredfold.summary import Status
from hundredfold_cli.errors import NotThereError, OptionError
from hundredfold_cli.ingests.answers import model_answer
from hundredfold_cli.ingests.follow import follow
from hundredfold_cli.ingests.outcomes import read_batches, read_manifest
from hundredfold_cli.ingests.status import ingest_status
from hundredfold_cli.models.comparison import Answer, Comparison, compare_answers
from hundredfold_cli.models.engines import stage_live_model
from hundredfold_cli.models.releases import Releases
from hundredfold_cli.stack.deployment import Deployment

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import DimensionTypeDef


def new_shadow(
    deployment: Deployment, ingest_id: str, model: str, sample: str, say: Callable[[str], None] = lambda _: None
) -> Shadow:
    """Return the shadow of a new ingest.

    Parameters
    ----------
    model : the number of a version; or an engine, for the live model by that engine. A version of that is published
        beside the live one, unless there is one

    Raises
    ------
    OptionError
        If `sample` is no share such as `5%` or `0.05`.
    NotThereError
        If there is no such version.
    BundleRefusedError, ReleaseRefusedError, ReleaseLockedError
        If the live model has no version by that engine, and none can be published.
    """
    number = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", sample.strip())
    share = float(number[1]) / (100 if number[2] else 1) if number else 0.0
    if not 0 < share <= 1:
        raise OptionError(f"--sample {sample} is no share of the batches: write 5% or 0.05")
    releases = Releases(deployment, say)
    if model in set(Engine):
        return Shadow(ingest_id, stage_live_model(releases, Engine(model)).number, share)
    return Shadow(ingest_id, releases.version(model).number, share)


def report_shadow(deployment: Deployment, ingest_id: str) -> list[Comparison]:
    """Wait for the end of an ingest's shadow, and compare its answers with the live model's.

    The counts go into the ingest's summary and into the metrics, once.

    Returns
    -------
    comparisons : one for each output; the live model is the first, the shadow's the second

    Raises
    ------
    NotThereError
        If the ingest has no shadow, or its shadow answered nothing. The summary has the reason.
    """
    name, version = _shadow_of(deployment, ingest_id)
    ended = follow(deployment, name)
    live = ingest_status(deployment, ingest_id)
    comparisons: list[Comparison] = []
    if live.plan and ended.plan:
        ids, live_answers, shadow_answers = _answers(deployment, live.plan, ended.plan)
        comparisons = compare_answers(ids, live_answers, shadow_answers)
    if not comparisons:
        why = str(ended.summary.get("cause") or "it has no answer in common")
        deployment.ledger.enter_shadow(ingest_id, {"version": version, "error": why})
        raise NotThereError(f"version {version} failed as a shadow of {ingest_id}: {why}")
    compared = sum(comparison.compared for comparison in comparisons)
    disagreed = compared - sum(comparison.agreed for comparison in comparisons)
    entry: dict[str, Any] = {"version": version, "ingest_id": name, "compared": compared, "disagreed": disagreed}
    if ended.summary["status"] != Status.COMPLETED:
        entry["cause"] = str(ended.summary["cause"])
    if deployment.ledger.enter_shadow(ingest_id, entry):
        _put_metrics(deployment, {ShadowMetric.COMPARED: compared, ShadowMetric.DISAGREED: disagreed})
    return comparisons


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
    live_answers: list[Answer] = []
    shadow_answers: list[Answer] = []
    for live_batch, shadow_batch in zip(
        read_batches(deployment, live, batches), read_batches(deployment, shadow, batches), strict=True
    ):
        for record_id in dict.fromkeys(line.record_id for line in live_batch.lines if line.record_id is not None):
            ids.append(record_id)
            live_answers.append(model_answer(live_batch.predictions.get(record_id)))
            shadow_answers.append(model_answer(shadow_batch.predictions.get(record_id)))
    return ids, live_answers, shadow_answers


def _put_metrics(deployment: Deployment, values: Mapping[ShadowMetric, int]) -> None:
    dimensions: list[DimensionTypeDef] = [{"Name": SERVICE, "Value": deployment.stack}]
    try:
        deployment.cloudwatch.put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[
                {
                    "MetricName": metric.value,
                    "Dimensions": dimensions,
                    "Value": float(value),
                    "Unit": unit_of(metric),  # type: ignore[typeddict-item] # one of CloudWatch's
                }
                for metric, value in values.items()
            ],
        )
    except (ClientError, BotoCoreError):
        return  # the ledger has the result; who may not put metrics may still compare a shadow
