"""Sources and work objects in S3: the requests that are sent, and what each answer means."""

import io
import re
from collections.abc import Iterator
from typing import cast

import pytest
from botocore.exceptions import ClientError

from hundredfold.aws import clients, objects
from hundredfold.aws.objects import S3Sources, S3WorkObjects
from hundredfold.errors import HundredfoldError, SourceChangedError, SourceMissingError, StoreBusyError
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from tests.unit.answering_server import AnsweringServer, Reply, Request, s3_error

LOCATION = ObjectLocation("records", "a/reviews.jsonl")
SOURCE = PinnedObject("records", "a/reviews.jsonl", etag="0123abcd-2", size=10)
CONTENT = b"0123456789"


@pytest.fixture
def sources(aws: AnsweringServer) -> Iterator[S3Sources]:
    client = clients.s3()
    yield S3Sources(client)
    client.close()


@pytest.fixture
def work(aws: AnsweringServer) -> Iterator[S3WorkObjects]:
    client = clients.s3()
    yield S3WorkObjects(client, "kept")
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


def test_a_source_opened_as_a_file_is_read_in_whole_parts(
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


def test_an_empty_source_is_streamed_without_a_request(aws: AnsweringServer, sources: S3Sources) -> None:
    assert list(sources.stream(PinnedObject("records", "empty", etag="e", size=0))) == []
    assert aws.requests == []


def test_a_work_object_is_written_whole(aws: AnsweringServer, work: S3WorkObjects) -> None:
    aws.answer = lambda _: Reply(b"", 200, {"ETag": '"e"'})

    work.write("ingests/i1/manifest.json", b"[]")

    [request] = aws.requests
    assert (request.method, request.path) == ("PUT", "/kept/ingests/i1/manifest.json")
    assert b"[]" in request.body
    assert work.bucket == "kept"


def test_a_source_can_be_read_as_a_file_that_is_pinned_too(aws: AnsweringServer, sources: S3Sources) -> None:
    aws.answer = answer_ranges

    with sources.open(SOURCE) as file:
        assert file.read(3) == b"012"
        assert file.seek(-2, io.SEEK_END) == 8
        assert file.read() == b"89"
        assert file.seek(2) == 2
        assert file.read(4) == b"2345"
        assert file.read(100) == b"6789"
        assert file.read(1) == b""
    assert {request.headers["If-Match"] for request in aws.requests} == {'"0123abcd-2"'}


def test_objects_are_listed_page_by_page(aws: AnsweringServer, sources: S3Sources) -> None:
    def page(key: str, more: str = "") -> Reply:
        contents = f'<Contents><Key>{key}</Key><ETag>"e-{key}"</ETag><Size>7</Size></Contents>'
        again = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{more}</NextContinuationToken>" if more else ""
        body = f"<ListBucketResult>{contents}{again}</ListBucketResult>"
        return Reply(body.encode(), 200, {"Content-Type": "application/xml"})

    aws.answer_in_turn(page("a/1", "more"), page("a/2"))

    assert list(sources.list("records", "a/")) == [
        PinnedObject("records", "a/1", "e-a/1", 7),
        PinnedObject("records", "a/2", "e-a/2", 7),
    ]
    assert all("prefix=a%2F" in request.path for request in aws.requests)


def test_a_bucket_that_is_not_there_cannot_be_listed(aws: AnsweringServer, sources: S3Sources) -> None:
    aws.answer = lambda _: s3_error("NoSuchBucket", 404)

    with pytest.raises(SourceMissingError, match="s3://records/a/"):
        list(sources.list("records", "a/"))


class Multipart:
    """Answers as S3 does to an upload in parts, and keeps what was sent in which order."""

    def __init__(self, fail: str = "") -> None:
        self.calls: list[str] = []
        self.parts: dict[str, bytes] = {}
        self._fail = fail

    def __call__(self, request: Request) -> Reply:
        call = self._call(request)
        self.calls.append(call)
        if call == self._fail:
            return s3_error("AccessDenied", 403)
        match call.split()[0]:
            case "create":
                return self._xml(
                    "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>"
                )
            case "part":
                self.parts[call] = request.body
                return Reply(b"", 200, {"ETag": f'"{call[-1]}"'})
            case "complete":
                return self._xml(
                    '<CompleteMultipartUploadResult><ETag>"whole-3"</ETag></CompleteMultipartUploadResult>'
                )
            case "abort":
                return Reply(b"", 204)
            case _:
                return Reply(b"", 200, {"ETag": '"single"'})

    @staticmethod
    def _call(request: Request) -> str:
        if "uploads" in request.path:
            return "create"
        if request.method == "POST":
            return "complete"
        if request.method == "DELETE":
            return "abort"
        number = re.search(r"partNumber=(\d+)", request.path)
        return f"part {number[1]}" if number else "put"

    @staticmethod
    def _xml(body: str) -> Reply:
        return Reply(body.encode(), 200, {"Content-Type": "application/xml"})


def test_an_upload_of_a_single_part_is_put_when_it_is_finished(aws: AnsweringServer, work: S3WorkObjects) -> None:
    aws.answer = s3 = Multipart()

    with work.begin("ingests/i1/manifest.json") as upload:
        upload.write(b"[")
        upload.write(b"]")
        assert s3.calls == []
        assert upload.finish() == PinnedObject("kept", "ingests/i1/manifest.json", "single", 2)

    assert s3.calls == ["put"]


@pytest.fixture
def parts_of_four_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "UPLOAD_PART_BYTES", 4)


