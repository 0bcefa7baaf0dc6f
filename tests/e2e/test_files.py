"""A file that is not what it should be, through the deployed template; good ones of every kind: test_every_door.py."""

import gzip
from collections.abc import Callable

from tests.support.deployed import Stack


def test_a_file_that_is_not_what_its_name_says_fails_with_one_clear_cause(
    stack: Stack, new_id: Callable[[], str]
) -> None:
    ingest_id = new_id()
    bucket, key = stack.deployment.source_bucket, f"files/{ingest_id}.csv.gz"
    stack.deployment.s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress(b"id,text\n" * 99)[:-9])

    ended = stack.execute(ingest_id, {"source": {"bucket": bucket, "key": key}})

    assert ended["status"] == "FAILED"
    assert f"{ingest_id}.csv.gz is cut off or damaged: its gzip cannot be read to the end" in ended["cause"]
