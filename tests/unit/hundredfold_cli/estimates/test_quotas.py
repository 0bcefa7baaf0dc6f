"""Quotas are those of AWS's documentation; tests/unit/infra compares those of the template."""

from hundredfold_cli.estimates.quotas import quotas


def test_quotas_are_those_of_the_documentation() -> None:
    assert quotas()["dynamodb_new_table_writes_a_second"] == 4_000
    assert quotas()["lambda_full_processor_mb"] == 1_769
