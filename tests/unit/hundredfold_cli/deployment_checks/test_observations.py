"""What each check asks of AWS, and what it makes of the answers. The answers have the shapes of AWS's documentation."""

import json
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from hundredfold.model.engine import Engine
from hundredfold_cli.deployment_checks import ingests
from hundredfold_cli.deployment_checks.row import Answer, CannotAskError
from hundredfold_cli.deployment_checks.rows import busy_stores, metrics, new_table, redrive
from hundredfold_cli.deployment_checks.rows.busy_stores import BUSY_LEDGER, BUSY_STORE
from hundredfold_cli.deployment_checks.rows.log_streams import LOG_STREAMS
from hundredfold_cli.deployment_checks.rows.metrics import METRICS
from hundredfold_cli.deployment_checks.rows.new_table import NEW_TABLE
from hundredfold_cli.deployment_checks.rows.redrive import REDRIVE
from hundredfold_cli.deployment_checks.rows.times import BATCH_TIME, DISPATCH, INIT
from tests.unit.hundredfold_cli.deployment_checks.observed import (
    FakeClient,
    FakeDeployment,
    dashboard,
    stage_of,
    throttled,
)
from tests.unit.hundredfold_cli.deployment_checks.test_judges import BEGAN, REPORT, ended, failure

NAMED = '{"ingest_id":"check-1","batch":0}'
SERVICE = "hundredfold-check"


def card(engine: Engine) -> Any:
    return SimpleNamespace(engine=SimpleNamespace(engine=engine))


@pytest.mark.parametrize(("engine", "agrees"), [(Engine.COMPILED, False), (Engine.SCIKIT_LEARN, True)])
def test_a_start_is_compared_with_that_of_the_models_engine(engine: Engine, agrees: bool) -> None:
    line = REPORT.format("80.00") + "\tInit Duration: 1900.00 ms\t"
    deployment = FakeDeployment([(BEGAN + timedelta(seconds=3), "a", line), (BEGAN - timedelta(hours=1), "a", line)])

    answer = INIT.ask(stage_of(deployment, first=ended(2), live_card=card(engine)))

    assert answer == Answer("1 started in 1,900 ms (median), 1,900 ms at most", agrees=agrees)


def test_the_time_of_a_batch_is_that_of_the_warm_calls() -> None:
    deployment = FakeDeployment([(BEGAN, "a", REPORT.format(f"{duration}.00")) for duration in (40, 50, 60)])

    assert BATCH_TIME.ask(stage_of(deployment, warm=ended(3))) == Answer("50 ms (median of 3)", agrees=True)


def test_the_dispatch_ends_with_the_first_line_of_the_log() -> None:
    history = [{"events": [{"type": "MapRunStarted", "timestamp": BEGAN}]}]
    deployment = FakeDeployment(
        [(BEGAN + timedelta(seconds=1), "a", "INIT_START"), (BEGAN + timedelta(seconds=4), "b", "INIT_START")],
        step_functions=FakeClient(pages={"get_execution_history": history}),
    )

    answer = DISPATCH.ask(stage_of(deployment, first=ended(2)))

    assert answer == Answer("1.00 s from the Map's begin to the first call", agrees=True)


def test_log_streams_are_those_that_name_the_ingest() -> None:
    deployment = FakeDeployment([(BEGAN, "a", NAMED), (BEGAN, "b", NAMED), (BEGAN, "c", "START")])

    assert LOG_STREAMS.ask(stage_of(deployment, first=ended(4))).agrees
    with pytest.raises(CannotAskError):
        LOG_STREAMS.ask(stage_of(FakeDeployment(), first=ended(4)))


def test_throttles_are_read_once_the_tables_metrics_have_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    answers = {
        "ConsumedWriteCapacityUnits": iter([[], [{"Sum": 2500.0}]]),
        "WriteThrottleEvents": iter([[{"Sum": 12.0}]]),
    }
    cloudwatch = FakeClient(
        {"get_metric_statistics": lambda **asked: {"Datapoints": next(answers[asked["MetricName"]])}}
    )

    answer = NEW_TABLE.ask(stage_of(FakeDeployment(cloudwatch=cloudwatch), first=ended(25)))

    assert answer.seen.endswith("; 12 items throttled or handed back unprocessed")
    assert {call["Dimensions"][0]["Value"] for _, call in cloudwatch.calls} == {"predictions"}


def test_where_no_metrics_come_throttles_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_table, "METRICS_SECONDS", 0)
    cloudwatch = FakeClient({"get_metric_statistics": {"Datapoints": []}})

    answer = NEW_TABLE.ask(stage_of(FakeDeployment(cloudwatch=cloudwatch), first=ended(25)))

    assert answer.seen.endswith("; throttles are not counted here")


def cloudwatch_with(*arrived: tuple[str, str]) -> FakeClient:
    """CloudWatch with two dashboards, an alarm, and metrics that have arrived, each by its name and service."""
    bodies = {
        f"{SERVICE}-business": dashboard(["Hundredfold", "RecordsPlanned", "service", SERVICE], ["X", "Y", "z", "1"]),
        f"{SERVICE}-engineer": dashboard(["Hundredfold", "Drift", "service", SERVICE]),
    }
    dimensions = [{"Name": "service", "Value": SERVICE}]
    alarm = {"Namespace": "Hundredfold", "MetricName": "RejectedPercent", "Dimensions": dimensions}
    known = [
        {"Namespace": "Hundredfold", "MetricName": name, "Dimensions": [{"Name": "service", "Value": service}]}
        for name, service in arrived
    ]
    return FakeClient(
        {"get_dashboard": lambda **asked: bodies[asked["DashboardName"]]},
        {
            "list_dashboards": [{"DashboardEntries": [{"DashboardName": name} for name in bodies]}],
            "describe_alarms": [{"MetricAlarms": [alarm]}],
            "list_metrics": [{"Metrics": known}],
        },
    )


