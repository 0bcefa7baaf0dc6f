"""Alterations of an ingest's stores. Verification must find each, or it stands here why it cannot."""

import gzip
import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from hundredfold.batches import BatchOutcome, Sketch
from hundredfold.model.drift import Baseline
from hundredfold_cli.ingests.verification.findings import Store
from tests.support.stores.ingest_stores import IngestStores, Item


class Subject(StrEnum):
    """The ingest that is altered."""

    LINES = "JSON Lines, read in place"
    PACKED = "the same, with packed predictions"
    TABLES = "two CSV objects, staged"
    FAILED = "a table of items, all batches failed"


class Finder(StrEnum):
    """What finds an alteration beside `verify` as it is."""

    AGAIN = "verify --again"


@dataclass(frozen=True)
class Mutation:
    """One alteration.

    Attributes
    ----------
    what : for a person
    cannot : why `verify` cannot find it; empty if it must
    by : what finds it in place of that, if anything
    """

    store: Store
    what: str
    alter: Callable[[IngestStores], None]
    cannot: str = ""
    by: Finder | None = None
    subject: Subject = Subject.LINES

    def __str__(self) -> str:
        return f"{self.store}, {self.subject.name.lower()}: {self.what}"


def text(value: str) -> Item:
    return {"S": value}


def number(value: float) -> Item:
    return {"N": str(value)}


# The ingest of LINES has 330 records in batches of 100. These are in its batch 1, which has a rejection; those
# are all predicted. The first is rejected in batch 0.
REJECTED, PREDICTED, NEIGHBOUR = "r-7", "r-110", "r-111"
LAST = 3


def _manifest(alter: Callable[[list[dict[str, Any]]], None]) -> Callable[[IngestStores], None]:
    return lambda stores: stores.change_manifest(alter)


def _set(batch: int, name: str, change: Callable[[int], int]) -> Callable[[list[dict[str, Any]]], None]:
    def alter(batches: list[dict[str, Any]]) -> None:
        batches[batch][name] = change(batches[batch][name])

    return alter


def _swap_ranges(batches: list[dict[str, Any]]) -> None:
    for name in ("offset", "length", "line"):
        batches[0][name], batches[1][name] = batches[1][name], batches[0][name]


def _forget_batch(stores: IngestStores, batch: int) -> None:
    """Remove a batch from every store, so that all that is left agrees."""
    entry = stores.entry(batch)
    records, predicted, rejected = (int(entry[name]["N"]) for name in ("records", "predicted", "rejected"))
    stores.change_manifest(lambda batches: batches.__delitem__(batch))
    stores.delete_entry(batch)
    for record_id in stores.record_ids(batch):
        stores.delete_prediction(record_id)
    stores.delete_object(f"rejected/{batch:08d}.jsonl")
    stores.add_to({"records": -records, "predicted": -predicted, "rejected": -rejected, "batches": -1})


def _forget_last_record(stores: IngestStores) -> None:
    """Remove the last record of the source from every store."""
    length = len(stores.source().rstrip(b"\n").split(b"\n")[-1])

    def shorten(batches: list[dict[str, Any]]) -> None:
        batches[LAST]["records"] -= 1
        batches[LAST]["length"] -= length

    stores.change_manifest(shorten)
    entry = stores.entry(LAST)
    stores.change_entry(
        LAST,
        records=number(int(entry["records"]["N"]) - 1),
        predicted=number(int(entry["predicted"]["N"]) - 1),
    )
    stores.delete_prediction("r-329")
    stores.add_to({"records": -1, "predicted": -1})


MANIFEST = [
    Mutation(Store.MANIFEST, "it is gone", lambda stores: stores.delete_object("manifest.json")),
    Mutation(Store.MANIFEST, "it is no JSON", lambda stores: stores.put_object("manifest.json", b'[{"batch":0,')),
    Mutation(
        Store.MANIFEST,
        "its last batch is gone",
        lambda stores: stores.put_object("manifest.json", json.dumps([{"batches": stores.manifest()[:-1]}]).encode()),
    ),
    Mutation(
        Store.MANIFEST,
        "the last batch is gone from manifest, plan, ledger, summary, predictions and rejections alike",
        lambda stores: _forget_batch(stores, LAST),
    ),
    Mutation(
        Store.MANIFEST,
        "the first batch is gone from manifest, plan, ledger, summary, predictions and rejections alike",
        lambda stores: _forget_batch(stores, 0),
    ),
    Mutation(Store.MANIFEST, "the last record is gone from every store, and its batch is shorter", _forget_last_record),
    Mutation(Store.MANIFEST, "a batch is there twice", _manifest(lambda batches: batches.append(batches[1]))),
    Mutation(
        Store.MANIFEST,
        "a batch is there under a second number",
        _manifest(lambda batches: batches.append({**batches[1], "batch": 4, "shard": 4})),
    ),
    Mutation(Store.MANIFEST, "a range ends a byte early", _manifest(_set(1, "length", lambda length: length - 1))),
    Mutation(Store.MANIFEST, "a range begins a byte late", _manifest(_set(1, "offset", lambda offset: offset + 1))),
    Mutation(Store.MANIFEST, "a batch begins with another line", _manifest(_set(1, "line", lambda line: line + 1))),
    Mutation(Store.MANIFEST, "a batch has a record more", _manifest(_set(1, "records", lambda records: records + 1))),
    Mutation(Store.MANIFEST, "a batch has another shard", _manifest(_set(1, "shard", lambda _: 7))),
    Mutation(Store.MANIFEST, "two batches have each other's range", _manifest(_swap_ranges)),
    Mutation(
        Store.MANIFEST,
        "a group is no group",
        lambda stores: stores.put_object("manifest.json", json.dumps([*stores.manifest()]).encode()),
    ),
    Mutation(
        Store.MANIFEST, "an entry has text for a number", _manifest(lambda batches: batches[1].update(offset="100"))
    ),
    Mutation(
        Store.MANIFEST,
        "an object is left out, with its batches",
        _manifest(lambda batches: batches.__delitem__(slice(2, None))),
        subject=Subject.TABLES,
    ),
    Mutation(
        Store.MANIFEST,
        "a batch is of another object",
        _manifest(lambda batches: batches[0].update(pinned=batches[-1]["pinned"])),
        subject=Subject.TABLES,
    ),
]

