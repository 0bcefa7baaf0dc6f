"""The function that people write: a model file that joblib loads, and boto3's own way to write items.

The model is loaded at import. With LOAD_IN_EACH_CALL it is loaded in each call, as the article of 2019 does.
"""

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import boto3
import joblib

loaded = None if os.environ.get("LOAD_IN_EACH_CALL") else joblib.load(os.environ["MODEL"])
s3 = boto3.client("s3")
table = boto3.resource("dynamodb").Table(os.environ["PREDICTIONS_TABLE"])


def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    model = joblib.load(os.environ["MODEL"]) if loaded is None else loaded
    first, last = event["offset"], event["offset"] + event["length"] - 1
    answer = s3.get_object(Bucket=event["bucket"], Key=event["key"], Range=f"bytes={first}-{last}")
    records = [json.loads(line) for line in answer["Body"].read().splitlines()]
    probabilities = model.predict_proba([record["text"] for record in records])
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    with table.batch_writer() as writer:
        for record, row in zip(records, probabilities, strict=True):
            item = {
                "record_id": record["id"],
                "ingest_id": event["ingest_id"],
                "label": str(model.classes_[row.argmax()]),
                "score": Decimal(repr(float(row.max()))),
                "batch": event["batch"],
                "model_version": "1",
                "predicted_at": now,
            }
            writer.put_item(Item=item)
    return {"predicted": len(records)}