def test_metrics_of_dashboards_and_alarms_must_have_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "ARRIVAL_SECONDS", 0)
    all_of_them = cloudwatch_with(("RecordsPlanned", SERVICE), ("RejectedPercent", SERVICE))
    anothers = cloudwatch_with(("RecordsPlanned", SERVICE), ("RejectedPercent", "batch-inference"))

    assert METRICS.ask(stage_of(FakeDeployment(cloudwatch=all_of_them), first=ended(1))) == Answer(
        "2 of 2 have arrived", agrees=True
    )
    assert METRICS.ask(stage_of(FakeDeployment(cloudwatch=anothers), first=ended(1))) == Answer(
        f"1 of 2 have arrived; missing: RejectedPercent ({SERVICE})", agrees=False
    )


TABLE = {"update_table": {}, "describe_table": {"Table": {"TableStatus": "ACTIVE"}}}


def limits(client: FakeClient) -> list[tuple[str, int]]:
    return [
        (request["TableName"], request["OnDemandThroughput"]["MaxWriteRequestUnits"])
        for operation, request in client.calls
        if operation == "update_table"
    ]


def test_the_predictions_table_is_limited_while_the_ingest_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(busy_stores, "start_records", lambda *_: "check-busy")
    dynamodb = FakeClient(TABLE)
    stage = stage_of(FakeDeployment(dynamodb=dynamodb))
    monkeypatch.setattr(stage, "ended", lambda _: ended(0, [failure(0, "OutOfTimeError")]))

    assert BUSY_STORE.ask(stage) == Answer("OutOfTimeError: why", agrees=True)
    assert limits(dynamodb) == [("predictions", 1), ("predictions", -1)]


@pytest.mark.parametrize(
    ("error", "agrees"), [("DynamoDB.ThrottlingException", True), ("DynamoDB.AmazonDynamoDBException", False)]
)
def test_a_throttled_write_of_the_state_machine_is_asked_of_teststate(error: str, agrees: bool) -> None:
    state = {"Type": "Task", "Retry": [{"ErrorEquals": ["DynamoDB.ThrottlingException"]}], "Catch": [], "Next": "X"}
    definition = json.dumps({"States": {"RecordBatchFailure": state}})
    results = iter([{"status": "SUCCEEDED"}, {"status": "FAILED", "error": error}])
    machine = FakeClient(
        {
            "describe_state_machine": {"definition": definition, "roleArn": "arn:aws:iam::123456789012:role/r"},
            "test_state": lambda **_: next(results),
        }
    )
    table = FakeClient(TABLE)

    answer = BUSY_LEDGER.ask(stage_of(deployment_with(machine, table)))

    assert answer.agrees is agrees
    [first, _] = [request for operation, request in machine.calls if operation == "test_state"]
    assert json.loads(first["definition"]) == {"Type": "Task", "Next": "X"}
    assert json.loads(first["input"])["batch"] == {"batch": 0, "shard": 0, "records": 1}
    assert limits(table) == [("ledger", 1), ("ledger", -1)]


def deployment_with(machine: FakeClient, table: FakeClient) -> FakeDeployment:
    """A deployment whose other client of DynamoDB is throttled."""
    deployment = FakeDeployment(step_functions=machine, dynamodb=table)
    deployment.session = SimpleNamespace(client=lambda *_, **__: FakeClient({"put_item": throttled}))
    return deployment


def test_the_end_of_before_a_redrive_is_not_taken_for_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(ingests, "ingest_status", lambda *_: ended(1).status)
    before = {"status": "ABORTED", "redriveCount": 0, "startDate": BEGAN, "stopDate": BEGAN}
    after = {"status": "SUCCEEDED", "redriveCount": 1, "startDate": BEGAN, "stopDate": BEGAN + timedelta(seconds=60)}
    descriptions = iter([before, {**before, "status": "RUNNING", "redriveCount": 1}, after])
    deployment: Any = FakeDeployment(step_functions=FakeClient({"describe_execution": lambda **_: next(descriptions)}))
    deployment.ledger = SimpleNamespace(entries=lambda _: ended(2).done)

    redriven = ingests.await_end(deployment, "check-1", redrives=1)

    assert (redriven.ended, len(redriven.done)) == (BEGAN + timedelta(seconds=60), 2)


def test_an_ingest_is_stopped_once_a_batch_is_done_and_redriven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(redrive, "start_objects", lambda *_: "check-redrive")
    seen: Iterator[list[str]] = iter([[], ["batch 1"]])
    machine = FakeClient({"stop_execution": {}, "redrive_execution": {}})
    deployment = FakeDeployment(step_functions=machine)
    monkeypatch.setattr(deployment, "ledger", SimpleNamespace(entries=lambda _: next(seen)), raising=False)
    stage = stage_of(deployment)
    ends = iter([ended(1, status="FAILED"), ended(redrive.BATCHES)])
    monkeypatch.setattr(stage, "ended", lambda *_, **__: next(ends))

    answer = REDRIVE.ask(stage)

    assert answer.agrees
    assert answer.seen.startswith("stopped with 1 of 26 batches done, redriven with 26; COMPLETED")
    assert [operation for operation, _ in machine.calls] == ["stop_execution", "redrive_execution"]
    assert {request["executionArn"] for _, request in machine.calls} == {deployment.execution("check-redrive")}