PLAN = [
    Mutation(Store.PLAN, "it is gone", lambda stores: stores.change_item(plan=None)),
    Mutation(Store.PLAN, "a member is gone", lambda stores: stores.change_plan("model.version", None)),
    Mutation(Store.PLAN, "it is another ingest's", lambda stores: stores.change_plan("ingest_id", text("another"))),
    Mutation(Store.PLAN, "it has another ETag", lambda stores: stores.change_plan("pinned.etag", text("0" * 32))),
    Mutation(Store.PLAN, "it has another key", lambda stores: stores.change_plan("pinned.key", text("uploads/other"))),
    Mutation(Store.PLAN, "it has another size", lambda stores: stores.change_plan("pinned.size", number(5))),
    Mutation(Store.PLAN, "it has other source bytes", lambda stores: stores.change_plan("source_bytes", number(5))),
    Mutation(
        Store.PLAN,
        "it has other source bytes",
        lambda stores: stores.change_plan("source_bytes", number(5)),
        subject=Subject.TABLES,
    ),
    Mutation(Store.PLAN, "it has another number of records", lambda stores: stores.change_plan("records", number(9))),
    Mutation(Store.PLAN, "it has another number of batches", lambda stores: stores.change_plan("batches", number(9))),
    Mutation(Store.PLAN, "it has another number of groups", lambda stores: stores.change_plan("groups", number(9))),
    Mutation(
        Store.PLAN, "it has another manifest", lambda stores: stores.change_plan("manifest.key", text("ingests/other"))
    ),
    Mutation(Store.PLAN, "it has another digest", lambda stores: stores.change_plan("manifest_sha256", text("0" * 64))),
    Mutation(Store.PLAN, "it has another kind", lambda stores: stores.change_plan("spec.kind", text("csv"))),
    Mutation(Store.PLAN, "its source is another", lambda stores: stores.change_plan("spec.key", text("uploads/other"))),
    Mutation(
        Store.PLAN, "its source gets a field", lambda stores: stores.change_plan("spec.fields", {"M": {"t": text("x")}})
    ),
    Mutation(Store.PLAN, "it has another version", lambda stores: stores.change_plan("model.version", text("77"))),
    Mutation(Store.PLAN, "it has another function", lambda stores: stores.change_plan("model.function", text("arn:x"))),
    Mutation(Store.PLAN, "it has another card", lambda stores: stores.change_plan("model.card", text("0" * 64))),
    Mutation(Store.PLAN, "it has partitions", lambda stores: stores.change_plan("partitions", number(3))),
    Mutation(
        Store.PLAN, "it has skipped objects", lambda stores: stores.change_plan("skipped_objects", number(2)),
        subject=Subject.TABLES,
    ),
]  # fmt: skip


def _item(**attributes: Any) -> Callable[[IngestStores], None]:
    return lambda stores: stores.change_item(**attributes)


def _drift(stores: IngestStores) -> None:
    stores.change_item(drift={"M": {**stores.item()["drift"]["M"], "unseen_share": number(0.5)}})


def _execution(**attributes: Any) -> Callable[[IngestStores], None]:
    """Alter the one execution that the summary has."""

    def alter(stores: IngestStores) -> None:
        [part] = stores.item()["executions"]["L"]
        stores.change_item(executions={"L": [{"M": {**part["M"], **attributes}}]})

    return alter


