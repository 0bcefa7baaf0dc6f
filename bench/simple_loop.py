"""The simplest loop that does what an ingest does: read, predict 100 records at a time, write each prediction.

One process, one thread, the plain boto3 client. `compare.py` runs it, and times it from outside; it prints how many
seconds it took from here on, without Python's start, its imports and the loading of the model.
"""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import joblib

RECORDS = 100
PUTS = 25  # the most that BatchWriteItem takes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", type=Path, help="JSON Lines with id and text")
    parser.add_argument("model", type=Path, help="the model's joblib file")
    parser.add_argument("table", help="where predictions are written to, on AWS_ENDPOINT_URL")
    parser.add_argument("ingest_id", help="what they are written under")
    arguments = parser.parse_args()
    model = joblib.load(arguments.model)
    loaded = time.perf_counter()

    with arguments.records.open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    dynamodb = boto3.client("dynamodb")
    for batch, first in enumerate(range(0, len(records), RECORDS)):
        chunk = records[first : first + RECORDS]
        probabilities = model.predict_proba([record["text"] for record in chunk])
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        puts: list[Any] = [
            {
                "PutRequest": {
                    "Item": {
                        "record_id": {"S": record["id"]},
                        "ingest_id": {"S": arguments.ingest_id},
                        "label": {"S": str(model.classes_[row.argmax()])},
                        "score": {"N": repr(float(row.max()))},
                        "batch": {"N": str(batch)},
                        "model_version": {"S": "1"},
                        "predicted_at": {"S": now},
                    }
                }
            }
            for record, row in zip(chunk, probabilities, strict=True)
        ]
        for put in range(0, len(puts), PUTS):
            answer = dynamodb.batch_write_item(RequestItems={arguments.table: puts[put : put + PUTS]})
            if answer["UnprocessedItems"]:
                sys.exit("DynamoDB left items unprocessed, and the simplest loop does not send them again")
    sys.stdout.write(f"{time.perf_counter() - loaded}\n")


if __name__ == "__main__":
    main()
