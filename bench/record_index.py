"""The index of packed predictions at full size: the summary's time and peak memory, and what a lookup reads.

The ledger and the work bucket are made up in this process, behind the real adapters and botocore. Each size runs in a
process of its own. Exits with 1 if a lookup takes more than 3 requests or 200 KB, finds another record's prediction, or
if the peaks of the sizes are more than 64 MiB apart.
"""

import argparse
import io
import json
import os
import random
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from bench.fresh_stack import say
from bench.planner_memory import peak_mib
from hundredfold.accounting.index_builder import IndexBuilder, indexed
from hundredfold.accounting.summarize import summarize
from hundredfold.aws.ledger import DynamoLedger
from hundredfold.aws.lookup import Lookup
from hundredfold.aws.objects import S3WorkObjects
from hundredfold.batches import LEDGER_SHARDS
from hundredfold.ingest import Model, Plan
from hundredfold.keys import index_key
from hundredfold.layout import Layout
from hundredfold.packed import PackedPredictions
from hundredfold.records import Prediction
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.spec import ObjectsSpec

BATCH_RECORDS = 100
INGEST, AT = "synthetic", "2026-11-24T10:00:00.000+00:00"
PAGE_BYTES = 1_000_000
MOST_REQUESTS, MOST_BYTES, FLAT_MIB = 3, 200_000, 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, nargs="+", default=[50_000, 1_000_000, 10_000_000])
    parser.add_argument("--lookups", type=int, default=200)
    parser.add_argument("--once", type=int, help="one size, in this process")
    arguments = parser.parse_args()
    if arguments.once:
        _run(arguments.once, arguments.lookups)
        return
    say(
        f"{'records':>11} {'read units':>10} {'CPU s':>9} {'us/record':>9} {'peak MiB':>8} {'index bytes':>11} "
        f"{'requests':>8} {'bytes, mean':>11} {'most':>9}"
    )
    peaks = []
    for records in arguments.records:
        command = [sys.executable, "-m", "bench.record_index", "--once", str(records), "--lookups"]
        done = subprocess.run([*command, str(arguments.lookups)], stdout=subprocess.PIPE, check=True)
        row = json.loads(done.stdout)
        peaks.append(row["peak_mib"])
        say(
            f"{records:>11,} {row['read_units']:>10,} {row['seconds']:>9.1f} {row['seconds'] / records * 1e6:>9.2f} "
            f"{row['peak_mib']:>8.1f} {row['index_bytes']:>11,} {row['requests']:>8} {row['mean_bytes']:>11,.0f} "
            f"{row['most_bytes']:>9,}"
        )
        if row["wrong"] or row["requests"] > MOST_REQUESTS or row["most_bytes"] > MOST_BYTES:
            sys.exit(f"{row['wrong']} lookups were wrong, or one took too much")
    if max(peaks) - min(peaks) > FLAT_MIB:
        sys.exit(f"the peaks are {max(peaks) - min(peaks):.1f} MiB apart")


