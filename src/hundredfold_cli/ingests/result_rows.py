"""The rows of exported results: the predictions of the batches that are done, in the order of the source.

Without the source, predictions are read from their table alone: batch by batch, and by record id within a batch.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import batched
from typing import Any

from hundredfold.batches import Batch
from hundredfold.errors import SourceChangedError, SourceMissingError
from hundredfold.inference.decode import Line
from hundredfold.ingest import Plan
from hundredfold_cli.ingests.outcomes import READERS, BatchRead, BatchReader, batches_done, read_manifest, record_of
from hundredfold_cli.stack.deployment import Deployment

OVERWRITTEN_BY = "overwritten_by"
"""In place of an answer: the batch whose record has the same id, and whose prediction is stored."""

type ResultRow = dict[str, Any]
"""A prediction; or the record id and the batch of a record whose prediction was replaced, with OVERWRITTEN_BY."""
type SourceLostError = SourceChangedError | SourceMissingError
type Scan = Callable[[SourceLostError], None]
"""Called before all predictions are scanned, with what was lost of the source; raises if it may not be done."""


class ResultRows:
    """Reads the rows of an ingest's results.

    Attributes
    ----------
    done : the batches that the ledger has as done; others have no rows
    overwritten : how many rows have no answer, since another batch's record has the same id
    missing : how many records of done batches have no outcome
    """

    def __init__(self, deployment: Deployment, plan: Plan, scan: Scan) -> None:
        self._deployment = deployment
        self._plan = plan
        self._scan = scan
        self.done = batches_done(deployment, plan.ingest_id)
        self.overwritten = 0
        self.missing = 0

    def rows(self) -> Iterator[ResultRow]:
        """Yield all rows. The source is needed for their order only."""
        with closing(_ScannedPredictions(self._deployment, self._plan.ingest_id, self._scan)) as scanned:
            try:
                batches = self._batches()
            except SourceMissingError as lost:
                yield from scanned.rows(self.done, lost)
                return
            for batch, read in self._read(batches):
                if isinstance(read, BatchRead):
                    yield from (row for _, row in self._rows_of(read))
                else:
                    yield from scanned.rows({batch.batch}, read)

    def joined(self) -> Iterator[tuple[dict[str, Any], ResultRow]]:
        """Yield all rows, each after its record as the source has it.

        Raises
        ------
        SourceChangedError, SourceMissingError
            If the source is no longer what the ingest was planned from.
        """
        for _, read in self._read(self._batches()):
            if not isinstance(read, BatchRead):
                raise read
            for line, row in self._rows_of(read):
                yield record_of(line, self._plan), row

    def _batches(self) -> list[Batch]:
        return [batch for batch in read_manifest(self._deployment, self._plan) if batch.batch in self.done]

    def _read(self, batches: list[Batch]) -> Iterator[tuple[Batch, BatchRead | SourceLostError]]:
        """Read batches, in order; yield the error in place of one whose source is lost."""
        reader = BatchReader(self._deployment, self._plan)

        def read(batch: Batch) -> BatchRead | SourceLostError:
            try:
                return reader.read(batch)
            except (SourceChangedError, SourceMissingError) as error:
                return error

        with ThreadPoolExecutor(READERS) as pool:
            for group in batched(batches, 4 * READERS, strict=False):
                yield from zip(group, pool.map(read, group), strict=True)

    def _rows_of(self, read: BatchRead) -> Iterator[tuple[Line, ResultRow]]:
        for line in read.lines:
            if line.number in read.rejections or line.record_id is None:
                continue
            if prediction := read.own_prediction(line):
                yield line, prediction
            elif replacement := read.predictions.get(line.record_id):
                self.overwritten += 1
                ids = {"record_id": line.record_id, "ingest_id": self._plan.ingest_id}
                yield line, {**ids, "batch": read.batch.batch, OVERWRITTEN_BY: replacement.get("batch")}
            else:
                self.missing += 1


class _ScannedPredictions:
    """All predictions of an ingest, sorted on disk by batch and record id. They are scanned on first use."""

    def __init__(self, deployment: Deployment, ingest_id: str, scan: Scan) -> None:
        self._deployment = deployment
        self._ingest_id = ingest_id
        self._scan = scan
        self._database: sqlite3.Connection | None = None

    def rows(self, batches: set[int], lost: SourceLostError) -> Iterator[ResultRow]:
        """Yield the predictions of some batches.

        Parameters
        ----------
        lost : why they are not read by the source
        """
        if self._database is None:
            self._scan(lost)
            self._database = self._scanned()
        for batch in sorted(batches):
            found = self._database.execute(
                "SELECT prediction FROM predictions WHERE batch = ? ORDER BY record_id", (batch,)
            )
            yield from (json.loads(prediction) for (prediction,) in found)

    def close(self) -> None:
        if self._database is not None:
            self._database.close()

    def _scanned(self) -> sqlite3.Connection:
        database = sqlite3.connect("")  # a temporary file, deleted with the connection
        database.execute("CREATE TABLE predictions (batch INTEGER, record_id TEXT, prediction TEXT)")
        rows = (
            (prediction.get("batch"), prediction["record_id"], json.dumps(prediction))
            for prediction in self._deployment.predictions.read_all(self._ingest_id)
        )
        database.executemany("INSERT INTO predictions VALUES (?, ?, ?)", rows)
        database.execute("CREATE INDEX place ON predictions (batch, record_id)")
        return database
