"""The ledger in DynamoDB: an item for each batch, spread over 8 partition keys, and one for the ingest."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from hundredfold.aws.attributes import attribute_values, plain_item, write_units
from hundredfold.aws.backoff import retry_throttled
from hundredfold.aws.errors import CONDITION_FAILED, is_failed_condition, mapped_errors
from hundredfold.batches import LEDGER_SHARDS, BatchFailure, BatchOutcome, EarlierOutcome, InvocationStats, Sketch
from hundredfold.errors import HundredfoldError, IngestClaimedError, IngestExistsError, StoreBusyError
from hundredfold.ingest import Claim, Plan
from hundredfold.packed import PackedPredictions
from hundredfold.record_index import RecordIndex
from hundredfold.summary import ExecutionPart, History, Reported, Status, Summary

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

SUMMARY_ENTRY = "summary"
PREDICTIONS = "predictions"
"""The attribute of a part of a batch's packed predictions."""
PARTS = "parts"
"""The attribute of how many parts there are, if there are several."""
INDEX = "index"
"""The attribute of the index of an ingest's records, on the ingest's item."""
WRITE_ATTEMPTS = 8
"""Of each write. The pauses between them add up to 6.35 s at most, and half that on average, beside botocore's own. If
the ledger stays throttled for longer, the state machine tries the batch again."""
REOFFERED = "Reoffered"
"""The error of a batch that was done and is to be inferred again, until it has been."""

_BUSY = "DynamoDB did not answer about the ledger"

# A retry of the same execution may write an ingest's item again. Another execution with the same id may not, unless it
# resumes the ingest. If two resume it, the later one owns it, and the earlier one cannot end it.
_NOT_BEGUN_BY_ANOTHER = "attribute_not_exists(started_at) OR started_at = :started"
# A call of the planner that Step Functions has given up may still go on, beside the next one. It must not begin again
# what has ended since, and the two must not plan with different models or from different versions of an object.
_OWN_THAT_RUNS = (
    "(started_at = :started AND #status = :running AND #plan.#model.#version = :version AND "
    "(attribute_not_exists(#plan.#pinned.#etag) OR attribute_exists(#plan.#pinned.#staged_from) OR "
    "#plan.#pinned.#etag = :etag))"
)
_NAMES = ("status", "plan", "model", "version", "pinned", "etag", "staged_from")
_NOT_BEGUN_LATER = f"attribute_not_exists(started_at) OR started_at < :started OR {_OWN_THAT_RUNS}"
# A resume whose planning failed does not have the ingest. It must not end one that is completed, or that runs.
_OWN_OR_FAILED = (
    "attribute_not_exists(started_at) OR execution = :execution OR (#status = :failed AND started_at <= :started)"
)

_ENTRY_ATTRIBUTES = (
    "entry", "status", "records", "predicted", "rejected", "reasons", "milliseconds", "stats", "sketch", "model",
    "written_back", "outdated", "error", "cause",
)  # fmt: skip


