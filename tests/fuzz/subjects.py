"""What is given hostile input: each subject has good input, and a call that must end well or with an error of ours."""

import base64
import gzip
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyarrow import parquet

from hundredfold.batches import Batch
from hundredfold.errors import HundredfoldError
from hundredfold.inference.batch import Scoring, Stores
from hundredfold.inference.decode import decode_batch
from hundredfold.inference.predict import predict_batch
from hundredfold.inference.stream import infer_stream
from hundredfold.ingest import Model, claim_from_input, ingest_id_of, resume_from_input
from hundredfold.model.card import Card
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold.planning.batching import cut_batches
from hundredfold.planning.shadows import shadow_from_input
from hundredfold.planning.start_events import start_for
from hundredfold.sources.dynamodb.items import item_line
from hundredfold.sources.object_names import options_for_name
from hundredfold.sources.objects import PinnedObject
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.reading import read_as_lines
from hundredfold.sources.spec import spec_from_input
from tests.fuzz.mutate import mutated_bytes, mutated_json
from tests.simulation.model import SimulatedModel
from tests.unit.fakes import MemoryItems, MemoryLedger, MemoryPredictions, MemorySources, MemoryWork

EVENTS: Final = Path(__file__).resolve().parents[1] / "events"
SIGNATURE: Final = Signature((Field("text", FieldType.TEXT), Field("stars", FieldType.NUMBER)))
ROWS: Final = [{"id": f"r{number}", "text": f"a text, {number}", "stars": number % 5} for number in range(8)]
MOST_RECORD_BYTES: Final = 65_536
MOST_BATCH_BYTES: Final = 4 * MOST_RECORD_BYTES

type Mutate = Callable[[random.Random, bytes], bytes]


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that reads what others have made.

    Attributes
    ----------
    samples : good input
    call : reads an input; it raises HundredfoldError for one that is refused
    mutate : makes hostile input of a sample
    """

    name: str
    samples: tuple[bytes, ...]
    call: Callable[[bytes], None]
    mutate: Mutate


def read_lines(data: bytes) -> None:
    """Cut lines into batches and decode each, as the planner and the inference function do.

    Every line that is not blank has one outcome, and no outcome is of another line.
    """
    pinned = PinnedObject("records", "hostile.jsonl", etag="e", size=len(data))
    batches = list(cut_batches([data], max_records=5, max_bytes=MOST_BATCH_BYTES))
    lines = [number for number, line in enumerate(data.split(b"\n"), start=1) if line.strip()]
    outcomes: list[int] = []
    for batch in batches:
        outcomes += _lines_of_outcomes(data, batch, pinned)
    assert sorted(outcomes) == lines, "a line without one outcome"


def _lines_of_outcomes(data: bytes, batch: Batch, pinned: PinnedObject) -> list[int]:
    content = data[batch.offset : batch.offset + batch.length]
    decoded = decode_batch(content, batch, pinned, SIGNATURE, max_record_bytes=MOST_RECORD_BYTES)
    predicted = predict_batch(decoded, lambda values: [("pos", 0.5)] * len(values))
    outcomes = [record.line for record in predicted.records if record.record_id]
    rejected = [rejection.line for rejection in decoded.rejections + predicted.rejections]
    assert len(outcomes) + len(rejected) == batch.records, "a batch with another number of outcomes"
    return outcomes + rejected


def read_file(name: str, data: bytes) -> None:
    """Read a file of any format as JSON Lines: lines that are whole and are objects or marks of unreadable rows."""
    options = options_for_name(ReadOptions(), name)
    for _ in read_as_lines(io.BytesIO(data), options, name):
        pass


def read_execution_input(data: bytes) -> None:
    """Read all that an execution's input can say. Each part may be refused, and the others are read all the same."""
    value = json.loads(data)
    for read in (claim_from_input, resume_from_input, shadow_from_input, spec_from_input):
        try:
            read(value)
        except HundredfoldError:
            continue
    ingest_id_of("execution", value)


def read_stream_event(data: bytes) -> None:
    """Infer the records of a stream's event: each is predicted, rejected, skipped or reported back."""
    records = json.loads(data)["Records"]
    stores = Stores(MemorySources(), MemoryWork(), MemoryPredictions(), MemoryItems(), MemoryLedger())
    scoring = Scoring(lambda values: [("pos", 0.5)] * len(values), Signature(SIGNATURE.fields[:1]), MOST_RECORD_BYTES)
    outcome = infer_stream(records, scoring, stores, fields={}, model=Model("f:7", "7"), time_left=lambda: 60.0)
    counted = outcome.predicted + outcome.rejected + outcome.deleted + outcome.imageless + len(outcome.failed)
    assert counted == len(records), "a record of a stream without an outcome"