SUMMARY = [
    Mutation(Store.SUMMARY, "the ingest's item is gone", lambda stores: stores.delete_item()),
    Mutation(Store.SUMMARY, "status is FAILED", _item(status=text("FAILED"))),
    Mutation(Store.SUMMARY, "status is FAILED, with a cause", _item(status=text("FAILED"), cause=text("because"))),
    Mutation(Store.SUMMARY, "status is RUNNING", _item(status=text("RUNNING"))),
    Mutation(Store.SUMMARY, "status is no status", _item(status=text("DONE"))),
    Mutation(Store.SUMMARY, "it has a cause", _item(cause=text("because"))),
    Mutation(Store.SUMMARY, "records", _item(records=number(331))),
    Mutation(Store.SUMMARY, "records is text", _item(records=text("330"))),
    Mutation(Store.SUMMARY, "one more is predicted, one less rejected",
             lambda stores: stores.add_to({"predicted": 1, "rejected": -1})),
    Mutation(Store.SUMMARY, "failed", _item(failed=number(1))),
    Mutation(Store.SUMMARY, "batches", _item(batches=number(5))),
    Mutation(Store.SUMMARY, "batches_failed", _item(batches_failed=number(1))),
    Mutation(Store.SUMMARY, "reasons", _item(reasons={"M": {"not_json": number(4)}})),
    Mutation(Store.SUMMARY, "failures", _item(failures={"M": {"Error: because": number(1)}})),
    Mutation(Store.SUMMARY, "seconds", _item(seconds=number(3.5))),
    Mutation(Store.SUMMARY, "started_at", _item(started_at=text("2026-01-01T00:00:00.000Z"))),
    Mutation(Store.SUMMARY, "started_at is no time", _item(started_at=text("yesterday"))),
    Mutation(Store.SUMMARY, "model_version", _item(model_version=text("77"))),
    Mutation(Store.SUMMARY, "source", _item(source=text("s3://another/source"))),
    Mutation(Store.SUMMARY, "drift", _drift),
    Mutation(Store.SUMMARY, "drift is gone", _item(drift={"NULL": True})),
    Mutation(Store.SUMMARY, "usd", _item(usd=number(0.5))),
    Mutation(Store.SUMMARY, "began_at", _item(began_at=text("2026-01-01T00:00:00.000Z"))),
    Mutation(Store.SUMMARY, "executions are gone", _item(executions={"L": []})),
    Mutation(Store.SUMMARY, "seconds of an execution", _execution(seconds=number(3.5))),
    Mutation(Store.SUMMARY, "usd of an execution", _execution(usd=number(0.5))),
    Mutation(Store.SUMMARY, "batches of an execution", _execution(batches=number(3))),
    Mutation(Store.SUMMARY, "name of an execution", _execution(execution=text("another"))),
    Mutation(Store.SUMMARY, "written_back", _item(written_back=number(1))),
    Mutation(Store.SUMMARY, "outdated", _item(outdated=number(1))),
    Mutation(Store.SUMMARY, "skipped_objects", _item(skipped_objects=number(1))),
    Mutation(Store.SUMMARY, "it is completed, and more were rejected than the plan allows",
             lambda stores: stores.change_plan("max_rejected_percent", number(0))),
    Mutation(Store.SUMMARY, "ingest_id", _item(ingest_id=text("another"))),
    Mutation(Store.SUMMARY, "execution", _item(execution=text("another"))),
    Mutation(Store.SUMMARY, "cause, of an ingest that failed", _item(cause=text("because")), subject=Subject.FAILED),
    Mutation(Store.SUMMARY, "status, of an ingest that failed",
             _item(status=text("COMPLETED"), cause={"NULL": True}), subject=Subject.FAILED),
    Mutation(Store.SUMMARY, "failures, of an ingest that failed",
             _item(failures={"M": {"another error": number(3)}}), subject=Subject.FAILED),
]  # fmt: skip


def _entry(batch: int = 1, **attributes: Any) -> Callable[[IngestStores], None]:
    return lambda stores: stores.change_entry(batch, **attributes)


def _entry_at(key: str, entry: str) -> Callable[[IngestStores], None]:
    """Put a copy of batch 1's entry elsewhere; `key` follows the ingest's id."""
    return lambda stores: stores.put_ledger(
        {**stores.entry(1), "ledger_key": text(f"{stores.ingest_id}{key}"), "entry": text(entry)}
    )


def _milliseconds(by: int) -> Callable[[IngestStores], None]:
    def alter(stores: IngestStores) -> None:
        steps = stores.entry(1)["milliseconds"]["M"]
        stores.change_entry(1, milliseconds={"M": {**steps, "write": number(int(steps["write"]["N"]) + by)}})

    return alter


def _sketch(name: str) -> Callable[[IngestStores], None]:
    def alter(stores: IngestStores) -> None:
        sketch = stores.entry(1)["sketch"]["M"]
        bins = sketch[name]["L"] if name != "inputs" else sketch[name]["L"][0]["L"]
        place = next(place for place, count in enumerate(bins) if count["N"] != "0")
        bins[place], bins[place - 1] = (
            number(int(bins[place]["N"]) - 1),
            number(int(bins[place - 1]["N"]) + 1),
        )
        stores.change_entry(1, sketch={"M": sketch})

    return alter


