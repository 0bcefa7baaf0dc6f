"""Whether first records fit a model: which names are missing, which columns are suggested, what would be rejected."""

import io
from typing import Any

import pytest

from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold.sources.object_names import options_for_name
from hundredfold.sources.read_options import ReadOptions
from hundredfold_cli.ingests.preview.first_records import read_file
from hundredfold_cli.ingests.preview.fit import Fit, check_fit, describe_missing, looks_like_data

TEXT = Signature((Field("text", FieldType.TEXT),))
TABLE = Signature((Field("bmi", FieldType.NUMBER), Field("sex", FieldType.CATEGORY)))


def fit(content: str, signature: Signature, name: str = "r.csv", **options: Any) -> Fit:
    read_options = options_for_name(ReadOptions(**options), name)
    return check_fit(read_file(lambda: io.BytesIO(content.encode()), read_options, name), signature, read_options)


@pytest.mark.parametrize(
    ("content", "signature", "maps"),
    [
        (
            "order,review,stars\no-1,It is a good one,4\no-2,It is a bad one,1\n",
            TEXT,
            "--map id=order --map text=review",
        ),
        ("ID,Text\n1,fine\n", TEXT, "--map id=ID --map text=Text"),
        ("review_id,reviewText\n1,fine\n", TEXT, "--map id=review_id --map text=reviewText"),
        ("id,tekst,note\n1,fine,x\n", TEXT, "--map text=tekst"),
        ("id,the review\n1,a fine film\n", TEXT, "--map 'text=the review'"),
        ("patientId,BMI,Sex\n7,21.5,f\n8,30,m\n", TABLE, "--map id=patientId --map bmi=BMI --map sex=Sex"),
        ("id,mass_index,sex\n7,21.5,f\n8,30,m\n", TABLE, "--map bmi=mass_index"),
        ("id,bmi,gender,age\n7,21.5,f,50\n8,30,m,51\n", TABLE, "--map sex=gender"),
    ],
)
def test_a_column_is_suggested_by_its_name_or_by_its_values(content: str, signature: Signature, maps: str) -> None:
    assert fit(content, signature).maps == maps


@pytest.mark.parametrize(
    ("content", "missing"),
    [
        ("id,a,b\n1,2,3\n", ("bmi", "sex")),  # which of two numbers is meant, nobody knows
        ("id,sex,a,b\n1,f,2,3\n", ("bmi",)),
        ("bmi,sex\n21,f\n21,f\n", ("id",)),  # no column has a value of its own for each record
    ],
)
def test_nothing_is_suggested_where_several_columns_can_be_meant_or_none(
    content: str, missing: tuple[str, ...]
) -> None:
    checked = fit(content, TABLE)

    assert (checked.missing, checked.suggested) == (missing, {})


def test_names_that_the_options_map_are_not_missing_and_their_columns_are_not_suggested_again() -> None:
    content = "nr,review,note\n1,a long text that is fine,x\n2,another long text,y\n"

    assert fit(content, TEXT, fields={"id": "nr", "text": "review"}).missing == ()
    assert fit(content, TEXT, fields={"id": "nr"}).maps == "--map text=review"


def test_an_optional_field_is_never_missing() -> None:
    optional = Signature((Field("bmi", FieldType.NUMBER, nullable=True, optional=True),))

    assert fit("id\n1\n", optional).missing == ()


def test_records_that_would_be_rejected_are_grouped_by_their_cause() -> None:
    checked = fit('id,bmi,sex\n1,21.5,f\n2,,m\n3,"3,5",f\n4,,m\n1,20,f\n5,1\n', TABLE)

    assert (checked.records, checked.rejected_records) == (6, 5)
    assert [str(group) for group in checked.rejected] == [
        "2 wrong_type: its field 'bmi' is empty, not a number (the first is record 2)",
        "1 wrong_type: its field 'bmi' is text that is no number (the first is record 3)",
        "1 duplicate_id: an earlier record has the same id (the first is record 1)",
        "1 unreadable_row: it has 2 values, and there are 3 columns (the first is line 6)",
    ]


def test_json_is_judged_by_its_types_and_one_record_without_a_field_is_rejected_alone() -> None:
    content = '{"id": "1", "text": "fine"}\n{"id": 2, "text": "fine"}\n{"id": "3"}\n'

    checked = fit(content, TEXT, "r.jsonl")

    assert checked.missing == ()
    assert [group.reason for group in checked.rejected] == ["invalid_id", "missing_field"]


def test_a_source_without_records_fits() -> None:
    assert fit("", TEXT, "r.jsonl") == Fit(0)
    assert fit("id,text\n", TEXT) == Fit(0, columns=("id", "text"))


def test_the_message_names_what_there_is_what_is_missing_and_what_to_type() -> None:
    suggested = Fit(1, ("text",), {"text": "review"}, ("id", "review"))
    unknown = Fit(1, ("id", "bmi"), {"id": "nr"}, tuple(f"c{number}" for number in range(20)))

    assert describe_missing(suggested, "r.csv") == (
        "r.csv has `id`, `review`, and lacks `text`, which the model reads: add --map text=review"
    )
    assert describe_missing(unknown, "r.csv") == (
        "r.csv has `c0`, `c1`, `c2`, `c3`, `c4`, `c5`, `c6`, `c7`, `c8`, `c9`, `c10`, `c11` and 8 more, and lacks `id` "
        "and `bmi`, which the model reads: add --map id=nr; name a column by --map bmi=COLUMN"
    )
    assert describe_missing(Fit(1, ("id",), {}, ("text",)), "r.csv") == (
        "r.csv has `text`, and lacks `id`, which names each record: name a column by --map id=COLUMN"
    )


@pytest.mark.parametrize(
    ("columns", "is_data"),
    [
        (["1", "21.5", "f"], True),
        (["id", "21.5", "3"], False),
        (["a", "b", "3"], False),
        (["", "0", "1"], True),
        ([], False),
    ],
)
def test_a_first_row_of_numbers_has_no_names(columns: list[str], is_data: bool) -> None:
    assert looks_like_data(columns, ["id", "bmi", "sex"]) is is_data
