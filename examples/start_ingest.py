"""Start an ingest of a file and wait for its end, with boto3 alone.

Uploads the file to the stack's source bucket, starts one execution of the state machine, polls it, and prints the
summary as JSON. Ends with 1 if the ingest failed. `hundredfold ingest` does the same and more; this is for a program
that has no more than boto3.
"""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

POLL_SECONDS = 1


def stack_outputs(stack: str) -> dict[str, str]:
    """Return the outputs of a CloudFormation stack, by their names."""
    [description] = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in description["Outputs"]}


def start(file: Path, ingest_id: str, bucket: str, state_machine: str) -> str:
    """Upload a file and start its ingest; return the ARN of the execution.

    The execution's name is the ingest's id. AWS refuses a second execution of one name, so an ingest starts once.
    """
    # What is under ingests/ may start an ingest by itself; what is under uploads/ never does.
    key = f"uploads/{ingest_id}/{file.name}"
    boto3.client("s3").upload_file(str(file), bucket, key)
    execution = boto3.client("stepfunctions").start_execution(
        stateMachineArn=state_machine,
        name=ingest_id,
        input=json.dumps({"source": {"bucket": bucket, "key": key}}),
    )
    return str(execution["executionArn"])


def wait(execution: str, seconds: float) -> dict[str, Any]:
    """Poll an execution until it has ended, and return its description; raises TimeoutError if that takes too long."""
    step_functions = boto3.client("stepfunctions")
    deadline = time.monotonic() + seconds
    while True:
        description = step_functions.describe_execution(executionArn=execution)
        if description["status"] != "RUNNING":
            return dict(description)
        if time.monotonic() > deadline:
            raise TimeoutError(f"{execution} is still running after {seconds:.0f} s")
        time.sleep(POLL_SECONDS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "file", type=Path, help="records; the name's ending tells the format: .jsonl, .csv, .parquet, …"
    )
    parser.add_argument("--id", help="the ingest's id; made of the file's name and the time by default")
    parser.add_argument("--stack", default="hundredfold", help="the CloudFormation stack (default: %(default)s)")
    parser.add_argument("--timeout", type=float, default=3600, help="seconds to wait (default: %(default)s)")
    arguments = parser.parse_args()

    outputs = stack_outputs(arguments.stack)
    ingest_id = arguments.id or f"{arguments.file.stem}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    execution = start(arguments.file, ingest_id, outputs["SourceBucketName"], outputs["StateMachineArn"])
    ended = wait(execution, arguments.timeout)
    if ended["status"] != "SUCCEEDED":
        print(f"{ingest_id} {ended['status']}: {ended.get('cause', 'no cause')}", file=sys.stderr)
        return 1
    summary = json.loads(ended["output"])
    print(
        json.dumps({"ingest_id": ingest_id, "predictions_table": outputs["PredictionsTableName"], **summary}, indent=2)
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
