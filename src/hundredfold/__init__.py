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
7     sources     where records come from: spec, URIs, pinned objects, formats, DynamoDB tables
8     records     what becomes of a record: prediction, rejection, reason
8     keys        where the objects of an ingest lie
8     settings    the environment of the functions
9     errors      what can go wrong, and whether a retry helps
9     failures    the error and cause that Step Functions passes on
====  ==========  ======================================================================================================

Only `aws` may import boto3. Only `runtime` may import Powertools. Both may import botocore. Lines 2 to 9 are the
domain, which knows nothing of AWS's clients. The command line, `hundredfold_cli`, uses the same rooms.
"""
