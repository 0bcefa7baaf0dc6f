"""The registry, the asking of the checks, what they cost, and the reckoning a day later."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from hundredfold.accounting.usage import UsageLine
from hundredfold_cli.deployment_checks.ask import ask, chosen, without_stack
from hundredfold_cli.deployment_checks.check import Check
from hundredfold_cli.deployment_checks.expense import ALARMS, LIMIT_USD, bill, expected_lines, expected_usd, hour_usd
from hundredfold_cli.deployment_checks.reckoning import SERVICES, Reckoning, billed, compare
from hundredfold_cli.deployment_checks.registry import CHECKS
from hundredfold_cli.deployment_checks.row import Answer, CannotAskError, Verdict, differs
from hundredfold_cli.deployment_checks.stage import Stage
from hundredfold_cli.errors import NotThereError, OptionError
from hundredfold_cli.stack.deployment import Deployment
from tools.workflow.template import Template


class FakeStage(Stage):
    """A stage of which only the place is asked."""

    def __init__(self, *, on_aws: bool, own: bool) -> None:
        super().__init__(cast(Deployment, None), Path(), redeploy=(lambda _: None) if own else None)
        self.__dict__["on_aws"] = on_aws


def check(name: str, answer: Answer | Exception, **places: Any) -> Check:
    def answers(_: Stage) -> Answer:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Check(name, "all is well", "https://example.com", answers, **places)


def test_the_issues_rows_are_all_there_each_with_an_expectation_and_its_source() -> None:
    assert [one.name for one in CHECKS] == [
        "deploys", "deploys-again", "new-table", "init-time", "dispatch", "batch-time", "log-streams", "keys",
        "poison-batch", "error-killed", "error-out-of-memory", "error-out-of-time", "stream-table", "stream-kinesis",
        "redrive", "error-busy-store", "error-busy-ledger", "metrics", "single-states",
    ]  # fmt: skip
    assert all(one.expected and one.source.startswith("https://") for one in CHECKS)


def test_a_check_is_chosen_by_its_name() -> None:
    assert chosen(CHECKS, []) == list(CHECKS)
    assert [one.name for one in chosen(CHECKS, ["keys", "deploys"])] == ["deploys", "keys"]
    with pytest.raises(OptionError, match="--only key: there is no such check; there are deploys"):
        chosen(CHECKS, ["key"])


def test_each_check_has_a_row_and_none_stops_the_others() -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied"}}, "ListMetrics")
    checks = [
        check("well", Answer("yes", agrees=True)),
        check("other", Answer("no", agrees=False)),
        check("refused", denied),
        check("open", CannotAskError("nothing to look at")),
    ]

    rows = ask(checks, FakeStage(on_aws=True, own=True))

    assert [(row.name, row.seen, row.verdict) for row in rows] == [
        ("well", "yes", Verdict.AS_EXPECTED),
        ("other", "no", Verdict.DIFFERS),
        ("refused", "ListMetrics was refused: AccessDenied", Verdict.DIFFERS),
        ("open", "nothing to look at", Verdict.NOT_ASKED),
    ]
    assert differs(rows)
    assert not differs([rows[0], rows[3]])


def test_what_the_local_stack_cannot_answer_is_marked_so() -> None:
    metrics = check("metrics", Answer("yes", agrees=True), not_local="it sends none")

    [here], [there] = (ask([metrics], FakeStage(on_aws=on_aws, own=True)) for on_aws in (False, True))

    assert (here.verdict, here.seen) == (Verdict.NOT_ASKED, "the local stack cannot answer: it sends none")
    assert there.verdict is Verdict.AS_EXPECTED


def test_what_changes_a_stack_is_asked_in_one_of_the_checks_own_only() -> None:
    poison = check("poison", Answer("yes", agrees=True), needs_own_stack=True)

    [theirs], [own] = (ask([poison], FakeStage(on_aws=True, own=own)) for own in (False, True))

    assert (theirs.verdict, own.verdict) == (Verdict.NOT_ASKED, Verdict.AS_EXPECTED)


def test_a_stack_that_could_not_be_deployed_is_the_one_difference() -> None:
    rows = without_stack(CHECKS, "the template could not be deployed")

    assert len(rows) == len(CHECKS)
    assert (rows[0].name, rows[0].verdict, rows[0].seen) == (
        "deploys", Verdict.DIFFERS, "the template could not be deployed",
    )  # fmt: skip
    assert {row.verdict for row in rows[1:]} == {Verdict.NOT_ASKED}


def test_a_run_within_an_hour_costs_less_than_was_promised() -> None:
    assert 0.04 < expected_usd(kinesis=False) < LIMIT_USD
    assert expected_usd(kinesis=True) - expected_usd(kinesis=False) == pytest.approx(0.015)
    # 44 metrics at $0.30, 12 alarms at $0.10 and 2 dashboards at $3 a month of 730 hours
    assert hour_usd() == pytest.approx((44 * 0.30 + 12 * 0.10 + 2 * 3.00) / 730)


def test_the_alarms_of_the_checks_stack_are_all_that_the_template_has() -> None:
    assert len(Template.read().of_type("AWS::CloudWatch::Alarm")) == ALARMS


def reckoning() -> Reckoning:
    lines = [UsageLine("lambda_requests", "calls", 1_000_000), UsageLine("s3_puts", "objects", 1_000)]
    began = datetime(2026, 11, 24, 23, 50, tzinfo=UTC)
    return Reckoning.of(bill(lines), "123456789012", "us-east-1", began, datetime(2026, 11, 25, 0, 20, tzinfo=UTC))


def test_every_price_of_a_run_belongs_to_a_service_of_the_bill() -> None:
    prices = {line.price for line in expected_lines(kinesis=True)}

    assert [price for price in prices if not price.startswith(tuple(SERVICES))] == []


def test_a_reckoning_is_kept_and_read_again(tmp_path: Path) -> None:
    file = tmp_path / "kept/reckoning.json"

    reckoning().write(file)

    assert Reckoning.read(file) == reckoning()
    assert reckoning().usd == {"AWS Lambda": 0.2, "Amazon Simple Storage Service": 0.005}
    with pytest.raises(NotThereError, match="no run of the checks on AWS is known here"):
        Reckoning.read(tmp_path / "none.json")


class FakeCostExplorer:
    """Answers for two days, in the shape of
    https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_GetCostAndUsage.html"""

    def __init__(self) -> None:
        self.request: dict[str, Any] = {}

    def get_cost_and_usage(self, **request: Any) -> Any:
        self.request = request
        group = {"Keys": ["AWS Lambda"], "Metrics": {"UnblendedCost": {"Amount": "0.11", "Unit": "USD"}}}
        return {"ResultsByTime": [{"Groups": [group]}, {"Groups": [group]}]}


def test_cost_explorer_is_asked_for_the_days_and_the_region_of_the_run() -> None:
    explorer = FakeCostExplorer()

    assert billed(explorer, reckoning()) == {"AWS Lambda": 0.22}
    assert explorer.request["TimePeriod"] == {"Start": "2026-11-24", "End": "2026-11-26"}
    assert explorer.request["Filter"] == {"Dimensions": {"Key": "REGION", "Values": ["us-east-1"]}}
    assert reckoning().ready_at() == datetime(2026, 11, 26, 0, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("usd", "verdicts"),
    [
        ({"AWS Lambda": 0.22, "Amazon Simple Storage Service": 0.005}, ["as expected", "as expected"]),
        ({"AWS Lambda": 0.25, "Amazon Simple Storage Service": 0.0069}, ["differs", "as expected"]),
        ({"AWS Lambda": 0.2}, ["as expected", "differs"]),
    ],
)
def test_bills_may_differ_by_a_fifth_or_by_what_is_rounded(usd: dict[str, float], verdicts: list[str]) -> None:
    assert [row.verdict for row in compare(reckoning(), usd)] == verdicts
