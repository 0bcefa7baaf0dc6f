"""The model versions that scored an ingest: their cards, their limits, and what their answers look like."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from hundredfold.aws.errors import DENIED, NOT_FOUND, error_code
from hundredfold.batches import BatchOutcome
from hundredfold.errors import BundleRefusedError
from hundredfold.ingest import Plan
from hundredfold.keys import card_key, model_card_key
from hundredfold.model.card import Card, card_digest
from hundredfold.model.drift import Baseline
from hundredfold.settings import MODEL_CARD_VARIABLE
from hundredfold_cli.ingests.verification.answers import PredictionShape, answer_shape, parse_time
from hundredfold_cli.ingests.verification.findings import Store, Verification
from hundredfold_cli.ingests.verification.shapes import LedgerEntry
from hundredfold_cli.stack.deployment import Deployment
from hundredfold_cli.stack.predictions_reader import StoredPrediction

_RECORD_BYTES = "RECORD_BYTES"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A published version of the inference function.

    Attributes
    ----------
    card : of its model; None if it is not known
    max_record_bytes : the longest record that it takes; None if it is not known
    shape : what each of its predictions must look like
    """

    number: str
    card: Card | None
    max_record_bytes: int | None
    shape: PredictionShape


class ModelVersions:
    """The versions that may have scored an ingest's batches.

    Parameters
    ----------
    item : of the ingest in the ledger, which names the models of resumes
    started : when the ingest's first execution started
    kept : whether the ingest's objects in the work bucket are there; False if all have expired
    """

    def __init__(
        self,
        deployment: Deployment,
        plan: Plan,
        item: Mapping[str, Any],
        started: datetime,
        verification: Verification,
        *,
        kept: bool,
    ) -> None:
        self._deployment = deployment
        self._plan = plan
        self._started = started
        self._kept = kept
        self._verification = verification
        resumes = [resume for resume in item.get("resumed", []) if isinstance(resume, dict)]
        self._known = {plan.model.version, *(str(resume.get("model_version")) for resume in resumes)}
        first_resume = min(filter(None, (parse_time(resume.get("started_at")) for resume in resumes)), default=None)
        self._first_resume = first_resume
        self._versions: dict[str, ModelVersion] = {}
        self.pinned = self._version(plan.model.version)

    def of_batch(self, entry: LedgerEntry | None, predictions: Iterable[StoredPrediction]) -> ModelVersion:
        """Return the version that scored a batch: the one that its predictions name, or its entry, if that can be.

        A resume may name another model. The ledger then no longer has the version of the batches that were done
        before. It is taken from the first of them.
        """
        entered = entry.outcome.model_version if entry and isinstance(entry.outcome, BatchOutcome) else ""
        without_predictions = entered or self._plan.model.version
        named = next((str(prediction.get("model_version")) for prediction in predictions), without_predictions)
        if named in self._known:
            return self._version(named)
        done_at = parse_time(entry.done_at) if entry else None
        if self._first_resume and done_at and done_at < self._first_resume:
            self._known.add(named)
            self._first_resume = None
            return self._version(named)
        return self.pinned

    def baseline_of(self, version: str) -> Baseline | None:
        """Return the baseline of a version that scored batches; None if it has none, or is not known."""
        card = self._version(version).card if version else None
        return card.baseline if card else None

    def _version(self, number: str) -> ModelVersion:
        if number not in self._versions:
            self._versions[number] = self._read(number)
        return self._versions[number]

    def _read(self, number: str) -> ModelVersion:
        variables = self._read_variables(number)
        pinned = number == self._plan.model.version
        digest = self._plan.model.card if pinned else variables.get(MODEL_CARD_VARIABLE, "")
        card = self._read_card(digest, pinned=pinned)
        limit = variables.get(_RECORD_BYTES, "")
        answer, outputs = answer_shape(card) if card else (None, {})
        shape = PredictionShape(answer, outputs, frozenset({number}), self._started, datetime.now(UTC))
        return ModelVersion(number, card, int(limit) if limit.isdecimal() else None, shape)

    def _read_variables(self, number: str) -> Mapping[str, str]:
        """Read the variables of a version; of the pinned one, compare it with the plan."""
        try:
            configuration: Mapping[str, Any] = self._deployment.lambda_.get_function_configuration(
                FunctionName=self._deployment.infer_function, Qualifier=number
            )
        except ClientError as error:
            if error_code(error) not in NOT_FOUND | DENIED:
                raise
            self._verification.leave_out(f"version {number} of the model is gone: its limits are not known")
            return {}
        variables: Mapping[str, str] = configuration.get("Environment", {}).get("Variables", {})
        if number == self._plan.model.version:
            compare, model = self._verification.compare, self._plan.model
            compare(Store.PLAN, "its function", model.function, configuration["FunctionArn"])
            compare(Store.PLAN, "the card of its model", model.card, variables.get(MODEL_CARD_VARIABLE, ""))
        return variables

    def _read_card(self, digest: str, *, pinned: bool) -> Card | None:
        """Read a version's card: the pinned one that is kept with the ingest, or the one that was released."""
        if not digest:
            self._verification.leave_out("a model has no card: answers and reasons were not compared with it")
            return None
        key = card_key(self._plan.ingest_id) if pinned else model_card_key(digest)
        content = self._deployment.work.read(key)
        if content is None or card_digest(content) != digest:
            if content is not None or self._kept:
                what = "is gone" if content is None else "is another one: its SHA-256 is not the released card's"
                self._verification.add(Store.CARD, f"{key} {what}")
            content = self._deployment.work.read(model_card_key(digest))
        try:
            return Card.from_json(content) if content else None
        except BundleRefusedError as error:
            self._verification.add(Store.CARD, str(error))
            return None
