"""Starting an ingest: an id has one start, and that start's records are the ones that are scored."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from hundredfold.errors import HundredfoldError, IngestExistsError
from hundredfold.ingest import Claim
from hundredfold.sources.spec import ObjectsSpec
from hundredfold_cli.ingests.request import IngestRequest
from hundredfold_cli.ingests.source_options import SourceOptions
from hundredfold_cli.ingests.start import new_ingest_id, start_ingest
from hundredfold_cli.ingests.status import ingest_status
from hundredfold_cli.ingests.stored import StoredObjects
from hundredfold_cli.ingests.uploads import FileUpload, StreamUpload
from tests.unit.answering_server import AnsweringServer, Reply, Request
from tests.unit.aws_services import AwsServices, etag

FIRST, SECOND = b'{"id":"1","text":"first"}\n', b'{"id":"2","text":"second"}\n'


@pytest.fixture
def services(aws: AnsweringServer) -> AwsServices:
    return AwsServices(aws)


def upload(content: bytes) -> IngestRequest:
    stream = StreamUpload(io.BytesIO(content))
    stream.check(cast("Any", None))
    return stream


def start(
    services: AwsServices, request: IngestRequest, uploaded: Callable[[int], None] = lambda _: None, **options: Any
) -> None:
    start_ingest(services.deployment(), request, "i1", uploaded, **options)


def scored_content(services: AwsServices) -> bytes:
    """Return the object that the execution reads, which must be the one that its input pins."""
    source = json.loads(services.executions["i1"]["input"])["source"]
    content = services.objects[source["bucket"], source["key"]]
    assert source["etag"] == etag(content)
    return content


def test_of_two_starts_of_one_id_at_once_one_is_refused_and_the_others_records_are_scored(
    services: AwsServices,
) -> None:
    refused: list[HundredfoldError] = []

    def start_second(_: int) -> None:
        with pytest.raises(HundredfoldError) as raised:
            start(services, upload(SECOND))
        refused.append(raised.value)

    start(services, upload(FIRST), start_second)

    assert re.match("the id i1 was claimed by .* at .*, for an ingest that has not begun", str(refused[0]))
    assert scored_content(services) == FIRST


def test_an_ingest_that_was_started_is_found_afterwards_though_describe_execution_is_late(
    services: AwsServices,
) -> None:
    services.invisible = 3

    start(services, upload(FIRST))

    assert ingest_status(services.deployment(), "i1").summary["status"] == "RUNNING"


def test_a_file_is_pinned_to_what_was_uploaded(services: AwsServices, tmp_path: Path) -> None:
    file = tmp_path / "records.csv"
    file.write_bytes(b"id,text\n1,first\n")

    start(services, FileUpload(file))

    assert scored_content(services) == b"id,text\n1,first\n"


def test_two_uploads_never_go_to_one_key(services: AwsServices) -> None:
    for content in (FIRST, SECOND):
        start(services, upload(content))
        services.executions.clear()
        services.items.clear()

    assert sorted(services.objects.values()) == [FIRST, SECOND]
    assert all(re.fullmatch(r"uploads/i1/[0-9a-f]{16}/records\.jsonl", key) for _, key in services.objects)


def test_two_automatic_ids_of_one_name_and_second_differ() -> None:
    ids = {new_ingest_id("a/records.jsonl") for _ in range(1_000)}

    assert len(ids) == 1_000
    assert all(re.fullmatch(r"records-\d{8}T\d{6}-[0-9a-f]{8}", ingest_id) for ingest_id in ids)
    assert len(new_ingest_id("x" * 200)) <= 65


def test_a_start_that_is_interrupted_gives_its_id_back(services: AwsServices) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start(services, upload(FIRST), interrupt)
    assert services.executions == {}

    start(services, upload(SECOND))
    assert scored_content(services) == SECOND


def leave_claim(services: AwsServices) -> None:
    """Leave the claim of a command that was killed before it started the execution."""
    services.deployment().ledger.claim("i1", Claim("0123", "alice on build-7", "2026-11-24T05:00:00+00:00"))


def test_an_id_that_a_killed_command_has_claimed_is_taken_again_on_request(services: AwsServices) -> None:
    leave_claim(services)

    with pytest.raises(
        HundredfoldError,
        match=r"by alice on build-7 at 2026-11-24T05:00:00.* with --reclaim, which takes the id from it",
    ):
        start(services, upload(SECOND))
    start(services, upload(SECOND), reclaim=True)

    assert scored_content(services) == SECOND


def test_whoever_was_reclaimed_from_is_refused_before_anything_starts(services: AwsServices) -> None:
    def reclaim(_: int) -> None:
        services_start = upload(SECOND)
        start(services, services_start, reclaim=True)
        services.executions.clear()  # its execution is still to come

    with pytest.raises(HundredfoldError, match="the id i1 was claimed by"):
        start(services, upload(FIRST), reclaim)

    assert services.executions == {}


def test_an_ingest_that_has_begun_is_never_reclaimed(services: AwsServices) -> None:
    services.items["i1", "summary"] = {
        "ledger_key": {"S": "i1"}, "entry": {"S": "summary"}, "started_at": {"S": "t0"}, "status": {"S": "FAILED"},
    }  # fmt: skip

    for reclaim in (False, True):
        with pytest.raises(IngestExistsError):
            start(services, upload(FIRST), reclaim=reclaim)

    assert services.objects == {}


def test_a_start_of_the_same_source_that_another_client_got_in_before_is_reported(services: AwsServices) -> None:
    source = ObjectsSpec("b", "records.jsonl")

    def start_elsewhere(request: Request) -> None:
        if request.headers.get("X-Amz-Target", "").endswith(".StartExecution"):
            services.before = lambda _: None
            services.start("i1", {"source": source.as_dict()})

    services.before = start_elsewhere
    with pytest.raises(IngestExistsError):
        start(services, StoredObjects(source, SourceOptions()))

    assert services.ingest_item("i1") is None


def test_the_execution_names_the_claim_of_its_start(services: AwsServices) -> None:
    start(services, upload(FIRST))

    execution_input = json.loads(services.executions["i1"]["input"])
    item = services.ingest_item("i1")
    assert item is not None
    assert execution_input["claim"] == item["claim_token"]["S"]
    assert f"/{execution_input['claim']}/" in execution_input["source"]["key"]


def test_a_start_whose_answer_was_lost_is_not_reported_as_another_ones(
    services: AwsServices, aws: AnsweringServer
) -> None:
    answer = aws.answer

    def lose_first_answer(request: Request) -> Reply:
        reply = answer(request)
        if request.headers.get("X-Amz-Target", "").endswith(".StartExecution"):
            services.executions["i1"]["status"] = "SUCCEEDED"
            aws.answer = answer
            return Reply(status=503)
        return reply

    aws.answer = lose_first_answer
    start(services, upload(FIRST))

    assert scored_content(services) == FIRST


@pytest.mark.parametrize("limit", [None, 0.0, 2.5])
def test_the_limit_of_rejected_records_is_in_the_executions_input(services: AwsServices, limit: float | None) -> None:
    start(services, upload(FIRST), max_rejected_percent=limit)

    execution_input = json.loads(services.executions["i1"]["input"])
    assert execution_input.get("max_rejected_percent") == limit
    assert ("max_rejected_percent" in execution_input) == (limit is not None)
