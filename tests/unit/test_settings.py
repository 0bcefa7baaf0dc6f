"""Settings: the environment of a function, as the template sets it."""

import pytest

from hundredfold.errors import InvalidIngestError
from hundredfold.layout import Layout
from hundredfold.settings import Settings

ENVIRONMENT = {
    "WORK_BUCKET": "work",
    "PREDICTIONS_TABLE": "predictions",
    "LEDGER_TABLE": "ledger",
    "LIVE_ALIAS": "arn:infer:live",
    "BATCH_RECORDS": "100",
    "BATCH_BYTES": "4194304",
    "RECORD_BYTES": "262144",
    "PATH": "/bin",
}


def test_settings_are_read_from_the_environment() -> None:
    assert Settings.from_environment(ENVIRONMENT) == Settings(
        work_bucket="work",
        predictions_table="predictions",
        ledger_table="ledger",
        live_alias="arn:infer:live",
        batch_records=100,
        batch_bytes=4_194_304,
        record_bytes=262_144,
    )


@pytest.mark.parametrize(
    "name", ["WORK_BUCKET", "PREDICTIONS_TABLE", "LEDGER_TABLE", "BATCH_RECORDS", "BATCH_BYTES", "RECORD_BYTES"]
)
def test_an_absent_or_empty_variable_is_refused_by_name(name: str) -> None:
    absent = {variable: value for variable, value in ENVIRONMENT.items() if variable != name}

    with pytest.raises(InvalidIngestError, match=f"environment variable {name} must be"):
        Settings.from_environment(absent)
    with pytest.raises(InvalidIngestError, match=f"environment variable {name} must be"):
        Settings.from_environment({**absent, name: ""})


def test_the_live_alias_may_be_absent() -> None:
    absent = {name: value for name, value in ENVIRONMENT.items() if name != "LIVE_ALIAS"}

    assert Settings.from_environment(absent).live_alias == ""


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "1e3", " 1", "ten", "²", "0x10", "1_000"])
@pytest.mark.parametrize("name", ["BATCH_RECORDS", "BATCH_BYTES", "RECORD_BYTES"])
def test_anything_but_a_positive_number_is_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidIngestError, match=f"environment variable {name} must be a positive number"):
        Settings.from_environment({**ENVIRONMENT, name: value})


def test_the_longest_record_must_fit_into_a_batch() -> None:
    assert Settings.from_environment({**ENVIRONMENT, "BATCH_BYTES": "262144"}).batch_bytes == 262_144
    with pytest.raises(InvalidIngestError, match="BATCH_BYTES must be at least RECORD_BYTES"):
        Settings.from_environment({**ENVIRONMENT, "BATCH_BYTES": "262143"})


def test_the_bytes_of_a_partition_may_be_absent() -> None:
    assert Settings.from_environment(ENVIRONMENT).partition_bytes == 0
    assert Settings.from_environment({**ENVIRONMENT, "PARTITION_BYTES": "1073741824"}).partition_bytes == 1024**3
    with pytest.raises(InvalidIngestError, match="PARTITION_BYTES must be a positive number"):
        Settings.from_environment({**ENVIRONMENT, "PARTITION_BYTES": "0"})


def test_the_batches_of_a_group_may_be_absent() -> None:
    assert Settings.from_environment(ENVIRONMENT).group_batches == 0
    assert Settings.from_environment({**ENVIRONMENT, "GROUP_BATCHES": "25"}).group_batches == 25
    with pytest.raises(InvalidIngestError, match="GROUP_BATCHES must be a positive number"):
        Settings.from_environment({**ENVIRONMENT, "GROUP_BATCHES": "0"})


@pytest.mark.parametrize(("value", "percentage"), [("0", 0), ("0.0", 0), ("2.5", 2.5), ("100", 100)])
def test_the_tolerated_percentage_is_read(value: str, percentage: float) -> None:
    settings = Settings.from_environment({**ENVIRONMENT, "TOLERATED_FAILURE_PERCENTAGE": value})

    assert settings.tolerated_percentage == percentage
    assert Settings.from_environment(ENVIRONMENT).tolerated_percentage == 0


def test_the_limit_of_rejected_records_is_read() -> None:
    assert Settings.from_environment({**ENVIRONMENT, "MAX_REJECTED_PERCENT": "5"}).max_rejected_percent == 5
    assert Settings.from_environment(ENVIRONMENT).max_rejected_percent == 100
    with pytest.raises(InvalidIngestError, match="MAX_REJECTED_PERCENT must be a number from 0 to 100"):
        Settings.from_environment({**ENVIRONMENT, "MAX_REJECTED_PERCENT": "5%"})


@pytest.mark.parametrize("value", ["", "-1", "101", "100.5", "1e1", "nan", "5%", " 5"])
def test_a_percentage_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(InvalidIngestError, match="TOLERATED_FAILURE_PERCENTAGE must be a number from 0 to 100"):
        Settings.from_environment({**ENVIRONMENT, "TOLERATED_FAILURE_PERCENTAGE": value})


def test_the_attributes_of_stream_fields_are_read() -> None:
    settings = Settings.from_environment({**ENVIRONMENT, "STREAM_FIELDS": "id=sku,text=body"})

    assert settings.stream_fields == {"id": "sku", "text": "body"}
    with pytest.raises(InvalidIngestError, match="STREAM_FIELDS must be field=attribute,field=attribute"):
        Settings.from_environment({**ENVIRONMENT, "STREAM_FIELDS": "id"})


def test_the_layout_of_predictions_is_item_unless_the_planner_is_told_another() -> None:
    assert Settings.from_environment(ENVIRONMENT).layout is Layout.ITEM
    assert Settings.from_environment({**ENVIRONMENT, "PREDICTIONS_LAYOUT": "packed"}).layout is Layout.PACKED
    with pytest.raises(InvalidIngestError, match="PREDICTIONS_LAYOUT must be item or packed"):
        Settings.from_environment({**ENVIRONMENT, "PREDICTIONS_LAYOUT": "Packed"})