def _counts(predicted: int, rejected: int) -> Callable[[IngestStores], None]:
    def alter(stores: IngestStores) -> None:
        entry = stores.entry(1)
        stores.change_entry(
            1,
            predicted=number(int(entry["predicted"]["N"]) + predicted),
            rejected=number(int(entry["rejected"]["N"]) + rejected),
        )

    return alter


MEASURED = "it was measured once, and nothing else has it"

LEDGER = [
    Mutation(Store.LEDGER, "an entry is gone", lambda stores: stores.delete_entry(1)),
    Mutation(Store.LEDGER, "an entry is also under another shard", _entry_at("#5", "1")),
    Mutation(Store.LEDGER, "an entry is also under a shard that there is not", _entry_at("#9", "1")),
    Mutation(Store.LEDGER, "an entry is of a batch that there is not", _entry_at("#1", "9")),
    Mutation(Store.LEDGER, "an entry is of a batch with another name", _entry_at("#1", "01")),
    Mutation(Store.LEDGER, "an entry is of no batch", _entry_at("#1", "first")),
    Mutation(Store.LEDGER, "records", _entry(records=number(99))),
    Mutation(Store.LEDGER, "model", _entry(model=text("77"))),
    Mutation(Store.LEDGER, "records is text", _entry(records=text("100"))),
    Mutation(Store.LEDGER, "one more is predicted", _counts(1, 0)),
    Mutation(Store.LEDGER, "one more is predicted, one less rejected", _counts(1, -1)),
    Mutation(Store.LEDGER, "reasons", _entry(reasons={"M": {"too_large": number(1)}})),
    Mutation(Store.LEDGER, "reasons is gone", _entry(reasons=None)),
    Mutation(Store.LEDGER, "status is failed", _entry(status=text("failed"), error=text("E"), cause=text("c"))),
    Mutation(Store.LEDGER, "status is no status", _entry(status=text("finished"))),
    Mutation(Store.LEDGER, "done_at is no time", _entry(done_at=text("soon"))),
    Mutation(Store.LEDGER, "done_at is before the ingest", _entry(done_at=text("2026-01-01T00:00:00.000+00:00"))),
    Mutation(Store.LEDGER, "done_at is a little earlier",
             lambda stores: stores.change_entry(1, done_at=stores.entry(0)["done_at"]), cannot=MEASURED),
    Mutation(Store.LEDGER, "written_back", _entry(written_back=number(5), outdated=number(0))),
    Mutation(Store.LEDGER, "its count of labels", _sketch("labels")),
    Mutation(Store.LEDGER, "its count of scores", _sketch("scores")),
    Mutation(Store.LEDGER, "its count of inputs", _sketch("inputs")),
    Mutation(Store.LEDGER, "its counts are gone", _entry(sketch=None)),
    Mutation(Store.LEDGER, "stats is gone", _entry(0, stats=None)),
    Mutation(Store.LEDGER, "a batch took a minute more", _milliseconds(60_000)),
    Mutation(Store.LEDGER, "a batch took a millisecond more", _milliseconds(1), cannot=MEASURED),
    Mutation(Store.LEDGER, "an attribute that nothing reads", _entry(note=text("hello")),
             cannot="nothing reads it, and a later version may write more than this one knows"),
    Mutation(Store.LEDGER, "the error of a batch that failed", _entry(0, error=text("AnotherError")),
             subject=Subject.FAILED),
    Mutation(Store.LEDGER, "a batch that failed is gone", lambda stores: stores.delete_entry(0),
             subject=Subject.FAILED),
    Mutation(Store.LEDGER, "records of a batch that failed", _entry(0, records=number(1)), subject=Subject.FAILED),
]  # fmt: skip


def _prediction(record_id: str = PREDICTED, **attributes: Any) -> Callable[[IngestStores], None]:
    return lambda stores: stores.change_prediction(record_id, **attributes)


def _flip(stores: IngestStores) -> None:
    flipped = {"positive": "negative", "negative": "positive"}
    stores.change_prediction(PREDICTED, label=text(flipped[stores.prediction(PREDICTED)["label"]["S"]]))


def _exchange(stores: IngestStores) -> None:
    """Give two records of a batch each other's answer."""
    first, second = stores.prediction(PREDICTED), stores.prediction(NEIGHBOUR)
    for item, other in ((first, second), (second, first)):
        stores.put_prediction({**item, "label": other["label"], "score": other["score"]})


def _nudge(stores: IngestStores) -> None:
    score = float(stores.prediction(PREDICTED)["score"]["N"])
    stores.change_prediction(PREDICTED, score=number(score + 1e-9))


def _copied(record_id: str, batch: int = 1, suffix: str = "") -> Callable[[IngestStores], None]:
    """Put a copy of a prediction for another record id; `suffix` makes it another ingest's."""
    return lambda stores: stores.put_prediction(
        {
            **stores.prediction(PREDICTED),
            "record_id": text(record_id),
            "batch": number(batch),
            "ingest_id": text(stores.ingest_id + suffix),
        }
    )


def _moved(stores: IngestStores) -> None:
    _copied(PREDICTED, suffix="-other")(stores)
    stores.delete_prediction(PREDICTED)


