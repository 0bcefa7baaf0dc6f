"""Metrics that AWS sends of its services, as far as dashboards and alarms use them: dimensions and names."""

AWS_METRICS = {
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html (2026-11)
    "AWS/Lambda": (
        {"FunctionName"},
        {"Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions", "IteratorAge"},
    ),
    # https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html (2026-11)
    "AWS/States": (
        {"StateMachineArn"},
        {
            "ExecutionsStarted",
            "ExecutionsSucceeded",
            "ExecutionsFailed",
            "ExecutionsAborted",
            "ExecutionsTimedOut",
            "ExecutionThrottled",
        },
    ),
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html (2026-11)
    "AWS/DynamoDB": ({"TableName"}, {"ConsumedWriteCapacityUnits", "WriteThrottleEvents"}),
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    # (2026-11)
    "AWS/SQS": ({"QueueName"}, {"ApproximateNumberOfMessagesVisible"}),
}