def read_item(data: bytes) -> None:
    """Make a line of an item, if the input is a map of anything."""
    item = json.loads(data)
    if isinstance(item, dict):
        item_line(item, ReadOptions())


def mutated_kinesis(chance: random.Random, content: bytes) -> bytes:
    """Alter what the records of an event carry. The event itself is made by AWS."""
    event = json.loads(content)
    for record in event["Records"]:
        try:
            payload = base64.b64decode(record["kinesis"]["data"])
        except ValueError:
            continue  # the sample has one that is damaged already
        record["kinesis"]["data"] = base64.b64encode(mutated_bytes(chance, payload)).decode()
    return json.dumps(event).encode()


def mutated_images(chance: random.Random, content: bytes) -> bytes:
    """Alter the images of a table's changes."""
    event = json.loads(content)
    for record in event["Records"]:
        if "NewImage" in record["dynamodb"]:
            image = json.dumps(record["dynamodb"]["NewImage"]).encode()
            record["dynamodb"]["NewImage"] = json.loads(mutated_json(chance, image))
    return json.dumps(event).encode()


def _csv(delimiter: str) -> bytes:
    rows = [f'{row["id"]}{delimiter}"{row["text"]}"{delimiter}{row["stars"]}' for row in ROWS]
    return "\r\n".join([delimiter.join(ROWS[0]), *rows, ""]).encode()


def _zstd(content: bytes) -> bytes:
    return bytes(pa.compress(content, codec="zstd", asbytes=True))


def _parquet(compression: str) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(ROWS), sink, compression=compression, row_group_size=3)
    return sink.getvalue()


_LINES: Final = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)
_FILES: Final[dict[str, bytes]] = {
    "records.jsonl": _LINES,
    "records.json": json.dumps(ROWS).encode(),
    "records.csv": _csv(","),
    "records.tsv": _csv("\t"),
}


def _files() -> list[Subject]:
    subjects = []
    for name, content in _FILES.items():
        members = gzip.compress(content[:40]) + gzip.compress(content[40:])
        frames = _zstd(content[:40]) + _zstd(content[40:])
        for ending, samples in {
            "": (content,),
            ".gz": (gzip.compress(content), members),
            ".zst": (_zstd(content), frames),
        }.items():
            subjects.append(Subject(name + ending, samples, partial(read_file, name + ending), mutated_bytes))
    samples = (_parquet("snappy"), _parquet("none"))
    subjects.append(Subject("records.parquet", samples, partial(read_file, "records.parquet"), mutated_bytes))
    return subjects


def _kinesis() -> bytes:
    """Return the event with each place in the stream once: its last record is the first one again."""
    event = json.loads((EVENTS / "kinesis.json").read_bytes())
    return _json({"Records": event["Records"][:-1]})


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


_INPUTS: Final = tuple(
    _json(value)
    for value in (
        {"source": {"bucket": "b", "key": "k.csv", "etag": "e", "kind": "csv", "delimiter": ";"}, "claim": "0123"},
        {"source": {"bucket": "b", "prefix": "p/", "fields": {"text": "review"}, "columns": ["id", "review"]}},
        {"source": {"table": "t", "index": "i", "partition": {"p": "v"}, "write_back": "sentiment"}},
        {"resume": {"ingest_id": "i1", "model": "live", "rejected": True}},
        {"source": {"bucket": "b", "key": "k"}, "shadow": {"ingest_id": "i1", "version": "7", "sample": 0.05}},
    )
)
_ITEM: Final = _json(
    {
        "id": {"S": "r1"}, "text": {"S": "t"}, "stars": {"N": "4.50"}, "set": {"NS": ["1", "2"]}, "b": {"B": "AA=="},
        "map": {"M": {"list": {"L": [{"NULL": True}, {"BOOL": False}]}}},
    }
)  # fmt: skip

SUBJECTS: Final = (
    Subject("lines", (_LINES,), read_lines, mutated_bytes),
    *_files(),
    Subject("execution input", _INPUTS, read_execution_input, mutated_json),
    Subject(
        "start event",
        tuple((EVENTS / f"{name}.json").read_bytes() for name in ("object_created", "schedule")),
        lambda data: _ignored(start_for(json.loads(data), "s3://b/k")),
        mutated_json,
    ),
    Subject("Kinesis event", (_kinesis(),), read_stream_event, mutated_kinesis),
    Subject("table's stream", ((EVENTS / "dynamodb_stream.json").read_bytes(),), read_stream_event, mutated_images),
    Subject(
        "item of a table",
        (_ITEM,),
        read_item,
        mutated_json,
    ),
    Subject(
        "card of a model",
        (SimulatedModel(1).content,),
        lambda data: _ignored(Card.from_json(data)),
        mutated_json,
    ),
)


def _ignored(_: object) -> None:
    """Take a value that does not matter."""