def _early(stores: IngestStores, record_id: str = "i-0", batch: int = 0) -> None:
    """Store what a batch may have stored before it failed."""
    stores.put_prediction(
        {
            "record_id": text(record_id),
            "ingest_id": text(stores.ingest_id),
            "label": text("positive"),
            "score": number(0.75),
            "model_version": text("1"),
            "predicted_at": text(datetime.now(UTC).isoformat()),
            "batch": number(batch),
        }
    )


def _forge(stores: IngestStores) -> None:
    """Flip a label, and in the ledger and the summary what depends on it."""
    _flip(stores)
    sketch = stores.entry(1)["sketch"]["M"]
    step = 1 if stores.prediction(PREDICTED)["label"]["S"] == "negative" else -1
    for place, change in ((0, -step), (1, step)):
        sketch["labels"]["L"][place] = number(int(sketch["labels"]["L"][place]["N"]) + change)
    stores.change_entry(1, sketch={"M": sketch})
    entries = stores.deployment.ledger.entries(stores.ingest_id)
    total = Sketch.sum(entry.sketch for entry in entries if isinstance(entry, BatchOutcome) and entry.sketch)
    baseline = Baseline.from_card(stores.objects()["card.json"])
    drift = baseline.drift(total) if baseline and total else None
    labels = {name: number(value) for name, value in asdict(drift.labels).items()} if drift else {}
    stores.change_item(drift={"M": {**stores.item()["drift"]["M"], "labels": {"M": labels}}})


def _later(stores: IngestStores) -> None:
    stores.change_prediction(PREDICTED, predicted_at=stores.prediction(NEIGHBOUR)["predicted_at"])


PREDICTIONS = [
    Mutation(Store.PREDICTIONS, "one is gone", lambda stores: stores.delete_prediction(PREDICTED)),
    Mutation(Store.PREDICTIONS, "one is another ingest's", _moved),
    Mutation(Store.PREDICTIONS, "one has no answer", _prediction(label=None, score=None)),
    Mutation(Store.PREDICTIONS, "one has no label", _prediction(label=None)),
    Mutation(Store.PREDICTIONS, "one has no score", _prediction(score=None)),
    Mutation(Store.PREDICTIONS, "one has a number for an answer", _prediction(label=None, score=None, value=number(1))),
    Mutation(Store.PREDICTIONS, "its label is no class", _prediction(label=text("mixed"))),
    Mutation(Store.PREDICTIONS, "its label is flipped", _flip),
    Mutation(Store.PREDICTIONS, "its score is 0.1", _prediction(score=number(0.1))),
    Mutation(Store.PREDICTIONS, "its score is 1.5", _prediction(score=number(1.5))),
    Mutation(Store.PREDICTIONS, "its score is text", _prediction(score=text("0.9"))),
    Mutation(Store.PREDICTIONS, "its model version is another", _prediction(model_version=text("77"))),
    Mutation(Store.PREDICTIONS, "its model version is gone", _prediction(model_version=None)),
    Mutation(Store.PREDICTIONS, "its batch is another", _prediction(batch=number(2))),
    Mutation(Store.PREDICTIONS, "its batch is none that there is", _prediction(batch=number(99))),
    Mutation(Store.PREDICTIONS, "its batch is gone", _prediction(batch=None)),
    Mutation(Store.PREDICTIONS, "its batch is text", _prediction(batch=text("1"))),
    Mutation(Store.PREDICTIONS, "its predicted_at is no time", _prediction(predicted_at=text("soon"))),
    Mutation(Store.PREDICTIONS, "its predicted_at is a year ago",
             _prediction(predicted_at=text("2025-11-24T00:00:00.000+00:00"))),
    Mutation(Store.PREDICTIONS, "there is one more, for no record", _copied("r-nobody")),
    Mutation(Store.PREDICTIONS, "there is one more, for no record, of no batch", _copied("r-nobody", batch=77)),
    Mutation(Store.PREDICTIONS, "there is one for a rejected record", _copied(REJECTED, batch=0)),
    Mutation(Store.PREDICTIONS, "there is one for a rejected record, of another batch", _copied(REJECTED, batch=2)),
    Mutation(Store.PREDICTIONS, "there is one for a record whose batch failed", _early, subject=Subject.FAILED,
             cannot="a batch that failed may have stored predictions before; results leave them out"),
    Mutation(Store.PREDICTIONS, "two records have each other's answer", _exchange, by=Finder.AGAIN,
             cannot="the counts of labels and scores stay the same"),
    Mutation(Store.PREDICTIONS, "a label is flipped, and ledger and summary count it so", _forge, by=Finder.AGAIN,
             cannot="only the model knows better"),
    Mutation(Store.PREDICTIONS, "its score is 0.000000001 more", _nudge,
             cannot="another processor may add in another order, so --again allows for it too"),
    Mutation(Store.PREDICTIONS, "its predicted_at is another within the ingest", _later, cannot=MEASURED),
    Mutation(Store.PREDICTIONS, "an attribute that nothing reads", _prediction(note=text("hello")),
             cannot="nothing reads it; users may add their own"),
]  # fmt: skip


