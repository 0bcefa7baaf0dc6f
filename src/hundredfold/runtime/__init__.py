"""What a Lambda function needs around the domain: telemetry, redaction, its environment, SnapStart."""
