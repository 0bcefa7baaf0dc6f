"""What must hold whatever happens, checked at each change of a store that could break it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hundredfold.aws.attributes import plain_item
from tests.simulation.model import CLASSES, CRASHES, RAISES, answer
from tests.simulation.packed_form import unpacked
from tests.simulation.scenario import Scenario
from tests.simulation.world import LEDGER, PREDICTIONS, SOURCE_BUCKET, WORK_BUCKET, World

type Expected = dict[str, str]
"""The texts of records that are predicted, by id."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An invariant that does not hold: its name, and what is wrong."""

    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


@dataclass(frozen=True, slots=True)
class BatchOfPlan:
    """What a batch of the manifest has: texts of records that are predicted, and how many others."""

    expected: Expected
    rejected: int

    @property
    def records(self) -> int:
        return len(self.expected) + self.rejected


def read_lines(content: bytes) -> BatchOfPlan:
    """Return what must become of the lines of a source. This shares no code with what decides it in a batch."""
    expected: Expected = {}
    rejected = 0
    for line in content.splitlines():
        value = json.loads(line)
        text = value.get("text") if isinstance(value, dict) else None
        if text is None or text == RAISES:
            rejected += 1
        else:
            expected[value["id"]] = text
    return BatchOfPlan(expected, rejected)