def _rejection(change: Callable[[dict[str, Any]], Any], batch: int = 0) -> Callable[[IngestStores], None]:
    """Change the first rejection of a batch."""

    def alter(stores: IngestStores) -> None:
        rejections = stores.rejections(batch)
        change(rejections[0])
        stores.put_rejections(batch, rejections)

    return alter


def _rejections(change: Callable[[list[dict[str, Any]]], Any], batch: int = 0) -> Callable[[IngestStores], None]:
    def alter(stores: IngestStores) -> None:
        rejections = stores.rejections(batch)
        change(rejections)
        stores.put_rejections(batch, rejections)

    return alter


def _more(line: int) -> Callable[[list[dict[str, Any]]], None]:
    """Add a rejection of another line."""
    return lambda rejections: rejections.append({**rejections[0], "line": line})


def _reject_predicted(stores: IngestStores) -> None:
    """Reject a predicted record as if the model had raised."""
    line = next(
        number
        for number, content in enumerate(stores.source().split(b"\n"), start=1)
        if f'"{PREDICTED}"'.encode() in content
    )
    offset = stores.source().index(f'{{"id": "{PREDICTED}"'.encode())
    rejection = {
        **stores.rejections(1)[0],
        "line": line,
        "offset": offset,
        "reason": "not_predictable",
        "detail": "the model raised ValueError for it",
        "record_id": PREDICTED,
    }
    stores.put_rejections(1, sorted([*stores.rejections(1), rejection], key=lambda entry: int(entry["line"])))
    stores.delete_prediction(PREDICTED)


def _reject_everywhere(stores: IngestStores) -> None:
    """Reject a predicted record as if the model had raised, in ledger and summary, too."""
    _reject_predicted(stores)
    prediction, entry = stores.prediction(PREDICTED), stores.entry(1)
    sketch, baseline = entry["sketch"]["M"], Baseline.from_card(stores.objects()["card.json"])
    assert baseline is not None
    places = {
        "labels": list(baseline.labels).index(prediction["label"]["S"]),
        "scores": bisect_right(baseline.score_edges, float(prediction["score"]["N"])),
    }
    for name, place in places.items():
        sketch[name]["L"][place] = number(int(sketch[name]["L"][place]["N"]) - 1)
    stores.change_entry(
        1,
        predicted=number(int(entry["predicted"]["N"]) - 1),
        rejected=number(int(entry["rejected"]["N"]) + 1),
        reasons={"M": {**entry["reasons"]["M"], "not_predictable": number(1)}},
        sketch={"M": sketch},
    )
    stores.add_to({"predicted": -1, "rejected": 1})
    stores.change_item(reasons={"M": {**stores.item()["reasons"]["M"], "not_predictable": number(1)}})


REJECTIONS = [
    Mutation(Store.REJECTIONS, "an object is gone", lambda stores: stores.delete_object("rejected/00000000.jsonl")),
    Mutation(Store.REJECTIONS, "one is gone", _rejections(lambda rejections: rejections.pop())),
    Mutation(Store.REJECTIONS, "one is there twice", _rejections(lambda entries: entries.append(entries[0]))),
    Mutation(Store.REJECTIONS, "one more, of no line", _rejections(_more(9_999))),
    Mutation(Store.REJECTIONS, "one more, of a predicted line", _rejections(_more(1))),
    Mutation(Store.REJECTIONS, "one more, of another batch's line", _rejections(_more(200))),
    Mutation(Store.REJECTIONS, "another reason", _rejection(lambda entry: entry.update(reason="too_large"))),
    Mutation(Store.REJECTIONS, "a reason that there is not", _rejection(lambda entry: entry.update(reason="bored"))),
    Mutation(Store.REJECTIONS, "another offset", _rejection(lambda entry: entry.update(offset=entry["offset"] + 1))),
    Mutation(Store.REJECTIONS, "another line", _rejection(lambda entry: entry.update(line=entry["line"] + 1))),
    Mutation(Store.REJECTIONS, "another record id", _rejection(lambda entry: entry.update(record_id="r-8"))),
    Mutation(Store.REJECTIONS, "another batch", _rejection(lambda entry: entry.update(batch=2))),
    Mutation(Store.REJECTIONS, "another ingest", _rejection(lambda entry: entry.update(ingest_id="another"))),
    Mutation(Store.REJECTIONS, "no detail", _rejection(lambda entry: entry.pop("detail"))),
    Mutation(Store.REJECTIONS, "a source, of one object", _rejection(lambda entry: entry.update(source="s"))),
    Mutation(Store.REJECTIONS, "another source", _rejection(lambda entry: entry.update(source="s3://a/b"), batch=1),
             subject=Subject.TABLES),
    Mutation(Store.REJECTIONS, "an object that is no JSON Lines",
             lambda stores: stores.put_object("rejected/00000000.jsonl", b"{")),
    Mutation(Store.REJECTIONS, "an object of a batch that there is not",
             lambda stores: stores.put_rejections(99, stores.rejections(0))),
    Mutation(Store.REJECTIONS, "an object of a batch that rejects nothing",
             lambda stores: stores.put_object("rejected/00000003.jsonl", b"")),
    Mutation(Store.REJECTIONS, "an object with another name",
             lambda stores: stores.put_object("rejected/0.jsonl", b"")),
    Mutation(Store.REJECTIONS, "a predicted record is rejected, and the ledger says otherwise", _reject_predicted),
    Mutation(Store.REJECTIONS, "a predicted record is rejected, in ledger and summary too", _reject_everywhere),
    Mutation(Store.REJECTIONS, "another detail", _rejection(lambda entry: entry.update(detail="because")),
             cannot="it is text for a person, and another version words it otherwise"),
    Mutation(Store.REJECTIONS, "they are in another order", _rejections(lambda rejections: rejections.reverse()),
             cannot="the order has no meaning: each names its line"),
]  # fmt: skip


