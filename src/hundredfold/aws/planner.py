"""The planner of the function that plans, on its own clients."""

from hundredfold.aws import clients
from hundredfold.aws.ledger import DynamoLedger
from hundredfold.aws.models import LambdaModels
from hundredfold.aws.objects import S3Sources, S3WorkObjects
from hundredfold.aws.source_tables import DynamoTables
from hundredfold.planning.planner import Planner
from hundredfold.settings import Settings


def planner_on_aws(settings: Settings) -> Planner:
    """Make the planner, with its ports on AWS."""
    s3, dynamodb = clients.s3(), clients.dynamodb()
    return Planner(
        sources=S3Sources(s3),
        tables=DynamoTables(dynamodb),
        work=S3WorkObjects(s3, settings.work_bucket),
        models=LambdaModels(clients.lambda_(), settings.live_alias),
        ledger=DynamoLedger(dynamodb, settings.ledger_table),
        batch_records=settings.batch_records,
        batch_bytes=settings.batch_bytes,
        group_batches=settings.group_batches,
        partition_bytes=settings.partition_bytes,
        layout=settings.layout,
        max_rejected_percent=settings.max_rejected_percent,
    )
