"""Checks of one batch: its lines against its ledger entry, its predictions and its rejections."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hundredfold.batches import Batch, BatchOutcome, Sketch
from hundredfold.model.card import Card
from hundredfold.records import Prediction, Reason
from hundredfold_cli.ingests.answers import model_answer
from hundredfold_cli.ingests.verification.answers import PredictionShape
from hundredfold_cli.ingests.verification.findings import Store, Verification
from hundredfold_cli.ingests.verification.judge import UNFORESEEABLE, Judgement
from hundredfold_cli.ingests.verification.shapes import LedgerEntry, RejectionShape
from hundredfold_cli.stack.predictions_reader import StoredPrediction


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """A batch with all that is stored of it.

    Attributes
    ----------
    judgements : of its lines, in order; None if the source cannot be read
    entry : of the ledger; None if it has none
    rejections : by line
    predictions : by the record ids of its lines
    source : what its rejections must name as their source; None if they name none
    card : of the model that scored it; None if it is not known
    shape : what each of its predictions must look like
    writes_back : whether its predictions are written back onto the items that they are for
    """

    batch: Batch
    judgements: Sequence[Judgement] | None
    entry: LedgerEntry | None
    rejections: Mapping[int, RejectionShape]
    predictions: Mapping[str, StoredPrediction]
    source: str | None
    card: Card | None
    shape: PredictionShape
    writes_back: bool

    @property
    def number(self) -> int:
        return self.batch.batch

    @property
    def done(self) -> BatchOutcome | None:
        """The outcome, if the ledger has the batch as done."""
        return self.entry.outcome if self.entry and isinstance(self.entry.outcome, BatchOutcome) else None


@dataclass(frozen=True, slots=True)
class Taken:
    """A prediction of a line's id that is another batch's. It must be that of a record there.

    Attributes
    ----------
    by, batch : the line's batch, and the other one that the prediction names
    overwritten : whether the line itself should be predicted; False if it is rejected
    """

    line: int
    record_id: str
    by: int
    batch: int
    overwritten: bool


@dataclass(slots=True)
class BatchResult:
    """What the check of a batch gives beside problems.

    Attributes
    ----------
    predicted, rejected : as many lines as must be predicted and rejected; reasons of the rejected
    taken : predictions that other batches must answer for
    scored : the line that must be predicted, by record id
    ids : the record ids that the batch may have predictions of
    to_predict_again : lines with what is stored for each: a prediction, or None for a rejection by the model
    """

    predicted: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    taken: list[Taken] = field(default_factory=list)
    scored: dict[str, Judgement] = field(default_factory=dict)
    to_predict_again: list[tuple[Judgement, StoredPrediction | None]] = field(default_factory=list)
    ids: Iterable[str] = ()


class BatchCheck:
    """Checks batches, one after another."""

    def __init__(self, verification: Verification) -> None:
        self._verification = verification

    def check(self, read: ReadBatch) -> BatchResult:
        """Check one batch, and count its records."""
        judgements = read.judgements
        if judgements is None:
            return self._check_without_source(read)
        self._verification.records += len(judgements)
        if read.entry:
            self._compare_ledger(read.number, "records", read.entry.records, len(judgements))
        if read.done is None:
            self._verification.failed += len(judgements)
            return BatchResult(ids={judgement.record_id for judgement in judgements if judgement.record_id is not None})
        result = self._check_lines(read, judgements)
        result.ids = result.scored
        for line in sorted(read.rejections.keys() - {judgement.line.number for judgement in judgements}):
            self._extra(Store.REJECTIONS, f"batch {read.number} rejects line {line}, which is none of its records")
        self._compare_outcome(read, read.done, result)
        self._check_sketch(read, judgements, result)
        return result

    def _check_lines(self, read: ReadBatch, judgements: Sequence[Judgement]) -> BatchResult:
        result = BatchResult()
        expected = [self._expected_reason(judgement, read, result) for judgement in judgements]
        for judgement, reason in zip(judgements, expected, strict=True):
            line = _StoredLine.of(judgement, read)
            if line.batch is not None and line.batch != read.number:
                self._note_taken(read, line, reason, result)
            if reason is None:
                result.predicted += 1
                self._check_predicted(read, line, result)
            else:
                result.rejected += 1
                result.reasons[reason] += 1
                self._check_rejected(read, line, reason, result)
        return result

    def _expected_reason(self, judgement: Judgement, read: ReadBatch, result: BatchResult) -> str | None:
        """Return why a line must be rejected, or None. An id is predicted for the first line that can be."""
        rejection = read.rejections.get(judgement.line.number)
        reason = judgement.reason
        if rejection and rejection.reason in judgement.may_be:
            return rejection.reason
        if reason is None and judgement.record_id is not None:
            if judgement.record_id in result.scored:
                return Reason.DUPLICATE_ID.value
            if rejection and rejection.reason in UNFORESEEABLE:
                return rejection.reason
            result.scored[judgement.record_id] = judgement
        return reason

    def _note_taken(self, read: ReadBatch, line: "_StoredLine", reason: str | None, result: BatchResult) -> None:
        """Note a prediction that another batch must answer for, unless another line here has its id."""
        if line.batch is None or (reason is not None and line.record_id in result.scored):
            return
        overwritten = reason is None and line.rejection is None
        result.taken.append(Taken(line.number, line.record_id, read.number, line.batch, overwritten=overwritten))

    def _check_predicted(self, read: ReadBatch, line: "_StoredLine", result: BatchResult) -> None:
        """Check a line that must be predicted."""
        own = line.batch == read.number
        if line.rejection:
            self._add(
                Store.REJECTIONS, read, f"line {line.number} is rejected as {line.rejection.reason}, and can be scored"
            )
            self._verification.doubled += own
            self._verification.rejected += not own
        elif line.prediction is None:
            self._verification.missing += 1
            self._add(Store.PREDICTIONS, read, f"line {line.number} has no outcome")
        elif own:
            self._verification.predicted += 1
        elif line.batch is None:
            self._verification.missing += 1
        if line.prediction is None or (line.batch is not None and not own):
            return
        faults = read.shape.faults(line.prediction)
        for fault in faults:
            self._add(Store.PREDICTIONS, read, f"the prediction of line {line.number} is malformed: {fault}")
        if not faults and not line.rejection:
            result.to_predict_again.append((line.judgement, line.prediction))

    def _check_rejected(self, read: ReadBatch, line: "_StoredLine", reason: str, result: BatchResult) -> None:
        """Check a line that must be rejected."""
        own = line.batch == read.number and line.record_id not in result.scored
        if line.rejection is None:
            store = Store.PREDICTIONS if own else Store.REJECTIONS
            outcome = "is predicted" if own else "has no outcome"
            self._add(store, read, f"line {line.number} {outcome}, and must be rejected as {reason}")
            self._verification.predicted += own
            self._verification.missing += not own
            return
        if own:
            self._add(Store.PREDICTIONS, read, f"line {line.number} is rejected and predicted")
        self._verification.doubled += own
        self._verification.rejected += not own
        self._check_rejection(read, line.judgement, reason, line.rejection)
        if reason in UNFORESEEABLE:
            result.to_predict_again.append((line.judgement, None))

    def _check_rejection(self, read: ReadBatch, judgement: Judgement, reason: str, rejection: RejectionShape) -> None:
        name = f"batch {read.number}: the rejection of line {judgement.line.number}: its"
        compare = self._verification.compare
        compare(Store.REJECTIONS, f"{name} reason", rejection.reason, reason)
        if judgement.line.offset is not None:
            compare(Store.REJECTIONS, f"{name} offset", rejection.offset, judgement.line.offset)
        # Of a row that cannot be read, only the staged line says which id it has.
        id_is_known = reason not in judgement.may_be and (judgement.line.offset is not None or judgement.record_id)
        if rejection.reason == reason and id_is_known:
            compare(Store.REJECTIONS, f"{name} record id", rejection.record_id, judgement.record_id)
        compare(Store.REJECTIONS, f"{name} source", rejection.source, read.source)

    def _compare_outcome(self, read: ReadBatch, outcome: BatchOutcome, result: BatchResult) -> None:
        number = read.number
        self._compare_ledger(number, "predicted", outcome.predicted, result.predicted)
        self._compare_ledger(number, "rejected", outcome.rejected, result.rejected)
        self._compare_ledger(number, "reasons", dict(outcome.reasons), dict(result.reasons))
        written = outcome.written_back + outcome.outdated
        self._compare_ledger(
            number, "written back and outdated together", written, result.predicted if read.writes_back else 0
        )

    def _check_sketch(self, read: ReadBatch, judgements: Sequence[Judgement], result: BatchResult) -> None:
        """Count the batch's inputs and answers once more, if all of them are known."""
        baseline = read.card.baseline if read.card else None
        if not (read.card and read.done):
            return
        if (read.done.sketch is None) != (baseline is None):
            self._add(Store.LEDGER, read, "its sketch is missing, or the model has no baseline for one")
        answered = [pair for pair in result.to_predict_again if pair[1] is not None]
        rejected = read.done.rejected == result.rejected and len(read.rejections) == result.rejected
        if (
            not (baseline and read.done.sketch and rejected)
            or len(answered) != result.predicted
            or any(judgement.may_be for judgement in judgements)
        ):
            return
        try:
            sketch = baseline.sketch(
                read.card.signature,
                [judgement.values for judgement, _ in result.to_predict_again],
                [
                    Prediction(str(judgement.record_id), *answer)
                    for judgement, prediction in answered
                    if (answer := model_answer(prediction))
                ],
            )
        except (KeyError, TypeError, AttributeError):
            return  # a malformed answer, which is a problem already
        self._compare_sketches(read, read.done.sketch, sketch)

    def _compare_sketches(self, read: ReadBatch, stored: Sketch, expected: Sketch) -> None:
        for name in ("labels", "scores", "inputs", "unseen"):
            self._verification.compare(
                Store.LEDGER,
                f"batch {read.number}: its count of {name}, which its records and predictions give,",
                getattr(stored, name),
                getattr(expected, name),
            )

    def _check_without_source(self, read: ReadBatch) -> BatchResult:
        """Count a batch as the ledger has it, and check its rejections as far as that goes."""
        batch, outcome = read.batch, read.done
        self._verification.records += batch.records
        if read.entry:
            self._compare_ledger(read.number, "records", read.entry.records, batch.records)
        if outcome is None:
            self._verification.failed += batch.records
            return BatchResult()
        self._verification.predicted += outcome.predicted
        self._verification.rejected += outcome.rejected
        self._compare_ledger(
            read.number, "predicted and rejected together", outcome.predicted + outcome.rejected, batch.records
        )
        reasons = Counter(rejection.reason for rejection in read.rejections.values())
        self._compare_ledger(read.number, "rejected", outcome.rejected, reasons.total())
        self._compare_ledger(read.number, "reasons", dict(outcome.reasons), dict(reasons))
        for rejection in read.rejections.values():
            inside = batch.offset <= rejection.offset < batch.offset + batch.length and rejection.line >= batch.line
            if not inside or rejection.source != read.source:
                self._add(Store.REJECTIONS, read, f"line {rejection.line} is not within the batch")
        return BatchResult(outcome.predicted, outcome.rejected, reasons)

    def _compare_ledger(self, number: int, what: str, stored: object, expected: object) -> None:
        self._verification.compare(Store.LEDGER, f"batch {number}: {what}", stored, expected)

    def _add(self, store: Store, read: ReadBatch, what: str) -> None:
        self._verification.add(store, f"batch {read.number}: {what}")

    def _extra(self, store: Store, what: str) -> None:
        self._verification.extra += 1
        self._verification.add(store, what)


@dataclass(frozen=True, slots=True)
class _StoredLine:
    """A line with what is stored for it.

    Attributes
    ----------
    batch : the batch that its prediction names; None if it has none, or names none
    """

    judgement: Judgement
    record_id: str
    rejection: RejectionShape | None
    prediction: StoredPrediction | None
    batch: int | None

    @property
    def number(self) -> int:
        return self.judgement.line.number

    @classmethod
    def of(cls, judgement: Judgement, read: ReadBatch) -> "_StoredLine":
        record_id = judgement.record_id
        prediction = read.predictions.get(record_id) if record_id is not None else None
        batch = prediction.get("batch") if prediction else None
        return cls(
            judgement,
            record_id or "",
            read.rejections.get(judgement.line.number),
            prediction,
            batch if isinstance(batch, int) else None,
        )
