"""One ingest that something goes wrong with, followed to where every record has its outcome."""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hundredfold.batches import BatchOutcome
from hundredfold.ingest import Resume
from hundredfold.model.bundle import Bundle
from hundredfold.sources.spec import ObjectsSpec, SourceSpec
from hundredfold.summary import Status
from hundredfold_cli.ingests.outcomes import read_all_rejections
from hundredfold_cli.ingests.resume import start_resume
from hundredfold_cli.ingests.start import start_ingest
from hundredfold_cli.ingests.status import IngestStatus, ingest_status
from hundredfold_cli.ingests.uploads import FileUpload
from hundredfold_cli.ingests.verification.verify import verify_ingest
from tests.faults.fault_proxy import Fault, FaultProxy
from tests.faults.matrix import Row
from tests.support.deployed import Stack

DEADLINE_SECONDS = 240
MOST_RESUMES = 6
REJECTED = "rejected"


@dataclass
class World:
    """What trials share."""

    stack: Stack
    proxy: FaultProxy
    bundle: Bundle
    rows: list[Row]


@dataclass
class Trial:
    """An ingest of 800 records, or of those that are given, which are written to `file` first.

    `expected` is what must become of each record in the end: its label, or REJECTED.
    """

    world: World
    ingest_id: str
    file: Path
    texts: Sequence[str] = ()
    expected: dict[str, str] = field(default_factory=dict)
    resumes: int = 0
    first: str = ""
    source: SourceSpec | None = None

    def __post_init__(self) -> None:
        self.deployment = self.world.stack.deployment
        if not self.texts:
            self.texts = [f"I {('loved', 'hated')[number % 2]} scene {number} of this film." for number in range(800)]
        if not self.expected:
            self.expected = {f"r-{number}": label for number, label in enumerate(labels(self.world, self.texts))}
        lines = [json.dumps({"id": f"r-{number}", "text": text}) for number, text in enumerate(self.texts)]
        self.file.write_text("".join(f"{line}\n" for line in lines))
        self._began = time.monotonic()

    def start(self) -> None:
        self.source = start_ingest(self.deployment, FileUpload(self.file), self.ingest_id, lambda _: None)

    def replace_source(self, content: bytes) -> None:
        assert isinstance(self.source, ObjectsSpec)
        self.deployment.s3.put_object(Bucket=self.source.bucket, Key=self.source.key, Body=content)

    def batches_done(self) -> int:
        return sum(isinstance(entry, BatchOutcome) for entry in self.deployment.ledger.entries(self.ingest_id))

    def until(self, condition: Callable[[], bool], what: str, every: float = 0.01) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not within {DEADLINE_SECONDS} s"
            time.sleep(every)

    def end(self) -> IngestStatus:
        """Wait for the execution's end, and note how the first one ended."""
        self.until(lambda: ingest_status(self.deployment, self.ingest_id).ended, "end of the execution", every=0.1)
        now = ingest_status(self.deployment, self.ingest_id)
        if not self.first:
            status, failed = now.summary["status"], now.summary["batches_failed"]
            self.first = f"{status}, {failed} of {now.summary['batches']} batches failed" if failed else status
        return now

    def resume(self, model: str | None = None, *, rejected: bool = False) -> IngestStatus:
        start_resume(self.deployment, Resume(self.ingest_id, model, rejected))
        self.resumes += 1
        return self.end()

    def recover(self, model: str | None = None) -> IngestStatus:
        """Resume until every batch is done."""
        now = self.end()
        while now.summary["status"] != Status.COMPLETED or now.summary["failed"]:
            assert self.resumes < MOST_RESUMES, now.summary
            now = self.resume(model)
        return now

    def check(self, name: str, injected: int) -> Row:
        """Hold every record's outcome against what was expected, recount the ingest, and enter a row of the matrix."""
        assert self.world.proxy.problems == []
        now = ingest_status(self.deployment, self.ingest_id)
        assert now.plan is not None
        predicted = self._predicted()
        rejected = Counter(str(entry["record_id"]) for entry in read_all_rejections(self.deployment, now.plan))
        outcomes = Counter(predicted.keys()) + rejected
        row = Row(
            fault=name,
            injected=injected,
            first=self.first,
            resumes=self.resumes,
            end=str(now.summary["status"]),
            lost=len(self.expected.keys() - outcomes.keys()),
            doubled=sum(count - 1 for count in outcomes.values()) + len(outcomes.keys() - self.expected.keys()),
            seconds=time.monotonic() - self._began,
        )
        self.world.rows.append(row)
        assert (row.lost, row.doubled) == (0, 0)
        assert {**predicted, **dict.fromkeys(rejected, REJECTED)} == self.expected
        recount = verify_ingest(self.deployment, self.ingest_id, scan=True)
        assert recount.ok, recount
        assert (recount.predicted, recount.rejected, recount.failed) == (
            len(predicted), rejected.total(), 0,
        )  # fmt: skip
        return row

    def _predicted(self) -> dict[str, str]:
        """Read the labels of all predictions that the table has of this ingest, also of records nobody asked for."""
        predicted: dict[str, str] = {}
        for prediction in self.deployment.predictions.read_all(self.ingest_id):
            assert prediction["record_id"] not in predicted, f"{prediction['record_id']} has two predictions"
            predicted[prediction["record_id"]] = prediction["label"]
        return predicted


def labels(world: World, texts: Sequence[str]) -> list[str]:
    """Return what the deployed model says to texts."""
    return [str(label) for label, _ in world.bundle.predict([(text,) for text in texts])]


def injected(faults: Sequence[Fault]) -> int:
    return sum(fault.injected for fault in faults)
