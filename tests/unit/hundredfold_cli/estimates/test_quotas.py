"""Quotas are those of AWS's documentation and of the template."""

from hundredfold_cli.estimates.quotas import quotas
from tests.unit.template import setting


def test_quotas_are_those_of_the_documentation() -> None:
    assert quotas()["dynamodb_new_table_writes_a_second"] == 4_000
    assert quotas()["lambda_full_processor_mb"] == 1_769


def test_limits_of_the_template_are_those_that_an_estimate_is_made_with() -> None:
    assert quotas()["lambda_timeout_seconds"] == setting("InferBatchFunction", "Timeout")
    assert quotas()["batch_bytes"] == setting("BatchBytes", "Default")
