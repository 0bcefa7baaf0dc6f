"""Sources and work objects in S3: what is asked for, and what each answer means."""

import io
from collections.abc import Iterator
from typing import cast

import pytest
from botocore.exceptions import ClientError
from hundredfold.adapters import clients, objects
from hundredfold.adapters.objects import S3Sources, S3WorkObjects
from hundredfold.errors import HundredfoldError, SourceChangedError, SourceMissingError, StoreBusyError
from hundredfold.source import ObjectLocation, Source

from tests.unit.answering_server import AnsweringServer, Reply, Request, s3_error

LOCATION = ObjectLocation("records", "a/reviews.jsonl")
SOURCE = Source("records", "a/reviews.jsonl", etag="0123abcd-2", size=10)
CONTENT = b"0123456789"


@pytest.fixture
def sources(aws: AnsweringServer) -> Iterator[S3Sources]:
    client = clients.s3()
    yield S3Sources(client)
    client.close()


@pytest.fixture
def work(aws: AnsweringServer) -> Iterator[S3WorkObjects]:
    client = clients.s3()
    yield S3WorkObjects(client, "work")
    client.close()


def answer_ranges(request: Request) -> Reply:
    """Answer as S3 does."""
    first, last = (int(number) for number in request.headers["Range"].removeprefix("bytes=").split("-"))
    part = CONTENT[first : last + 1]
    return Reply(part, 206, {"Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(CONTENT)}"})


def test_a_source_is_pinned_to_its_etag_and_size(aws: AnsweringServer, sources: S3Sources) -> None:
    aws.answer = lambda _: Reply(b"", 200, {"ETag": '"0123abcd-2"', "Content-Length": "10"})

    assert sources.pin(LOCATION) == SOURCE
    [request] = aws.requests
    assert (request.method, request.path) == ("HEAD", "/records/a/reviews.jsonl")


def test_a_range_is_read_of_the_pinned_object_only(aws: AnsweringServer, sources: S3Sources) -> None:
    aws.answer = answer_ranges

    assert sources.read(SOURCE, 3, 4) == b"3456"
    [request] = aws.requests
    assert (request.method, request.path.split("?")[0]) == ("GET", "/records/a/reviews.jsonl")
    assert request.headers["Range"] == "bytes=3-6"
    assert request.headers["If-Match"] == '"0123abcd-2"'


def test_the_last_byte_is_one_byte(aws: AnsweringServer, sources: S3Sources) -> None:
    aws.answer = answer_ranges

    assert sources.read(SOURCE, 9, 1) == b"9"
    assert aws.requests[0].headers["Range"] == "bytes=9-9"


def test_a_source_is_streamed_in_parts_that_are_pinned_too(
    aws: AnsweringServer, sources: S3Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "STREAM_PART_BYTES", 4)
    aws.answer = answer_ranges

    assert list(sources.stream(SOURCE)) == [b"0123", b"4567", b"89"]
    assert [request.headers["Range"] for request in aws.requests] == ["bytes=0-3", "bytes=4-7", "bytes=8-9"]
    assert {request.headers["If-Match"] for request in aws.requests} == {'"0123abcd-2"'}


def test_a_source_is_opened_as_a_file_that_asks_for_parts_whoever_reads_it(
    aws: AnsweringServer, sources: S3Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "STREAM_PART_BYTES", 4)
    aws.answer = answer_ranges

    file = sources.open(SOURCE)

    assert [cast("io.BufferedReader", file).read1(3) for _ in range(5)] == [b"012", b"3", b"456", b"7", b"89"]
    assert [request.headers["Range"] for request in aws.requests] == ["bytes=0-3", "bytes=4-7", "bytes=8-9"]
    file.seek(9)
    assert file.read() == b"9"
    assert {request.headers["If-Match"] for request in aws.requests} == {'"0123abcd-2"'}


def test_an_empty_source_is_streamed_without_being_asked_for(aws: AnsweringServer, sources: S3Sources) -> None:
    assert list(sources.stream(Source("records", "empty", etag="e", size=0))) == []
    assert aws.requests == []