def _card(change: Callable[[dict[str, Any]], Any]) -> Callable[[IngestStores], None]:
    def alter(stores: IngestStores) -> None:
        card = json.loads(stores.objects()["card.json"])
        change(card)
        stores.put_object("card.json", json.dumps(card).encode())

    return alter


CARD = [
    Mutation(Store.CARD, "it is gone", lambda stores: stores.delete_object("card.json")),
    Mutation(Store.CARD, "it is no JSON", lambda stores: stores.put_object("card.json", b"{")),
    Mutation(Store.CARD, "it has another class", _card(lambda card: card["classes"].append("mixed"))),
    Mutation(Store.CARD, "it has another signature", _card(lambda card: card["signature"]["fields"].pop())),
    Mutation(Store.CARD, "it has another baseline", _card(lambda card: card["baseline"].update(unseen=0.5))),
]


def _staged(change: Callable[[bytes], bytes]) -> Callable[[IngestStores], None]:
    """Change a staged copy, and its ETag and size in the manifest with it."""

    def alter(stores: IngestStores) -> None:
        content = change(stores.objects()["staged/000000.jsonl"])
        stores.put_object("staged/000000.jsonl", content)
        etag = hashlib.md5(content).hexdigest()  # noqa: S324 - as S3 does

        def pin(batches: list[dict[str, Any]]) -> None:
            for batch in batches:
                if batch["pinned"]["key"].endswith("000000.jsonl"):
                    batch["pinned"].update(etag=etag, size=len(content))

        stores.change_manifest(pin)

    return alter


STAGED = [
    Mutation(Store.STAGED, "a copy is gone", lambda stores: stores.delete_object("staged/000000.jsonl"),
             subject=Subject.TABLES),
    Mutation(Store.STAGED, "a copy has another text",
             lambda stores: stores.put_object("staged/000000.jsonl",
                                              stores.objects()["staged/000000.jsonl"].replace(b"loved", b"hated")),
             subject=Subject.TABLES),
    Mutation(Store.STAGED, "a copy has another text, and the manifest its ETag",
             _staged(lambda content: content.replace(b"loved", b"hated", 1)), subject=Subject.TABLES),
    Mutation(Store.STAGED, "the last row was not staged, and the manifest agrees",
             _staged(lambda content: content[: content.rstrip(b"\n").rindex(b"\n") + 1]), subject=Subject.TABLES),
]  # fmt: skip


def _part(change: Callable[[dict[str, Any]], Any]) -> Callable[[IngestStores], None]:
    """Change the packed predictions of batch 1."""

    def alter(stores: IngestStores) -> None:
        columns = json.loads(gzip.decompress(stores.entry(1)["predictions"]["B"]))
        change(columns)
        stores.change_entry(1, predictions={"B": gzip.compress(json.dumps(columns).encode(), mtime=0)})

    return alter


def _columns(change: Callable[[list[Any]], Any], *names: str) -> Callable[[IngestStores], None]:
    """Change columns of the packed predictions of batch 1."""

    def alter(columns: dict[str, Any]) -> None:
        for name in names:
            change(columns[name])

    return _part(alter)


def _index(change: Callable[[bytes], bytes], *, pinned: bool = False) -> Callable[[IngestStores], None]:
    """Change the index; with `pinned`, its ETag and size in the ingest's item, too."""

    def alter(stores: IngestStores) -> None:
        content = change(stores.index())
        stores.put_index(content)
        if pinned:
            index = stores.item()["index"]["M"]
            index["pinned"]["M"] |= {"etag": text(hashlib.md5(content).hexdigest()), "size": number(len(content))}  # noqa: S324 - as S3 does
            stores.change_item(index={"M": index})

    return alter


def _index_counts(stores: IngestStores) -> None:
    index = stores.item()["index"]["M"]
    stores.change_item(index={"M": {**index, "counts": {"B": index["counts"]["B"][4:] + b"\0\0\0\0"}}})


