"""Reading a whole object with one request, and going on where a connection ended."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import BotoCoreError

from hundredfold.aws import clients
from hundredfold.errors import SourceChangedError, SourceMissingError
from hundredfold_cli.ingests.verification.object_stream import find_object, open_stream
from tests.unit.answering_server import AnsweringServer, Reply, Request, s3_error

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def s3(aws: AnsweringServer) -> "Iterator[S3Client]":
    client = clients.s3()
    yield client
    client.close()


def read(s3: "S3Client") -> bytes:
    return open_stream(s3, "bucket", "key", "etag").read()


def test_an_object_is_read_with_one_request_that_names_its_etag(aws: AnsweringServer, s3: "S3Client") -> None:
    aws.answer = lambda _: Reply(CONTENT)

    assert read(s3) == CONTENT

    [request] = aws.requests
    assert (request.headers["If-Match"], request.headers.get("Range")) == ('"etag"', None)


def test_it_goes_on_where_the_connection_ended(aws: AnsweringServer, s3: "S3Client") -> None:
    def answer(request: Request) -> Reply:
        first = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        return Reply(CONTENT[first:], drop_after=4_000 if first < 4_000 else None)

    aws.answer = answer

    assert read(s3) == CONTENT


def test_it_gives_up_if_connections_always_end(aws: AnsweringServer, s3: "S3Client") -> None:
    aws.answer = lambda _: Reply(CONTENT, drop_after=0)

    with pytest.raises(BotoCoreError):
        read(s3)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (s3_error("PreconditionFailed", 412), SourceChangedError),
        (s3_error("NoSuchKey", 404), SourceMissingError),
        (s3_error("AccessDenied", 403), SourceMissingError),
    ],
)
def test_an_object_that_is_no_longer_the_same_is_an_error(
    aws: AnsweringServer, s3: "S3Client", reply: Reply, error: type[Exception]
) -> None:
    aws.answer = lambda _: reply

    with pytest.raises(error):
        read(s3)


def test_an_object_is_found_with_its_etag_its_size_and_its_time(aws: AnsweringServer, s3: "S3Client") -> None:
    headers = {"ETag": '"etag"', "Content-Length": "7", "Last-Modified": "Tue, 24 Nov 2026 20:00:00 GMT"}
    aws.answer = lambda _: Reply(b"", 200, headers)

    found = find_object(s3, "bucket", "key")

    assert found is not None
    assert (str(found), found.etag, found.size) == ("s3://bucket/key", "etag", 7)
    assert found.modified.isoformat() == "2026-11-24T20:00:00+00:00"


@pytest.mark.parametrize("status", [403, 404])
def test_an_object_that_is_not_there_is_not_found(aws: AnsweringServer, s3: "S3Client", status: int) -> None:
    aws.answer = lambda _: Reply(b"", status)

    assert find_object(s3, "bucket", "key") is None