def test_a_work_object_is_written_whole(aws: AnsweringServer, work: S3WorkObjects) -> None:
    aws.answer = lambda _: Reply(b"", 200, {"ETag": '"e"'})

    work.write("ingests/i1/manifest.json", b"[]")

    [request] = aws.requests
    assert (request.method, request.path) == ("PUT", "/work/ingests/i1/manifest.json")
    assert b"[]" in request.body
    assert work.bucket == "work"


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        (s3_error("NoSuchKey", 404), SourceMissingError, "cannot read s3://records/a/reviews.jsonl: there is no such"),
        (s3_error("NoSuchBucket", 404), SourceMissingError, "there is no such object"),
        (s3_error("AccessDenied", 403), SourceMissingError, "access is denied, or there is no such object"),
        (s3_error("PreconditionFailed", 412), SourceChangedError, "s3://records/a/reviews.jsonl was replaced"),
        (s3_error("InvalidRange", 416), SourceChangedError, "start a new ingest"),
        (Reply(b"012", 206), SourceChangedError, "was replaced after this ingest was planned"),
        (Reply(b"", 206), SourceChangedError, "was replaced after this ingest was planned"),
        (s3_error("SlowDown", 503), StoreBusyError, "S3 did not answer for s3://records/a/reviews.jsonl: ClientError"),
        (s3_error("InternalError", 500), StoreBusyError, "S3 did not answer"),
        (Reply(b"<html>", 502), StoreBusyError, "S3 did not answer"),
        (Reply(CONTENT, 206, drop_after=4), StoreBusyError, "S3 did not answer .*: ResponseStreamingError"),
    ],
)
def test_what_an_answer_to_a_read_means(
    aws: AnsweringServer, sources: S3Sources, reply: Reply, error: type[HundredfoldError], message: str
) -> None:
    aws.answer = lambda _: reply

    with pytest.raises(error, match=message) as raised:
        sources.read(SOURCE, 0, 10)

    assert raised.value.retryable is (error is StoreBusyError)


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, SourceMissingError), (403, SourceMissingError), (503, StoreBusyError), (500, StoreBusyError)],
)
def test_what_an_answer_without_a_body_means(
    aws: AnsweringServer, sources: S3Sources, status: int, error: type[HundredfoldError]
) -> None:
    aws.answer = lambda _: Reply(b"", status)

    with pytest.raises(error, match=r"s3://records/a/reviews\.jsonl"):
        sources.pin(LOCATION)


def test_a_failure_in_passing_is_not_noticed(aws: AnsweringServer, sources: S3Sources) -> None:
    aws.answer_in_turn(s3_error("SlowDown", 503), Reply(CONTENT, 206))

    assert sources.read(SOURCE, 0, 10) == CONTENT


def test_a_source_that_changes_while_it_is_streamed_is_noticed(
    aws: AnsweringServer, sources: S3Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "STREAM_PART_BYTES", 4)
    aws.answer_in_turn(Reply(b"0123", 206), s3_error("PreconditionFailed", 412))
    parts = sources.stream(SOURCE)

    assert next(parts) == b"0123"
    with pytest.raises(SourceChangedError):
        next(parts)


def test_an_error_that_means_nothing_known_is_raised_as_it_is(aws: AnsweringServer, sources: S3Sources) -> None:
    aws.answer = lambda _: s3_error("InvalidRequest", 400)

    with pytest.raises(ClientError, match="InvalidRequest"):
        sources.read(SOURCE, 0, 10)


def test_a_work_bucket_that_stays_busy_is_said_to_be(aws: AnsweringServer, work: S3WorkObjects) -> None:
    aws.answer = lambda _: s3_error("SlowDown", 503)

    with pytest.raises(StoreBusyError, match="S3 did not answer for s3://work/k"):
        work.write("k", b"content")

    assert len(aws.requests) == 3