class DynamoLedger:
    """Keeps the ledger (implements `ports.Ledger`).

    The table's keys are `ledger_key` and `entry`. Its items are:

    - a batch: `<ingest_id>#<batch mod 8>`, `<batch>`, so that 500 batches that finish at once write to 8 partitions.
      In the layout `packed`, its `predictions` are those of the batch (`hundredfold.packed`);
    - further parts of a batch whose packed predictions do not fit into one item: `<batch>.1`, `<batch>.2`, ...;
    - an ingest: `<ingest_id>`, `summary`. From a start's claim on the id until the ingest begins, this is the claim;
    - a partition that could not be planned: `<execution>#partitions`, `<partition>`. The state machine writes it.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._table = table
        self._now = now
        self._sleep = sleep

    def claim(self, ingest_id: str, claim: Claim, *, reclaim: bool = False) -> None:
        """Claim an id for a start, before it writes anything else. A second call of the same start changes nothing.

        Parameters
        ----------
        reclaim : take the id from an earlier start, if its ingest has not begun

        Raises
        ------
        IngestExistsError
            If an ingest with this id has begun.
        IngestClaimedError
            If another start has claimed the id.
        """
        item = {"claim_token": claim.token, "claimed_by": claim.by, "claimed_at": claim.at}
        free = "attribute_not_exists(started_at)" if reclaim else "attribute_not_exists(ledger_key)"
        try:
            self._put_ingest(ingest_id, item, f"{free} OR claim_token = :claim", {":claim": claim.token})
        except IngestExistsError:
            raise self._taken(ingest_id, claim.token) or IngestExistsError(ingest_id) from None

    def release_claim(self, ingest_id: str, claim: Claim) -> None:
        """Give back an id that a start has claimed, unless its ingest has begun or another start has the claim."""
        with mapped_errors(_BUSY):
            try:
                self._client.delete_item(
                    TableName=self._table,
                    Key={"ledger_key": {"S": ingest_id}, "entry": {"S": SUMMARY_ENTRY}},
                    ConditionExpression="claim_token = :claim",
                    ExpressionAttributeValues={":claim": {"S": claim.token}},
                )
            except ClientError as error:
                if not is_failed_condition(error):
                    raise

    def check(self, ingest_id: str, started_at: str, claim: str = "") -> None:
        if taken := self._taken(ingest_id, claim, started_at):
            raise taken

    def begin(self, plan: Plan, started_at: str, claim: str = "") -> None:
        item = {"began_at": started_at, **_sizes(plan), "execution": plan.ingest_id, "plan": plan.as_dict()}
        free = (
            "attribute_not_exists(ledger_key) OR claim_token = :claim" if claim else "attribute_not_exists(started_at)"
        )
        values = {**_of_own_plan(plan, started_at), **({":claim": claim} if claim else {})}
        try:
            self._put_ingest(
                plan.ingest_id,
                {"status": Status.RUNNING.value, "started_at": started_at, **item},
                f"{free} OR {_OWN_THAT_RUNS}",
                values,
            )
        except IngestExistsError:
            raise self._taken(plan.ingest_id, claim, started_at) or _planned_meanwhile(plan.ingest_id) from None

    def resume(self, plan: Plan, started_at: str, execution: str, batches: int) -> None:
        entered = self.ingest(plan.ingest_id) or {}
        # A retry of the planner finds its own execution here.
        earlier = [resumed for resumed in entered.get("resumed", []) if resumed["execution"] != execution]
        resumed = {
            "execution": execution,
            "started_at": started_at,
            "batches": batches,
            "model_version": plan.model.version,
        }
        history = _history(entered, execution)
        item = {
            "status": Status.RUNNING.value,
            "started_at": started_at,
            "began_at": history.began_at or started_at,
            **_sizes(plan),
            "execution": execution,
            "plan": plan.as_dict(),
            "resumed": [*earlier, resumed],
            "executions": [asdict(part) for part in history.executions],
            **({"reported": asdict(history.reported)} if history.reported else {}),
        }
        try:
            self._put_ingest(plan.ingest_id, item, _NOT_BEGUN_LATER, _of_own_plan(plan, started_at))
        except IngestExistsError as error:
            raise self._taken(plan.ingest_id, "", started_at) or _planned_meanwhile(error.ingest_id) from None

    def plan(self, ingest_id: str) -> Plan | None:
        entered = self.ingest(ingest_id)
        return Plan.from_dict(entered["plan"]) if entered and "plan" in entered else None

    def history(self, ingest_id: str, execution: str) -> History:
        return _history(self.ingest(ingest_id) or {}, execution)

    def planned_before(self, ingest_id: str, started_at: str) -> Plan | None:
        entered = self.ingest(ingest_id)
        is_own = entered is not None and "plan" in entered and entered["started_at"] == started_at
        return Plan.from_dict(entered["plan"]) if entered and is_own else None

    def is_completed(self, ingest_id: str) -> bool:
        return (self.ingest(ingest_id) or {}).get("status") == Status.COMPLETED

    def partition_failure(self, execution: str, partition: int) -> tuple[str, str] | None:
        item = self._get(f"{execution}#partitions", str(partition))
        return (item["error"], item["cause"]) if item else None

    def finish(self, summary: Summary, resumed_by: str | None = None, index: RecordIndex | None = None) -> bool:
        execution = resumed_by or summary.ingest_id
        entered = self.ingest(summary.ingest_id) or {}
        reported = _history(entered, execution).reported
        item = {
            **entered,
            **summary.as_dict(),
            "execution": execution,
            **({"reported": asdict(reported)} if reported else {}),
            **({INDEX: index.as_dict()} if index else {}),
        }
        values = {":started": summary.started_at}
        if resumed_by:
            values |= {":execution": resumed_by, ":failed": Status.FAILED.value}
        condition = _OWN_OR_FAILED if resumed_by else _NOT_BEGUN_BY_ANOTHER
        before = self._put_ingest(summary.ingest_id, item, condition, values)
        return before.get("started_at") == summary.started_at and before.get("status") != Status.RUNNING

    def reopen(self, ingest_id: str, batch: int, records: int) -> None:
        entry = {
            "status": "failed",
            "records": records,
            "error": REOFFERED,
            "cause": "its rejected records are offered again",
        }
        # An update keeps packed predictions: they count until the batch is done again.
        with mapped_errors(_BUSY):
            retry_throttled(
                lambda: self._client.update_item(
                    TableName=self._table,
                    Key={"ledger_key": {"S": batch_key(ingest_id, batch)}, "entry": {"S": str(batch)}},
                    UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in entry),
                    ExpressionAttributeNames={f"#{name}": name for name in entry},
                    ExpressionAttributeValues={f":{name}": value for name, value in attribute_values(entry).items()},
                ),
                sleep=self._sleep,
                attempts=WRITE_ATTEMPTS,
            )

    def batch_done(
        self, ingest_id: str, outcome: BatchOutcome, packed: PackedPredictions | None = None
    ) -> EarlierOutcome:
        done_at = self._now().isoformat(timespec="milliseconds")
        parts = packed.parts(done_at) if packed else []
        # The first part is stored with the entry, last. So a batch with an entry is wholly stored.
        further_units = sum(
            self._put_part(ingest_id, outcome.batch, number, part) for number, part in enumerate(parts[1:], start=1)
        )
        item: dict[str, Any] = {
            "status": "done",
            "records": outcome.records,
            "predicted": outcome.predicted,
            "rejected": outcome.rejected,
            "reasons": dict(outcome.reasons),
            "milliseconds": dict(outcome.milliseconds),
            "done_at": done_at,
        }
        if parts:
            item[PREDICTIONS] = parts[0]
        if len(parts) > 1:
            item[PARTS] = len(parts)
        if outcome.model_version:
            item["model"] = outcome.model_version
        if outcome.written_back or outcome.outdated:
            item |= {"written_back": outcome.written_back, "outdated": outcome.outdated}
        # Without predictions, the item stays under the 1,024 bytes of one write unit. A test measures the largest one.
        if outcome.stats:
            item["stats"] = asdict(outcome.stats)
        if outcome.sketch:
            item["sketch"] = outcome.sketch.as_dict()
        if packed and outcome.stats:
            item["stats"]["write_units"] = further_units + write_units(attribute_values(item))
        before = self._put_batch(ingest_id, outcome.batch, item)
        # A batch that was done and is offered again keeps its counts, also if it fails in between.
        return EarlierOutcome(before.get("status") == "done", before.get("predicted", 0), before.get("rejected", 0))

    def entries(self, ingest_id: str) -> Iterator[BatchOutcome | BatchFailure]:
        """Read what became of each batch so far: 8 strongly consistent queries, about 0.6 KB a batch.

        Packed predictions are read too, and paid for, but not sent.
        """
        names = {f"#{name}": name for name in _ENTRY_ATTRIBUTES}
        for item in self._query_batches(
            ingest_id, ProjectionExpression=", ".join(names), ExpressionAttributeNames=names
        ):
            if _is_entry(item):
                yield _to_entry(item)

    def packed_entries(self, ingest_id: str) -> Iterator[tuple[int, BatchOutcome | BatchFailure | None, bytes]]:
        """Read what became of each batch so far, with its packed predictions: about 2 to 4 KB a batch."""
        parts = 0
        for item in self._query_batches(ingest_id):
            batch, _, number = item["entry"].partition(".")
            if not number:
                parts = item.get(PARTS, 1)  # further parts come next, in the order of their sort keys
                yield int(batch), _to_entry(item), item.get(PREDICTIONS, b"")
            elif int(number) < parts:  # else it is left over from an earlier attempt
                yield int(batch), None, item[PREDICTIONS]

    def _query_batches(self, ingest_id: str, **projection: Any) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("query")
        for shard in range(LEDGER_SHARDS):
            with mapped_errors(_BUSY):
                for page in pages.paginate(
                    TableName=self._table,
                    KeyConditionExpression="ledger_key = :key",
                    ExpressionAttributeValues={":key": {"S": batch_key(ingest_id, shard)}},
                    ConsistentRead=True,
                    **projection,
                ):
                    yield from (plain_item(item) for item in page["Items"])

    def ingest(self, ingest_id: str) -> dict[str, Any] | None:
        """Return the item of an ingest: its plan and, once it has ended, its summary. None if it has not begun."""
        item = self._get(ingest_id, SUMMARY_ENTRY)
        return None if item is None or "claim_token" in item else item

    def unfinished(self) -> Iterator[tuple[str, str]]:
        """Read the ingests that are planned and have batches to do: those that run, failed or were lost.

        It scans the whole table, and is for rare use: a read unit for 4 KB, which is about 7 batches.

        Returns
        -------
        ingest_id, version
            Of each, with the version of the model that it is pinned to.
        """
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression=(
                "entry = :summary AND attribute_exists(#plan) AND (#status <> :completed OR #failed > :zero)"
            ),
            ProjectionExpression="ledger_key, #plan.#model.#version",
            ExpressionAttributeNames={f"#{name}": name for name in ("plan", "status", "failed", "model", "version")},
            ExpressionAttributeValues={
                ":summary": {"S": SUMMARY_ENTRY},
                ":completed": {"S": Status.COMPLETED.value},
                ":zero": {"N": "0"},
            },
            ConsistentRead=True,
        )
        with mapped_errors(_BUSY):
            for page in pages:
                for item in map(plain_item, page["Items"]):
                    yield item["ledger_key"], item["plan"]["model"]["version"]

    def enter_shadow(self, ingest_id: str, shadow: Mapping[str, Any]) -> bool:
        """Enter how the shadow of an ingest compares with it.

        Returns
        -------
        new : False if the ingest's item has the same already, or if there is no such ingest
        """
        entered = self.ingest(ingest_id)
        if entered is None or entered.get("shadow") == shadow:
            return False
        self._enter(ingest_id, "shadow", shadow)
        return True

    def enter_verification(self, ingest_id: str, verification: Mapping[str, Any]) -> None:
        """Enter the result of an ingest's verification, in place of an earlier one."""
        self._enter(ingest_id, "verified", verification)

    def _enter(self, ingest_id: str, name: str, values: Mapping[str, Any]) -> None:
        """Set an attribute of an ingest's item, whose name is no reserved word of DynamoDB's."""
        with mapped_errors(_BUSY):
            self._client.update_item(
                TableName=self._table,
                Key={"ledger_key": {"S": ingest_id}, "entry": {"S": SUMMARY_ENTRY}},
                UpdateExpression=f"SET {name} = :{name}",
                ExpressionAttributeValues={f":{name}": {"M": attribute_values(values)}},
            )

    def _get(self, key: str, entry: str) -> dict[str, Any] | None:
        with mapped_errors(_BUSY):
            answer = self._client.get_item(
                TableName=self._table,
                Key={"ledger_key": {"S": key}, "entry": {"S": entry}},
                ConsistentRead=True,
            )
        return plain_item(answer["Item"]) if "Item" in answer else None

    def _taken(self, ingest_id: str, claim: str, started_at: str = "") -> HundredfoldError | None:
        """Return the error that says who has an id. Return None if nobody but this start has it."""
        item = self._get(ingest_id, SUMMARY_ENTRY) or {}
        if "claim_token" in item:
            mine = not claim or item["claim_token"] == claim
            return None if mine else IngestClaimedError(ingest_id, item["claimed_by"], item["claimed_at"])
        return IngestExistsError(ingest_id) if item and item["started_at"] != started_at else None

    def _put_ingest(
        self, ingest_id: str, item: Mapping[str, Any], condition: str, values: Mapping[str, str]
    ) -> dict[str, Any]:
        names = {f"#{name}": name for name in _NAMES if re.search(rf"#{name}\b", condition)}
        with mapped_errors(_BUSY, {CONDITION_FAILED: IngestExistsError(ingest_id)}):
            return self._put(
                {"ledger_key": ingest_id, "entry": SUMMARY_ENTRY, **item},
                ConditionExpression=condition,
                ExpressionAttributeValues={name: {"S": value} for name, value in values.items()},
                **({"ExpressionAttributeNames": names} if names else {}),
            )

    def _put_part(self, ingest_id: str, batch: int, number: int, part: bytes) -> int:
        """Put a further part of a batch's packed predictions. Return its write units."""
        item = {"ledger_key": batch_key(ingest_id, batch), "entry": f"{batch}.{number}", PREDICTIONS: part}
        with mapped_errors(_BUSY):
            self._put(item)
        return write_units(attribute_values(item))

    def _put_batch(self, ingest_id: str, batch: int, item: Mapping[str, Any]) -> dict[str, Any]:
        with mapped_errors(_BUSY):
            return self._put({"ledger_key": batch_key(ingest_id, batch), "entry": str(batch), **item})

    def _put(self, item: Mapping[str, Any], **condition: Any) -> dict[str, Any]:
        """Put an item. Return the one that it replaces; empty if none."""
        answer = retry_throttled(
            lambda: self._client.put_item(
                TableName=self._table, Item=attribute_values(item), ReturnValues="ALL_OLD", **condition
            ),
            sleep=self._sleep,
            attempts=WRITE_ATTEMPTS,
        )
        return plain_item(answer.get("Attributes", {}))


