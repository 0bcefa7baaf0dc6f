"""Hundredfold: batch inference for scikit-learn models on AWS Step Functions and layered Lambda.

The package has these rooms. A room may import rooms from the lines below its own, and none from its own line or above.
`lint-imports` checks this, by the contracts in pyproject.toml.

====  ==========  ======================================================================================================
line  room        what it holds
====  ==========  ======================================================================================================
1     aws         the ports on S3, DynamoDB, Lambda, Step Functions and EventBridge; where service errors are mapped
1     runtime     what a Lambda function needs around the domain: telemetry, metric names, redaction, SnapStart
2     planning    the planner: ranges, batches, the manifest; partitions of large ingests, shadows, start events
2     inference   decode, predict and store a batch or the records of a stream's event; write back onto items
2     accounting  the summary, its notification, and the cost: usage, prices, bill
3     model       the signature, card and bundle of a model; its output, its drift, the smoke test of a release
4     ports       what the domain needs from the outside, as protocols
5     ingest      an ingest: its id, its plan, the request to resume it
5     summary     what became of an ingest: totals, status, summary
6     batches     a batch, and what became of it
6     packed      packed predictions: those of a batch together
6     record_index  the index that finds the batch of a record
7     sources     where records come from: spec, URIs, pinned objects, formats, DynamoDB tables
8     records     what becomes of a record: prediction, rejection, reason
8     keys        where the objects of an ingest lie
8     settings    the environment of the functions
9     errors      what can go wrong, and whether a retry helps
9     layout      the layouts of predictions
9     failures    the error and cause that Step Functions passes on
====  ==========  ======================================================================================================

Only `aws` may import boto3. Only `runtime` may import Powertools. Both may import botocore. Lines 2 to 9 are the
domain, which knows nothing of AWS's clients. The command line, `hundredfold_cli`, uses the same rooms.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import boto3


def lookup(
    ingest_id: str,
    record_id: str,
    *,
    predictions_table: str,
    ledger_table: str,
    session: "boto3.Session | None" = None,
) -> dict[str, Any] | None:
    """Look up one record's prediction, however the ingest's predictions are stored. It needs boto3 and msgspec.

    Parameters
    ----------
    predictions_table, ledger_table : the outputs PredictionsTableName and LedgerTableName of the stack
    session : for the clients of DynamoDB and S3; the default session if None

    Returns
    -------
    prediction : `record_id`, `ingest_id`, `batch`, `model_version` and `predicted_at`; and `label` and `score`, or
        `value`, or `outputs`. None if the record has no prediction.

    Raises
    ------
    hundredfold.errors.NotIndexedError
        If the predictions are packed, the ingest has more than 1,000 batches, and it has not ended yet.
    hundredfold.errors.StoreBusyError
        If DynamoDB or S3 throttles or fails for longer than its client waits.
    """
    # Imported here: every import of the package runs this file, and the functions look nothing up.
    from hundredfold.aws.lookup import Lookup

    tables = {"predictions_table": predictions_table, "ledger_table": ledger_table}
    return Lookup.by_session(session, **tables).find(ingest_id, record_id)
