"""The ingests whose stores are altered."""

import json
import uuid
from dataclasses import dataclass, replace

from hundredfold.errors import HundredfoldError
from hundredfold.layout import Layout
from hundredfold_cli.ingests.verification.verify import verify_ingest
from hundredfold_cli.models.predict_again import Sample, predict_again
from tests.support.deployed import TABLES, Stack, storing
from tests.support.stores.ingest_stores import IngestStores
from tests.support.stores.mutations import Mutation, Subject


def make_subjects(stack: Stack) -> dict[Subject, IngestStores]:
    """Run the ingests, and read what is stored of each."""
    name = uuid.uuid4().hex[:8]
    with storing(stack.deployment, Layout.PACKED):
        packed = _lines(stack, f"packed-{name}")
    return {
        Subject.LINES: _lines(stack, f"lines-{name}"),
        Subject.PACKED: packed,
        Subject.TABLES: _tables(stack, f"tables-{name}"),
        Subject.FAILED: _failed(stack, f"failed-{name}"),
    }


@dataclass(frozen=True)
class Found:
    """What found an alteration, and what it says of it; empty if nothing did."""

    by: str = ""
    says: str = ""


def find_alteration(stores: IngestStores, mutation: Mutation, *, again: bool = False) -> Found:
    """Alter the stores of an ingest, verify it, and put the stores back.

    Parameters
    ----------
    again : whether to predict all records again, too
    """
    sample = Sample(None)
    deployment = replace(stores.deployment)  # which knows of no layout yet
    with stores.altered():
        mutation.alter(stores)
        try:
            verification = verify_ingest(deployment, stores.ingest_id, scan=True, offer=sample.offer if again else None)
            if sample.kept and (plan := deployment.ledger.plan(stores.ingest_id)):
                predict_again(deployment, plan, sample.kept, verification)
        except HundredfoldError as error:
            return Found("refused", str(error))
    if verification.ok:
        return Found()
    problem = verification.problems[0]
    return Found(", ".join(verification.counts), f"{problem.store}: {problem.what}")


def _text(number: int) -> str:
    return f"I {('loved', 'hated')[number % 2]} scene {number} of this film."


def _lines(stack: Stack, ingest_id: str) -> IngestStores:
    """330 records in 4 batches, of which 4 are rejected: 2 in batch 0, one each in 1 and 2."""
    records = [{"id": f"r-{number}", "text": _text(number)} for number in range(330)]
    records[7]["text"] = ""
    records[260]["id"] = "r-205"
    lines = [json.dumps(record) for record in records]
    lines[20] = "not json"
    lines[150] = json.dumps({"id": 7, "text": "an id that is a number"})
    lines.insert(50, "  ")
    key = f"mutations/{ingest_id}.jsonl"
    return _ingest(stack, ingest_id, {key: "\n".join(lines)}, {"key": key})


def _tables(stack: Stack, ingest_id: str) -> IngestStores:
    """270 rows of two objects in 4 batches; one row has too few values."""
    rows = [f"r-{number},{_text(number)}" for number in range(270)]
    rows[120] = "r-120"
    folder = f"mutations/{ingest_id}/"
    contents = {f"{folder}a.csv": rows[:150], f"{folder}b.csv": rows[150:]}
    objects = {key: "\n".join(["id,text", *rows, ""]) for key, rows in contents.items()}
    return _ingest(stack, ingest_id, objects, {"prefix": folder})


def _ingest(stack: Stack, ingest_id: str, objects: dict[str, str], source: dict[str, str]) -> IngestStores:
    deployment = stack.deployment
    for key, content in objects.items():
        deployment.s3.put_object(Bucket=deployment.source_bucket, Key=key, Body=content.encode())
    ended = stack.execute(ingest_id, {"source": {"bucket": deployment.source_bucket, **source}})
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    return IngestStores(deployment, ingest_id, [(deployment.source_bucket, key) for key in objects])


def _failed(stack: Stack, ingest_id: str) -> IngestStores:
    """20 items whose predictions are to be written onto what the model reads. So every batch fails."""
    deployment, table = stack.deployment, f"{TABLES}{ingest_id}"
    deployment.dynamodb.create_table(
        TableName=table,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(20):
        item = {"id": {"S": f"i-{number}"}, "text": {"S": _text(number)}}
        deployment.dynamodb.put_item(TableName=table, Item=item)
    ended = stack.execute(ingest_id, {"source": {"table": table, "write_back": "text"}})
    assert ended["status"] == "FAILED", ended
    return IngestStores(deployment, ingest_id, [])