def _of_own_plan(plan: Plan, started_at: str) -> dict[str, str]:
    """Return the values of `_OWN_THAT_RUNS`."""
    return {
        ":started": started_at,
        ":running": Status.RUNNING.value,
        ":version": plan.model.version,
        ":etag": plan.pinned.etag if plan.pinned else "",
    }


def _planned_meanwhile(ingest_id: str) -> StoreBusyError:
    return StoreBusyError(f"another call of the planner has planned ingest {ingest_id} meanwhile")


def batch_key(ingest_id: str, batch: int) -> str:
    """Return the partition key of a batch's item. The state machine makes the same from the batch's `shard`."""
    return f"{ingest_id}#{batch % LEDGER_SHARDS}"


def _sizes(plan: Plan) -> dict[str, Any]:
    """Return what the index of ingests has of one that runs."""
    return {
        "records": plan.records,
        "batches": plan.batches,
        "model_version": plan.model.version,
        "source": str(plan.spec),
    }


def _history(entered: Mapping[str, Any], execution: str) -> History:
    """Read from an ingest's item what was before an execution."""
    executions = [ExecutionPart(**part) for part in entered.get("executions", []) if part["execution"] != execution]
    stored = entered.get("reported")
    reported = Reported(**stored) if stored else None
    last = str(entered.get("execution", execution))
    if last != execution and "started_at" in entered:
        ended = entered.get("status") in {Status.COMPLETED, Status.FAILED}
        if last not in {part.execution for part in executions}:
            executions.append(_part_of(entered, last, ended=ended))
        if ended:
            reported = Reported.of(entered, completed=reported is not None and reported.completed)
    began_at = entered.get("began_at") or entered.get("started_at", "")
    return History(tuple(executions), reported, str(began_at))