ALL = ("ids", "label", "score")
PACKED = [
    Mutation(Store.PREDICTIONS, "they are gone", _entry(predictions=None), subject=Subject.PACKED),
    Mutation(Store.PREDICTIONS, "they are cut off",
             lambda stores: stores.change_entry(1, predictions={"B": stores.entry(1)["predictions"]["B"][:-20]}),
             subject=Subject.PACKED),
    Mutation(Store.PREDICTIONS, "they are text", _entry(predictions=text("gzip")), subject=Subject.PACKED),
    Mutation(Store.PREDICTIONS, "they are those of another batch",
             lambda stores: stores.change_entry(1, predictions=stores.entry(2)["predictions"]), subject=Subject.PACKED),
    Mutation(Store.PREDICTIONS, "they should have a second part", _entry(parts=number(2)), subject=Subject.PACKED),
    Mutation(Store.PREDICTIONS, "one is gone", _columns(lambda column: column.pop(), *ALL), subject=Subject.PACKED),
    Mutation(Store.PREDICTIONS, "one is there twice", _columns(lambda column: column.append(column[0]), *ALL),
             subject=Subject.PACKED),
    Mutation(Store.PREDICTIONS, "one is of no record", _columns(lambda ids: ids.append(f"{ids.pop()}-x"), "ids"),
             subject=Subject.PACKED),
    Mutation(Store.PREDICTIONS, "one has no label", _columns(lambda column: column.pop(), "label"),
             subject=Subject.PACKED),
    Mutation(Store.PREDICTIONS, "one has another label",
             _columns(lambda column: column.append(1 - column.pop()), "label"), subject=Subject.PACKED),
    Mutation(Store.PREDICTIONS, "two have each other's id", _columns(lambda ids: ids.insert(0, ids.pop(1)), "ids"),
             by=Finder.AGAIN, cannot="the counts of labels and scores stay the same", subject=Subject.PACKED),
    Mutation(Store.PREDICTIONS, "a label is no class", _part(lambda columns: columns.update(labels=["good", "bad"])),
             subject=Subject.PACKED),
    Mutation(Store.PREDICTIONS, "they are of another model", _part(lambda columns: columns.update(model_version="77")),
             subject=Subject.PACKED),
    Mutation(Store.PREDICTIONS, "they are of no time", _part(lambda columns: columns.update(predicted_at="soon")),
             subject=Subject.PACKED),
    Mutation(Store.PREDICTIONS, "a column is gone", _part(lambda columns: columns.pop("ids")), subject=Subject.PACKED),
    Mutation(Store.PREDICTIONS, "a part is left over from an earlier attempt", _entry_at("#1", "1.1"),
             cannot="a batch that was done again may leave one, and nothing reads it", subject=Subject.PACKED),
    Mutation(Store.PREDICTIONS, "a part, where predictions are not packed", _entry_at("#1", "1.1")),
    Mutation(Store.PREDICTIONS, "one in the table of items, where they are packed",
             lambda stores: _early(stores, "r-110", batch=1), subject=Subject.PACKED),
    Mutation(Store.PLAN, "its predictions are packed", lambda stores: stores.change_plan("layout", text("packed"))),
    Mutation(Store.PLAN, "its predictions are not packed", lambda stores: stores.change_plan("layout", text("item")),
             subject=Subject.PACKED),
    Mutation(Store.INDEX, "it is gone", lambda stores: stores.delete_index(), subject=Subject.PACKED),
    Mutation(Store.INDEX, "the ingest's item has none", _item(index=None), subject=Subject.PACKED),
    Mutation(Store.INDEX, "it is another object", _index(lambda content: content[12:]), subject=Subject.PACKED),
    Mutation(Store.INDEX, "an entry is gone", _index(lambda content: content[12:], pinned=True),
             subject=Subject.PACKED),
    Mutation(Store.INDEX, "an entry names another batch",
             _index(lambda content: content[:11] + bytes([content[11] ^ 1]) + content[12:], pinned=True),
             subject=Subject.PACKED),
    Mutation(Store.INDEX, "two entries are exchanged",
             _index(lambda content: content[12:24] + content[:12] + content[24:], pinned=True),
             subject=Subject.PACKED),
    Mutation(Store.INDEX, "its counts are others", _index_counts, subject=Subject.PACKED),
]  # fmt: skip


def _all_objects(stores: IngestStores) -> None:
    for name in stores.objects():
        stores.delete_object(name)


SEVERAL = [
    Mutation(Store.MANIFEST, "all objects of the ingest are gone", _all_objects),
    Mutation(Store.SOURCE, "it is gone", lambda stores: stores.delete_source(),
             cannot="it is not the ingest's; verify says that it is gone, and verifies the rest"),
    Mutation(Store.SOURCE, "it has one record more", lambda stores: stores.put_source(stores.source() + b"\n{}"),
             cannot="it was replaced after the ingest; verify says so, and verifies the rest"),
]  # fmt: skip

MUTATIONS = [*MANIFEST, *PLAN, *STAGED, *LEDGER, *PREDICTIONS, *REJECTIONS, *SUMMARY, *CARD, *PACKED, *SEVERAL]
