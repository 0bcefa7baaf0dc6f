"""All that is stored of one ingest, as it is: to alter it, and to put it back."""

import copy
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from hundredfold_cli.stack.deployment import Deployment

type Item = dict[str, Any]
"""An item of DynamoDB, with its attribute values as the API has them."""
type Key = tuple[str, str]


@dataclass
class IngestStores:
    """The stores of one ingest.

    Attributes
    ----------
    sources : the bucket and key of each object that its source has
    """

    deployment: Deployment
    ingest_id: str
    sources: list[Key]
    _before: dict[str, dict[Any, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._before = self._read_all()

    @contextmanager
    def altered(self) -> Iterator["IngestStores"]:
        """Put everything back at the end as it was at the beginning."""
        try:
            yield self
        finally:
            self._restore()

    # ------------------------------------------------ predictions

    def prediction(self, record_id: str) -> Item:
        return copy.deepcopy(self._before["predictions"][record_id, self.ingest_id])

    def record_ids(self, batch: int) -> list[str]:
        """Return the ids of the records that a batch has predictions of."""
        items = self._before["predictions"].values()
        return [item["record_id"]["S"] for item in items if item["batch"]["N"] == str(batch)]

    def put_prediction(self, item: Item) -> None:
        self.deployment.dynamodb.put_item(TableName=self.deployment.predictions_table, Item=item)

    def delete_prediction(self, record_id: str) -> None:
        self._delete(self.deployment.predictions_table, self._prediction_key((record_id, self.ingest_id)))

    def change_prediction(self, record_id: str, **attributes: Any) -> None:
        """Change attributes of a prediction; None removes one."""
        self.put_prediction(_changed(self.prediction(record_id), attributes))

    # ------------------------------------------------ the ledger

    def entry(self, batch: int) -> Item:
        return copy.deepcopy(self._before["ledger"][f"{self.ingest_id}#{batch % 8}", str(batch)])

    def put_ledger(self, item: Item) -> None:
        self.deployment.dynamodb.put_item(TableName=self.deployment.ledger_table, Item=item)

    def delete_entry(self, batch: int) -> None:
        self._delete(self.deployment.ledger_table, _ledger_key((f"{self.ingest_id}#{batch % 8}", str(batch))))

    def delete_item(self) -> None:
        self._delete(self.deployment.ledger_table, _ledger_key((self.ingest_id, "summary")))

    def change_entry(self, batch: int, **attributes: Any) -> None:
        """Change attributes of a batch's entry; None removes one."""
        self.put_ledger(_changed(self.entry(batch), attributes))

    def item(self) -> Item:
        """Return the ingest's own item, as it is now."""
        answer = self.deployment.dynamodb.get_item(
            TableName=self.deployment.ledger_table, Key=_ledger_key((self.ingest_id, "summary")), ConsistentRead=True
        )
        return dict(answer["Item"])

    def change_item(self, **attributes: Any) -> None:
        """Change attributes of the ingest's item; None removes one."""
        self.put_ledger(_changed(self.item(), attributes))

    def change_plan(self, path: str, value: Any) -> None:
        """Change a member of the plan; `path` is such as `pinned.etag`. None removes it."""
        item = self.item()
        members = item["plan"]["M"]
        *parents, name = path.split(".")
        for parent in parents:
            members = members[parent]["M"]
        if value is None:
            del members[name]
        else:
            members[name] = value
        self.put_ledger(item)

    def add_to(self, amounts: dict[str, int]) -> None:
        """Add to numbers of the ingest's item; a name such as `plan.records` is a member of the plan."""
        for path, amount in amounts.items():
            item = self.item()
            members = item["plan"]["M"] if path.startswith("plan.") else item
            name = path.removeprefix("plan.")
            members[name] = {"N": str(int(members[name]["N"]) + amount)}
            self.put_ledger(item)

    # ------------------------------------------------ objects

    def objects(self) -> dict[str, bytes]:
        """Return the ingest's objects in the work bucket as they were, by the end of their keys."""
        folder = f"ingests/{self.ingest_id}/"
        return {
            key.removeprefix(folder): content
            for key, content in self._before["objects"].items()
            if key.startswith(folder)
        }

    def put_object(self, name: str, content: bytes) -> None:
        key = f"ingests/{self.ingest_id}/{name}"
        self.deployment.s3.put_object(Bucket=self.deployment.work_bucket, Key=key, Body=content)

    def delete_object(self, name: str) -> None:
        self.deployment.s3.delete_object(Bucket=self.deployment.work_bucket, Key=f"ingests/{self.ingest_id}/{name}")

    def manifest(self) -> list[dict[str, Any]]:
        """Return the batches of all groups of the manifest."""
        return [batch for group in json.loads(self.objects()["manifest.json"]) for batch in group["batches"]]

    def change_manifest(self, change: Callable[[list[dict[str, Any]]], None]) -> None:
        """Change the manifest, and the digest and the counts of the plan with it."""
        batches = self.manifest()
        change(batches)
        content = json.dumps([{"batches": batches}]).encode()
        self.put_object("manifest.json", content)
        self.change_plan("groups", {"N": "1"})
        self.change_plan("manifest_sha256", {"S": hashlib.sha256(content).hexdigest()})
        self.change_plan("batches", {"N": str(len(batches))})
        self.change_plan("records", {"N": str(sum(batch["records"] for batch in batches))})

    @property
    def _index_key(self) -> str:
        return str(self.item()["index"]["M"]["pinned"]["M"]["key"]["S"])

    def index(self) -> bytes:
        content: bytes = self._before["objects"][self._index_key]
        return content

    def put_index(self, content: bytes) -> None:
        self.deployment.s3.put_object(Bucket=self.deployment.work_bucket, Key=self._index_key, Body=content)

    def delete_index(self) -> None:
        self.deployment.s3.delete_object(Bucket=self.deployment.work_bucket, Key=self._index_key)

    def rejections(self, batch: int) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.objects()[f"rejected/{batch:08d}.jsonl"].splitlines()]

    def put_rejections(self, batch: int, rejections: list[dict[str, Any]]) -> None:
        lines = [json.dumps(rejection) for rejection in rejections]
        self.put_object(f"rejected/{batch:08d}.jsonl", "".join(f"{line}\n" for line in lines).encode())

    def source(self, number: int = 0) -> bytes:
        content: bytes = self._before["sources"][self.sources[number]]
        return content

    def put_source(self, content: bytes, number: int = 0) -> None:
        bucket, key = self.sources[number]
        self.deployment.s3.put_object(Bucket=bucket, Key=key, Body=content)

    def delete_source(self, number: int = 0) -> None:
        bucket, key = self.sources[number]
        self.deployment.s3.delete_object(Bucket=bucket, Key=key)

    # ------------------------------------------------ saving and restoring

    def _read_all(self) -> dict[str, dict[Any, Any]]:
        scan: Any = self.deployment.dynamodb.get_paginator("scan")
        ledger = [
            item
            for page in scan.paginate(TableName=self.deployment.ledger_table)
            for item in page["Items"]
            if item["ledger_key"]["S"].partition("#")[0] == self.ingest_id
        ]
        predictions = [
            item
            for page in scan.paginate(TableName=self.deployment.predictions_table)
            for item in page["Items"]
            if item["ingest_id"]["S"].startswith(self.ingest_id)
        ]
        keys = chain(
            self.deployment.work.keys(f"ingests/{self.ingest_id}/"),
            self.deployment.work.keys(f"index/{self.ingest_id}/"),
        )
        return {
            "ledger": {(item["ledger_key"]["S"], item["entry"]["S"]): item for item in ledger},
            "predictions": {(item["record_id"]["S"], item["ingest_id"]["S"]): item for item in predictions},
            "objects": {key: self._read(self.deployment.work_bucket, key) for key in keys},
            "sources": {place: self._read(*place) for place in self.sources},
        }

    def _read(self, bucket: str, key: str) -> bytes | None:
        try:
            return self.deployment.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except self.deployment.s3.exceptions.NoSuchKey:
            return None

    def _restore(self) -> None:
        after = self._read_all()
        for name, table, key_of in (
            ("ledger", self.deployment.ledger_table, _ledger_key),
            ("predictions", self.deployment.predictions_table, self._prediction_key),
        ):
            for key in after[name].keys() - self._before[name].keys():
                self._delete(table, key_of(key))
            for key, item in self._before[name].items():
                if after[name].get(key) != item:
                    self.deployment.dynamodb.put_item(TableName=table, Item=item)
        for key in after["objects"].keys() - self._before["objects"].keys():
            self.deployment.s3.delete_object(Bucket=self.deployment.work_bucket, Key=key)
        for key, content in self._before["objects"].items():
            if after["objects"].get(key) != content:
                self.deployment.s3.put_object(Bucket=self.deployment.work_bucket, Key=key, Body=content)
        for (bucket, key), content in self._before["sources"].items():
            if after["sources"][bucket, key] != content:
                self.deployment.s3.put_object(Bucket=bucket, Key=key, Body=content)

    def _delete(self, table: str, key: Item) -> None:
        self.deployment.dynamodb.delete_item(TableName=table, Key=key)

    @staticmethod
    def _prediction_key(key: Key) -> Item:
        return {"record_id": {"S": key[0]}, "ingest_id": {"S": key[1]}}


def _ledger_key(key: Key) -> Item:
    return {"ledger_key": {"S": key[0]}, "entry": {"S": key[1]}}


def _changed(item: Item, attributes: dict[str, Any]) -> Item:
    changed = {name: value for name, value in attributes.items() if value is not None}
    return {name: value for name, value in {**item, **changed}.items() if attributes.get(name, ...) is not None}