@dataclass(eq=False)
class Invariants:
    """Watches the stores.

    Attributes
    ----------
    contents : of all objects that were ever in the source bucket, by ETag
    versions : of the model that each ingest was planned with, over time
    planned : the plan of each ingest
    """

    world: World
    scenario: Scenario
    problems: list[Problem] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)
    versions: dict[str, set[str]] = field(default_factory=dict)
    planned: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _batches: dict[str, dict[int, BatchOfPlan]] = field(default_factory=dict)

    def watch(self) -> None:
        """Begin to watch."""
        self.world.dynamodb.watch = self._table_changed
        self.world.s3.watch = self._object_changed

    def add(self, name: str, what: str) -> None:
        """Add a problem, and note it in the timeline."""
        self.problems.append(Problem(name, what))
        self.world.timeline.add("INVARIANT", f"{name}: {what}")

    def batches(self, ingest_id: str) -> dict[int, BatchOfPlan]:
        """Return the batches of an ingest by its manifest: what must become of the lines of each."""
        if ingest_id not in self._batches:
            manifest = self.world.s3.buckets[WORK_BUCKET].get(f"ingests/{ingest_id}/manifest.json")
            if manifest is None:
                return {}
            plan = self.planned[ingest_id]
            batches = {}
            for batch in (batch for group in json.loads(manifest.content) for batch in group["batches"]):
                pinned = batch.get("pinned") or plan["pinned"]
                content = self.contents[pinned["etag"]][batch["offset"] : batch["offset"] + batch["length"]]
                batches[batch["batch"]] = read_lines(content)
            self._batches[ingest_id] = batches
        return self._batches[ingest_id]

    def stored(self, ingest_id: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the predictions of an ingest as they are stored, in either layout, each with its record id."""
        if self.planned[ingest_id]["layout"] == "item":
            for (record_id, owner), item in self.world.dynamodb.tables[PREDICTIONS].items.items():
                if owner == ingest_id:
                    yield record_id, plain_item(item)
            return
        for (key, _entry), item in self.world.dynamodb.tables[LEDGER].items.items():
            if key.rpartition("#")[0] == ingest_id and "predictions" in item:
                yield from unpacked(item["predictions"]["B"])

    def entry(self, ingest_id: str, batch: int) -> Mapping[str, Any] | None:
        """Return the ledger's entry of a batch."""
        item = self.world.dynamodb.tables[LEDGER].items.get((f"{ingest_id}#{batch % 8}", str(batch)))
        return plain_item(item) if item else None

    def put_back_source(self, ingest_id: str) -> None:
        """Put back the version of a source that an ingest was planned from, as an operator does before a resume."""
        pinned = self.planned.get(ingest_id, {}).get("pinned")
        if pinned and pinned["bucket"] == SOURCE_BUCKET:
            self.world.s3.put(SOURCE_BUCKET, pinned["key"], self.contents[pinned["etag"]])

    # ------------------------------------------------------------ changes

    def _object_changed(self, bucket: str, key: str, content: bytes | None) -> None:
        if bucket == SOURCE_BUCKET and content is not None:
            self.contents[self.world.s3.buckets[bucket][key].etag.strip('"')] = content
        elif key.endswith("/manifest.json"):
            self._batches.pop(key.split("/")[1], None)

    def _table_changed(self, table: str, before: Any, after: Any) -> None:
        if table == PREDICTIONS:
            if after is not None:
                self._prediction_stored(plain_item(after))
            return
        item = plain_item(after) if after else {}
        key = str((after or before)["ledger_key"]["S"])
        if key.startswith("#"):
            return  # the lock of releases
        ingest_id, shard, number = key.partition("#")
        if not shard and "started_at" in item:
            self._ingest_changed(ingest_id, plain_item(before) if before else {}, item)
        elif number.isdecimal() and "." not in str(item.get("entry", "")):
            self._batch_changed(ingest_id, plain_item(before) if before else {}, item)

    def _prediction_stored(self, item: Mapping[str, Any]) -> None:
        ingest_id, record_id = item["ingest_id"], item["record_id"]
        if ingest_id not in self.planned:
            self.add("prediction of no ingest", f"{record_id} of {ingest_id}")
            return
        batch = self.batches(ingest_id).get(item["batch"])
        if batch is None or record_id not in batch.expected:
            self.add("prediction of no record", f"{record_id} of {ingest_id}, batch {item['batch']}")
            return
        self._check_answer(ingest_id, record_id, batch.expected[record_id], item)

    def _check_answer(self, ingest_id: str, record_id: str, text: str, item: Mapping[str, Any]) -> None:
        version = item["model_version"]
        if version not in self.versions[ingest_id]:
            self.add("a model of no plan", f"{record_id} of {ingest_id} by {version}")
        model = self._model_number(version)
        if (item["label"], item["score"]) != answer(model, text):
            self.add("another answer than the model's", f"{record_id} of {ingest_id}: {item}")
        assert item["label"] in CLASSES

    def _model_number(self, version: str) -> int:
        configuration = self.world.lambda_.functions["hundredfold-infer-batch"].configurations[version]
        return int(self.world.lambda_.model_of(configuration).number)

    def _ingest_changed(self, ingest_id: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        if "plan" in after:
            plan = after["plan"]
            self.versions.setdefault(ingest_id, set()).add(plan["model"]["version"])
            first = self.planned.setdefault(ingest_id, plan)
            self.planned[ingest_id] = plan
            self._batches.pop(ingest_id, None)
            if before.get("plan") and (first["records"], first["batches"]) != (plan["records"], plan["batches"]):
                self.add("another plan", f"{ingest_id} had {first['records']} records, and has {plan['records']}")
            changed = before.get("plan") and before["plan"]["pinned"] != plan["pinned"]
            if changed and any(self.entry(ingest_id, number) for number in self.batches(ingest_id)):
                self.add("another source", f"{ingest_id}: {plan['pinned']}, which was {before['plan']['pinned']}")
        if before.get("status") == "COMPLETED" and before.get("execution") == after["execution"]:
            changed = [
                name for name in ("status", "predicted", "rejected", "records") if before.get(name) != after.get(name)
            ]
            if changed:
                self.add("a completed ingest changed", f"{ingest_id}: {', '.join(changed)} by {after['execution']}")
        if after.get("status") == "COMPLETED" and before.get("status") != "COMPLETED":
            self._check_completed(ingest_id, after)

    def _check_completed(self, ingest_id: str, item: Mapping[str, Any]) -> None:
        batches = self.batches(ingest_id)
        records = sum(batch.records for batch in batches.values())
        rejected = sum(batch.rejected for batch in batches.values())
        counts = (item["records"], item["predicted"], item["rejected"], item["failed"])
        if counts != (records, records - rejected, rejected, 0):
            self.add("completed with other counts", f"{ingest_id}: {counts}, and its source has {records} records")
        for number in batches:
            entry = self.entry(ingest_id, number)
            if entry is None or entry["status"] != "done":
                self.add("completed with a batch that is not done", f"{ingest_id}, batch {number}")

    def _batch_changed(self, ingest_id: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        number = int((after or before)["entry"])
        if before.get("status") == "done" and after.get("status") != "done" and after.get("error") != "Reoffered":
            self.add("a batch that was done is not any more", f"{ingest_id}, batch {number}: {after}")
        if after.get("status") == "done":
            self._check_done(ingest_id, number, after)

    def _check_done(self, ingest_id: str, number: int, entry: Mapping[str, Any]) -> None:
        """Check that a batch that the ledger has as done is wholly stored at this moment."""
        batch = self.batches(ingest_id).get(number)
        where = f"{ingest_id}, batch {number}"
        if batch is None:
            self.add("a batch of no plan is done", where)
            return
        if (entry["predicted"], entry["rejected"]) != (len(batch.expected), batch.rejected):
            self.add(
                "a batch has other counts", f"{where}: {entry['predicted']} predicted, {entry['rejected']} rejected"
            )
        if self.planned[ingest_id]["layout"] == "item":
            items = self.world.dynamodb.tables[PREDICTIONS].items
            missing = [record_id for record_id in batch.expected if (record_id, ingest_id) not in items]
        else:
            there = dict(unpacked(entry["predictions"])) if "predictions" in entry else {}
            missing = [record_id for record_id in batch.expected if record_id not in there]
            for record_id, item in there.items():
                if record_id in batch.expected:
                    self._check_answer(ingest_id, record_id, batch.expected[record_id], item)
        if missing:
            self.add("done before it was stored", f"{where}: no prediction of {', '.join(missing)}")
        if self.rejections(ingest_id, number) != batch.rejected:
            self.add("done before it was stored", f"{where}: its rejections are not those of its records")

    def rejections(self, ingest_id: str, batch: int) -> int:
        """Return how many rejections of a batch are stored."""
        found = self.world.s3.buckets[WORK_BUCKET].get(f"ingests/{ingest_id}/rejected/{batch:08d}.jsonl")
        return len(found.content.splitlines()) if found else 0

    # ------------------------------------------------------------ the end

    def check_end(self, ingest_id: str) -> None:
        """Check an ingest that has ended: every record has exactly one outcome, and the right one."""
        stored = list(self.stored(ingest_id))
        predictions = dict(stored)
        if len(predictions) < len(stored):
            self.add("a record has two predictions", ingest_id)
        versions: set[str] = set()
        batches = self.batches(ingest_id)
        for number, batch in batches.items():
            if CRASHES not in batch.expected.values():  # such a batch cannot be done
                versions |= self._check_batch_at_end(ingest_id, number, batch, predictions)
        known = {record_id for batch in batches.values() for record_id in batch.expected}
        if strange := predictions.keys() - known:
            self.add("predictions of no record", f"{ingest_id}: {sorted(strange)}")
        if strange_versions := versions - self._versions_of(ingest_id):
            self.add("another model than the plan's", f"{ingest_id}: {sorted(strange_versions)}")

    def _check_batch_at_end(
        self, ingest_id: str, number: int, batch: BatchOfPlan, predictions: Mapping[str, Mapping[str, Any]]
    ) -> set[str]:
        """Check the outcomes of a batch's records. Return the versions of the model that gave them."""
        entry = self.entry(ingest_id, number)
        if entry is None or entry["status"] != "done":
            self.add("a batch was never done", f"{ingest_id}, batch {number}: {entry}")
            return set()
        versions: set[str] = set()
        for record_id, text in batch.expected.items():
            item = predictions.get(record_id)
            if item is None:
                self.add("a record without an outcome", f"{record_id} of {ingest_id}, batch {number}")
            else:
                self._check_answer(ingest_id, record_id, text, item)
                versions.add(item["model_version"])
        if len(versions) > 1:
            self.add("two models in one batch", f"{ingest_id}, batch {number}: {sorted(versions)}")
        if self.rejections(ingest_id, number) != batch.rejected:
            self.add("other rejections", f"{ingest_id}, batch {number}")
        return versions

    def _versions_of(self, ingest_id: str) -> set[str]:
        """Return the versions that may have scored an ingest: its plan's, and once it was resumed, those before."""
        item = plain_item(self.world.dynamodb.tables[LEDGER].items[ingest_id, "summary"])
        return self.versions[ingest_id] if item.get("resumed") else {item["plan"]["model"]["version"]}