class MadeUp:
    """A ledger whose items are made up when they are read, and a bucket that keeps objects in a folder."""

    def __init__(self, records: int) -> None:
        self.batches = records // BATCH_RECORDS
        self._folder = TemporaryDirectory(prefix="made-up-")
        self.ingest: dict[str, Any] = {}
        self.requests = 0
        self.sent_bytes = 0
        self.read_bytes = 0
        self.making_seconds = 0.0

    def attach(self, client: Any) -> None:
        client.meta.events.register("before-send", self._answer)

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        began = time.process_time()
        target = request.headers.get("X-Amz-Target", b"")
        action = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        headers, body = self._dynamodb(action, json.loads(request.body)) if action else self._s3(request)
        self.requests += 1
        self.sent_bytes += len(body)
        self.making_seconds += time.process_time() - began
        status = 206 if "Content-Range" in headers else 200
        return AWSResponse(
            request.url, status, HTTPHeaders.from_dict({**headers, "Content-Length": str(len(body))}), _Raw(body)
        )

    def _dynamodb(self, action: str, asked: dict[str, Any]) -> tuple[dict[str, str], bytes]:
        if action == "PutItem":
            self.ingest = asked["Item"]
            answer: dict[str, Any] = {}
        elif action == "GetItem":
            answer = {"Item": self.ingest} if self.ingest else {}
        elif action == "BatchGetItem":
            [(table, keys)] = asked["RequestItems"].items()
            rows = [self._item(int(key["entry"]["S"])) for key in keys["Keys"]]
            answer = {"Responses": {table: rows}, "UnprocessedKeys": {}}
        else:
            answer = self._page(asked)
        return {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(answer).encode()

    def _page(self, asked: dict[str, Any]) -> dict[str, Any]:
        shard = int(asked["ExpressionAttributeValues"][":key"]["S"].rpartition("#")[2])
        after = int(asked.get("ExclusiveStartKey", {}).get("entry", {}).get("S", shard - LEDGER_SHARDS))
        items: list[dict[str, Any]] = []
        size = 0
        for batch in range(after + LEDGER_SHARDS, self.batches, LEDGER_SHARDS):
            items.append(self._item(batch))
            size += 400 + len(items[-1]["predictions"]["B"]) * 3 // 4
            if size >= PAGE_BYTES:
                break
        self.read_bytes += size
        more = bool(items) and int(items[-1]["entry"]["S"]) + LEDGER_SHARDS < self.batches
        last = {name: items[-1][name] for name in ("ledger_key", "entry")} if more else None
        return {"Items": items, **({"LastEvaluatedKey": last} if last else {})}

    def _item(self, batch: int) -> dict[str, Any]:
        first = batch * BATCH_RECORDS
        scores = random.Random(batch)  # noqa: S311 - keeps no secret
        predictions = [
            Prediction(f"review-{number:08d}", scores.choice(("negative", "positive")), scores.uniform(0.5, 1))
            for number in range(first, first + BATCH_RECORDS)
        ]
        [part] = PackedPredictions("7", predictions).parts(AT)
        number = {"N": str(BATCH_RECORDS)}
        return {
            "ledger_key": {"S": f"{INGEST}#{batch % LEDGER_SHARDS}"},
            "entry": {"S": str(batch)},
            "status": {"S": "done"},
            "records": number,
            "predicted": number,
            "rejected": {"N": "0"},
            "reasons": {"M": {}},
            "milliseconds": {"M": {"read": {"N": "4"}, "write": {"N": "9"}}},
            "predictions": {"B": b64encode(part).decode()},
        }

    def _s3(self, request: Any) -> tuple[dict[str, str], bytes]:
        key = urlsplit(request.url).path.split("/", 2)[2]
        match request.method:
            case "POST" if request.url.endswith("?uploads"):
                return {}, b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
            case "POST":
                return {}, b'<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>'
            case "PUT":
                body = request.body if isinstance(request.body, bytes) else request.body.read()
                with self._object(key).open("ab") as file:
                    file.write(_unchunked(body, request.headers))
                return {"ETag": '"e"'}, b""
            case _:
                wanted = request.headers["Range"]
                first, last = map(int, (wanted.decode() if isinstance(wanted, bytes) else wanted)[6:].split("-"))
                return {"ETag": '"e"', "Content-Range": "x"}, self._range(key, first, last)

    def _range(self, key: str, first: int, last: int) -> bytes:
        with self._object(key).open("rb") as file:
            file.seek(first)
            return file.read(last + 1 - first)

    def _object(self, key: str) -> Path:
        return Path(self._folder.name, key.replace("/", "_"))


class _Raw(io.BytesIO):
    """A body as botocore reads it from urllib3."""

    def stream(self, size: int = 65_536, **_: Any) -> Iterator[bytes]:
        while chunk := self.read(size):
            yield chunk


def _unchunked(body: bytes, headers: Any) -> bytes:
    """Return what was sent; botocore may send it in chunks with a checksum at the end."""
    encoding = headers.get("Content-Encoding", "")
    if "aws-chunked" not in (encoding.decode() if isinstance(encoding, bytes) else encoding):
        return body
    head, _, rest = body.partition(b"\r\n")
    size = int(head.partition(b";")[0], 16)
    return rest[:size] + (
        _unchunked(rest[size + 2 :], headers) if size and rest[size + 2 : size + 4] != b"0\r" else b""
    )


def _run(records: int, lookups: int) -> None:
    """Sum up an ingest of so many records as the summary function does, look some records up, and print the figures."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": "us-east-1"}
    made_up = MadeUp(records)
    dynamodb = boto3.client("dynamodb", endpoint_url="http://localhost")
    s3 = boto3.client("s3", endpoint_url="http://localhost")
    made_up.attach(dynamodb)
    made_up.attach(s3)
    ledger, work = DynamoLedger(dynamodb, "ledger"), S3WorkObjects(s3, "work")
    plan = Plan(
        ingest_id=INGEST,
        spec=ObjectsSpec("records", "reviews.jsonl"),
        pinned=PinnedObject("records", "reviews.jsonl", "e", records * 120),
        source_bytes=records * 120,
        manifest=ObjectLocation("work", "manifest.json"),
        batches=made_up.batches,
        records=records,
        model=Model("arn:infer:7", "7"),
        layout=Layout.PACKED,
    )
    ledger.begin(plan, AT)
    began, made_up.making_seconds = time.process_time(), 0.0
    with IndexBuilder() as builder:
        summary = summarize(INGEST, AT, AT, plan, indexed(ledger.packed_entries(INGEST), builder), None)
        index = builder.write(index_key(INGEST, INGEST), work)
    seconds = time.process_time() - began - made_up.making_seconds
    peak = peak_mib()
    ledger.finish(summary, index=index)
    lookup = Lookup(dynamodb, s3, predictions_table="predictions", ledger_table="ledger")
    most_requests, wrong, read = 0, int(summary.predicted != records), []
    for number in random.Random(1).sample(range(records), lookups):  # noqa: S311 - keeps no secret
        made_up.requests = made_up.sent_bytes = 0
        found = lookup.find(INGEST, f"review-{number:08d}")
        wrong += found is None or found["batch"] != number // BATCH_RECORDS
        most_requests = max(most_requests, made_up.requests)
        read.append(made_up.sent_bytes)
    figures = {
        "seconds": seconds,
        "read_units": -(-made_up.read_bytes // 4096),
        "peak_mib": peak,
        "index_bytes": index.pinned.size,
        "requests": most_requests,
        "mean_bytes": sum(read) / len(read),
        "most_bytes": max(read),
        "wrong": wrong,
    }
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    main()
