"""The list of ingests: what is read for it, and how it is shown."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from hundredfold.summary import Status
from hundredfold_cli.errors import OptionError
from hundredfold_cli.ingests.listing import as_dict, list_lines, list_newest, parse_since
from hundredfold_cli.stack.ingest_list import ListedIngest
from tests.unit.answering_server import AnsweringServer, Request
from tests.unit.aws_services import AwsServices
from tests.unit.drifts import drift

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class World:
    """A ledger with ingests, and what was asked of it."""

    def __init__(self, aws: AnsweringServer) -> None:
        self.services = AwsServices(aws)
        self.deployment = self.services.deployment()
        self.queries: list[dict[str, Any]] = []
        self.services.before = self._note

    def add(self, ingest_id: str, status: str, began_at: str, execution: str = "") -> None:
        item: dict[str, Any] = {
            "ledger_key": {"S": ingest_id},
            "entry": {"S": "summary"},
            "status": {"S": status},
            "began_at": {"S": began_at},
            "execution": {"S": execution or ingest_id},
            "records": {"N": "100"},
        }
        self.services.items[ingest_id, "summary"] = item

    def ids(self, status: Status | None = None, since: str = "", limit: int = 20) -> list[str]:
        return [ingest.ingest_id for ingest in list_newest(self.deployment, status, since, limit)]

    def _note(self, request: Request) -> None:
        if request.headers.get("X-Amz-Target", "").endswith((".Query", ".Scan")):
            self.queries.append(request.json)


@pytest.fixture
def world(aws: AnsweringServer) -> World:
    return World(aws)


def test_the_newest_come_first_whatever_their_status(world: World) -> None:
    world.add("a", "COMPLETED", "2026-11-20T00:00:00Z")
    world.add("b", "FAILED", "2026-11-21T00:00:00Z")
    world.add("c", "COMPLETED", "2026-11-22T00:00:00Z")
    world.add("c.shadow-7", "COMPLETED", "2026-11-22T00:00:01Z")

    assert world.ids() == ["c", "b", "a"]
    assert world.ids(limit=2) == ["c", "b"]
    assert world.ids(Status.COMPLETED) == ["c", "a"]
    assert world.ids(since="2026-11-21T00:00:00") == ["c", "b"]
    assert [ingest.ingest_id for ingest in list_newest(world.deployment, None, "", 1, shadows=True)] == ["c.shadow-7"]


def test_a_list_reads_a_page_of_each_status_and_never_scans(world: World) -> None:
    for number in range(1_000):
        world.add(f"i{number}", "COMPLETED" if number % 2 else "FAILED", f"2026-01-01T00:{number:06d}")

    assert len(world.ids(limit=1_000)) == 1_000

    assert [query["IndexName"] for query in world.queries] == ["ingests"] * 3
    world.queries.clear()
    assert world.ids(limit=5) == ["i999", "i998", "i997", "i996", "i995"]
    assert [query["Limit"] for query in world.queries] == [5, 5, 5]


def test_an_ingest_whose_execution_ended_without_a_summary_does_not_run(world: World) -> None:
    world.services.start("runs", {})
    world.services.start("stopped", {})
    world.services.executions["stopped"]["status"] = "ABORTED"
    world.add("runs", "RUNNING", "2026-11-22T00:00:00Z")
    world.add("stopped", "RUNNING", "2026-11-21T00:00:00Z")
    world.add("lost", "RUNNING", "2026-11-20T00:00:00Z", "lost.resume-7")

    assert world.ids(Status.RUNNING) == ["runs"]
    assert world.ids(Status.FAILED) == ["stopped", "lost"]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("90m", "2026-11-24T10:30:00"),
        ("24h", "2026-11-23T12:00:00"),
        ("7d", "2026-11-17T12:00:00"),
        ("2w", "2026-11-10T12:00:00"),
        ("2026-11-20", "2026-11-20T00:00:00"),
        ("2026-11-20T06:30+02:00", "2026-11-20T04:30:00"),
    ],
)
def test_since_is_a_span_or_a_time(text: str, time: str) -> None:
    assert parse_since(text, NOW) == time


@pytest.mark.parametrize("text", ["yesterday", "7", "d7", "-1d", ""])
def test_since_that_is_no_time_says_what_to_write(text: str) -> None:
    with pytest.raises(OptionError, match="write 24h, 7d, 2026-11-24"):
        parse_since(text, NOW)


LONG = "reviews-of-the-last-quarter-20261124T220000-5f0c93ae"
INGESTS = [
    ListedIngest(
        LONG, "COMPLETED", "2026-11-24T22:00:00Z", LONG, "s3://b/k", "12", 50_000, 49_990, 10, 0, 500, 0, 21.46, 0.0351,
        drift(0.01, 0.02, 0.43, unseen_share=0.0),
    ),
    ListedIngest("b", "RUNNING", "2026-11-24T21:00:00Z", "b", records=1_000),
]  # fmt: skip


def test_in_80_columns_every_id_is_whole_on_a_line_of_its_own() -> None:
    lines = list_lines(INGESTS, 80)

    assert lines == [
        "status    began       records predicted rejected failed seconds cost $ model drift",
        LONG,
        "COMPLETED 11-24 22:00  50,000    49,990       10      0    21.5 0.0351    12  0.38",
        "b",
        "RUNNING   11-24 21:00   1,000         -        -      -       -      -     -     -",
    ]


def test_in_a_wide_terminal_an_ingest_is_a_line() -> None:
    lines = list_lines(INGESTS, 160)

    assert [line.split()[0] for line in lines] == ["id", LONG, "b"]
    assert len({line.index("cost $") if "cost $" in line else len(line) for line in lines}) == 2


def test_a_machine_gets_every_figure() -> None:
    assert json.loads(json.dumps(as_dict(INGESTS[0])))["drift"] == 0.38
    assert as_dict(INGESTS[1])["predicted"] is None


def test_the_drift_of_an_older_release_is_left_out(world: World) -> None:
    world.add("old", "COMPLETED", "2026-11-24T00:00:00Z")
    world.services.items["old", "summary"]["drift"] = {"M": {"labels": {"N": "0.1"}, "scores": {"N": "0.2"}}}

    [ingest] = list_newest(world.deployment, None, "", 5)

    assert ingest.drift is None
