"""The planted bugs. Each is one that somebody could make, and that a quiet test would not show."""

from typing import Final

from tests.simulation.planted.patching import PlantedBug

_BATCH = "src/hundredfold/inference/batch.py"
_LEDGER = "src/hundredfold/aws/ledger.py"
_PREDICTIONS = "src/hundredfold/aws/predictions.py"
_PLANNER = "src/hundredfold/planning/planner.py"
_OBJECTS = "src/hundredfold/aws/objects.py"
_SUMMARIZE = "src/hundredfold/accounting/summarize.py"
_DEFINITION = "workflows/batch_inference.asl.json"

BUGS: Final = (
    PlantedBug(
        "the ledger is written before the predictions",
        _BATCH,
        "    units, packed = 0.0, None\n",
        "    units, packed = 0.0, None\n"
        "    early = BatchOutcome(batch.batch, batch.records, len(predictions), batch.records - len(predictions))\n"
        "    stores.ledger.batch_done(task.ingest_id, early)\n",
        ("infer_batch",),
    ),
    PlantedBug(
        "rejections are stored after the ledger's entry",
        _BATCH,
        "    if rejections:\n        stores.work.write(",
        "    if False:\n        stores.work.write(",
        ("infer_batch",),
    ),
    PlantedBug(
        "items that DynamoDB leaves unprocessed are dropped",
        _PREDICTIONS,
        'return list(answer["UnprocessedItems"].get(self._table, [])), units',
        "return [], units",
        ("DynamoPredictions._put_some",),
    ),
    PlantedBug(
        "the version of the model is looked up for each batch",
        _DEFINITION,
        '"FunctionName.$": "$.model.function"',
        '"FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:hundredfold-infer-batch:live"',
    ),
    PlantedBug(
        "a source is read as it is now, and not as it was planned",
        _OBJECTS,
        """                IfMatch=f'"{pinned.etag}"',\n""",
        "",
        ("S3Sources.read",),
    ),
    PlantedBug(
        "a failure that is recorded late takes the place of a batch that is done",
        _DEFINITION,
        '"ConditionExpression": "attribute_not_exists(#status) OR #status = :failed",',
        "",
    ),
    PlantedBug(
        "batches that never finished do not count",
        _SUMMARIZE,
        '        cause = cause or f"{unfinished} batches were never finished"\n',
        "",
        ("summarize",),
    ),
    PlantedBug(
        "the ledger is read eventually consistent",
        _LEDGER,
        '":key": {"S": batch_key(ingest_id, shard)}},\n                    ConsistentRead=True,',
        '":key": {"S": batch_key(ingest_id, shard)}},\n                    ConsistentRead=False,',
        ("DynamoLedger._query_batches",),
    ),
    PlantedBug(
        "only the first page of the ledger is read",
        _LEDGER,
        '                    yield from (plain_item(item) for item in page["Items"])\n',
        '                    yield from (plain_item(item) for item in page["Items"])\n                    break\n',
        ("DynamoLedger._query_batches",),
    ),
    PlantedBug(
        "an item of the ledger is read eventually consistent",
        _LEDGER,
        'Key={"ledger_key": {"S": key}, "entry": {"S": entry}},\n                ConsistentRead=True,',
        'Key={"ledger_key": {"S": key}, "entry": {"S": entry}},\n                ConsistentRead=False,',
        ("DynamoLedger._get",),
    ),
    PlantedBug(
        "a late call of the planner begins again what has ended",
        _LEDGER,
        '"(started_at = :started AND #status = :running AND #plan',
        '"(started_at = :started AND :running <> :version AND #plan',
        ("_OWN_THAT_RUNS", "_NOT_BEGUN_LATER"),
    ),
    PlantedBug(
        "two calls of the planner may plan with two models",
        _LEDGER,
        "#status = :running AND #plan.#model.#version = :version AND ",
        "#status = :running AND :running <> :version AND ",
        ("_OWN_THAT_RUNS", "_NOT_BEGUN_LATER"),
    ),
    PlantedBug(
        "a retry of the planner takes its own entry for another ingest's",
        _LEDGER,
        '"(started_at = :started AND #status = :running AND #plan',
        '"(started_at <> :started AND #status = :running AND #plan',
        ("_OWN_THAT_RUNS", "_NOT_BEGUN_LATER"),
    ),
    PlantedBug(
        "an execution ends an ingest that another one has resumed",
        _LEDGER,
        '_NOT_BEGUN_BY_ANOTHER = "attribute_not_exists(started_at) OR started_at = :started"',
        '_NOT_BEGUN_BY_ANOTHER = "attribute_not_exists(nothing) OR started_at = :started"',
        ("_NOT_BEGUN_BY_ANOTHER",),
    ),
    PlantedBug(
        "a resume takes a batch that failed for one that is done",
        _PLANNER,
        "            if isinstance(entry, BatchOutcome):\n",
        "            if True:\n",
        ("Planner._done",),
    ),
    PlantedBug(
        "a resume trusts the manifest unread",
        _PLANNER,
        "        if not manifest_is_intact(plan, self.work):\n            self._restore_manifest(plan)\n",
        "",
        ("Planner._all_batches",),
    ),
    PlantedBug(
        "a resume with another model does not say so in the ledger",
        _PLANNER,
        "            self.ledger.resume(whole, started_at, execution, remaining.batches)\n",
        "            self.ledger.resume(planned, started_at, execution, remaining.batches)\n",
        ("Planner.resume",),
    ),
    PlantedBug(
        "metrics count a batch anew that is done again",
        "src/hundredfold/runtime/telemetry.py",
        "outcome.predicted - outcome.earlier.predicted",
        "outcome.predicted",
        ("observe_batch",),
    ),
    PlantedBug(
        "metrics of an ingest are sent by each call of the summary",
        "functions/summarize_ingest/handler.py",
        "    if not repeated:\n",
        "    if True:\n",
    ),
    PlantedBug(
        "the summary runs while batches are still written",
        _DEFINITION,
        '"Seconds": 22',
        '"Seconds": 0',
    ),
)
