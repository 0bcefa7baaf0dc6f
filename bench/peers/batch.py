"""What all peers share: the records of the file, the model, and the writing of a batch's predictions by plain boto3."""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import batched
from pathlib import Path
from typing import Any

import boto3
import joblib

RECORDS = 100
PUTS = 25  # the most that BatchWriteItem takes


@dataclass(frozen=True, slots=True)
class Task:
    """What a peer does, from its command line.

    Attributes
    ----------
    records : JSON Lines with id and text
    model : the model's joblib file
    table : where predictions are written to, on AWS_ENDPOINT_URL
    ingest_id : what they are written under
    """

    records: Path
    model: str
    table: str
    ingest_id: str


def read_task(description: str | None) -> Task:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("records", type=Path)
    parser.add_argument("model")
    parser.add_argument("table")
    parser.add_argument("ingest_id")
    return Task(**vars(parser.parse_args()))


def read_batches(task: Task) -> Iterator[Sequence[dict[str, str]]]:
    with task.records.open(encoding="utf-8") as lines:
        yield from batched((json.loads(line) for line in lines), RECORDS, strict=False)


def predict_and_write(task: Task, ids: Sequence[str], texts: Sequence[str]) -> int:
    """Predict a batch and write it, 25 puts a call; return its records. Model and client are made once a process.

    Raises
    ------
    RuntimeError
        If DynamoDB left items unprocessed. The local one never does.
    """
    model, dynamodb = _model(task.model), _dynamodb()
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    puts: list[Any] = [
        {
            "PutRequest": {
                "Item": {
                    "record_id": {"S": record_id},
                    "ingest_id": {"S": task.ingest_id},
                    "label": {"S": str(model.classes_[row.argmax()])},
                    "score": {"N": repr(float(row.max()))},
                    "model_version": {"S": "1"},
                    "predicted_at": {"S": now},
                }
            }
        }
        for record_id, row in zip(ids, model.predict_proba(texts), strict=True)
    ]
    for some in batched(puts, PUTS, strict=False):
        if dynamodb.batch_write_item(RequestItems={task.table: list(some)})["UnprocessedItems"]:
            raise RuntimeError("DynamoDB left items unprocessed, and this does not send them again")
    return len(puts)


@cache
def _model(file: str) -> Any:
    return joblib.load(file)


@cache
def _dynamodb() -> Any:
    return boto3.client("dynamodb")