def _part_of(entered: Mapping[str, Any], execution: str, *, ended: bool) -> ExecutionPart:
    """Return an execution whose part the ledger does not have: it was stopped or lost, or an older release ran it."""
    part = ExecutionPart(execution, entered["started_at"], str(entered.get("model_version", "")))
    if not ended:
        return part
    done = entered["batches"] - entered["batches_failed"]
    return replace(part, seconds=entered["seconds"], batches=done, usd=entered.get("usd"))


def _is_entry(item: Mapping[str, Any]) -> bool:
    """Tell whether a batch's item is its entry, and not a further part of its predictions."""
    return "." not in item["entry"]


def _to_entry(item: Mapping[str, Any]) -> BatchOutcome | BatchFailure:
    batch = int(item["entry"])
    if item["status"] == "done":
        return BatchOutcome(
            batch,
            item["records"],
            item["predicted"],
            item["rejected"],
            item["reasons"],
            item["milliseconds"],
            InvocationStats(**item["stats"]) if "stats" in item else None,
            Sketch.from_dict(item["sketch"]) if "sketch" in item else None,
            model_version=item.get("model", ""),
            written_back=item.get("written_back", 0),
            outdated=item.get("outdated", 0),
        )
    return BatchFailure(batch, item["error"], item["cause"])