@pytest.mark.usefixtures("parts_of_four_bytes")
def test_a_larger_upload_is_sent_in_parts_as_it_is_written(aws: AnsweringServer, work: S3WorkObjects) -> None:
    aws.answer = s3 = Multipart()

    with work.begin("k") as upload:
        upload.write(b"0123456")
        assert s3.calls == ["create", "part 1"]
        upload.write(b"78")
        assert upload.finish() == PinnedObject("kept", "k", "whole-3", 9)

    assert s3.calls == ["create", "part 1", "part 2", "part 3", "complete"]
    assert all(part in body for part, body in zip((b"0123", b"4567", b"8"), s3.parts.values(), strict=True))


@pytest.mark.usefixtures("parts_of_four_bytes")
def test_an_upload_that_is_not_finished_leaves_nothing(aws: AnsweringServer, work: S3WorkObjects) -> None:
    aws.answer = s3 = Multipart()

    with work.begin("k") as upload:
        upload.write(b"0123456")

    assert s3.calls == ["create", "part 1", "abort"]


@pytest.mark.usefixtures("parts_of_four_bytes")
def test_an_upload_that_fails_is_aborted(aws: AnsweringServer, work: S3WorkObjects) -> None:
    aws.answer = s3 = Multipart(fail="part 2")

    with pytest.raises(SourceMissingError, match="access is denied"), work.begin("k") as upload:
        upload.write(b"01234567")

    assert s3.calls == ["create", "part 1", "part 2", "abort"]


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
        (s3_error("SlowDown", 503), StoreBusyError, "S3 did not answer for s3://records/a/reviews.jsonl: SlowDown"),
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
    assert error is StoreBusyError or len(aws.requests) == 1, "what cannot get better is not tried again"


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


def test_a_passing_failure_is_not_noticed(aws: AnsweringServer, sources: S3Sources) -> None:
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


def test_any_other_refusal_is_raised_as_it_is(aws: AnsweringServer, sources: S3Sources) -> None:
    aws.answer = lambda _: s3_error("InvalidRequest", 400)

    with pytest.raises(ClientError, match="InvalidRequest"):
        sources.read(SOURCE, 0, 10)


def test_a_work_bucket_that_stays_busy_raises_a_retryable_error(aws: AnsweringServer, work: S3WorkObjects) -> None:
    aws.answer = lambda _: s3_error("SlowDown", 503)

    with pytest.raises(StoreBusyError, match="S3 did not answer for s3://kept/k"):
        work.write("k", b"content")

    assert len(aws.requests) == 3


def test_a_stream_begins_at_the_byte_that_is_asked_for(
    aws: AnsweringServer, sources: S3Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "STREAM_PART_BYTES", 4)
    aws.answer = answer_ranges

    assert list(sources.stream(SOURCE, 3)) == [b"3456", b"789"]


def test_a_work_object_is_streamed_pinned_to_what_it_was_at_first(
    aws: AnsweringServer, work: S3WorkObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "STREAM_PART_BYTES", 4)
    pinned = Reply(b"", 200, {"ETag": '"0123abcd-2"', "Content-Length": "10"})
    aws.answer = lambda request: pinned if request.method == "HEAD" else answer_ranges(request)

    stream = work.stream("ingests/i1/manifest.json")

    assert stream is not None
    assert list(stream) == [b"0123", b"4567", b"89"]
    assert {request.headers["If-Match"] for request in aws.requests[1:]} == {'"0123abcd-2"'}


def test_a_work_object_that_is_not_there_has_no_stream(aws: AnsweringServer, work: S3WorkObjects) -> None:
    aws.answer = lambda _: Reply(b"", 404)

    assert work.stream("ingests/i1/manifest.json") is None


@pytest.mark.parametrize(("code", "status"), [("NoSuchKey", 404), ("AccessDenied", 403)])
def test_to_a_function_that_may_not_list_a_refusal_says_that_there_is_no_object(
    aws: AnsweringServer, work: S3WorkObjects, code: str, status: int
) -> None:
    aws.answer = lambda _: s3_error(code, status)

    assert work.read("ingests/i1/card.json") is None


def test_to_those_who_may_list_a_refusal_is_an_error(aws: AnsweringServer, work: S3WorkObjects) -> None:
    listing = S3WorkObjects(work._client, "kept", may_list=True)
    aws.answer_in_turn(s3_error("NoSuchKey", 404), s3_error("AccessDenied", 403))

    assert listing.read("ingests/i1/card.json") is None
    with pytest.raises(SourceMissingError, match=r"s3://kept/ingests/i1/card\.json: access is denied"):
        listing.read("ingests/i1/card.json")


def test_an_object_of_an_ingest_that_cannot_be_read_now_can_be_later(aws: AnsweringServer, work: S3WorkObjects) -> None:
    aws.answer = lambda _: s3_error("SlowDown", 503)

    with pytest.raises(StoreBusyError):
        work.read("ingests/i1/card.json")


def test_the_keys_of_a_folder_are_listed(aws: AnsweringServer, work: S3WorkObjects) -> None:
    contents = "".join(
        f"<Contents><Key>ingests/i1/rejected/{number:08d}.jsonl</Key><Size>9</Size><ETag>e</ETag></Contents>"
        for number in (2, 11)
    )
    aws.answer = lambda _: Reply(f"<ListBucketResult>{contents}</ListBucketResult>".encode())

    assert list(work.keys("ingests/i1/rejected/")) == [
        "ingests/i1/rejected/00000002.jsonl", "ingests/i1/rejected/00000011.jsonl",
    ]  # fmt: skip
    assert "prefix=ingests%2Fi1%2Frejected%2F" in aws.requests[0].path
