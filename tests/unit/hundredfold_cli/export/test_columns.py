"""Columns of results: the answers', and beside them the records' own, under names that say which is which."""

from typing import Any

import pytest

from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold_cli.export.columns import Column, ColumnType, JoinedRows, field_column, flat_predictions

TEXT, NUMBER, INTEGER, TIME = ColumnType.TEXT, ColumnType.NUMBER, ColumnType.INTEGER, ColumnType.TIME

PREDICTION = {
    "record_id": "a",
    "ingest_id": "i1",
    "label": "good",
    "score": 0.9,
    "model_version": "7",
    "predicted_at": "t0",
    "batch": 0,
}


def joined(*records: dict[str, Any], signature: Signature | None = None) -> JoinedRows:
    return JoinedRows.of(((record, {**PREDICTION, "record_id": record["id"]}) for record in records), signature)


def test_answers_have_the_columns_of_the_first() -> None:
    rows, columns = flat_predictions([{**PREDICTION, "outputs": {"size": {"value": 2.5}, "colour": {"label": "red"}}}])

    assert columns == (
        Column("record_id", TEXT), Column("colour_label", TEXT), Column("size_value", NUMBER),
        Column("model_version", TEXT), Column("predicted_at", TIME), Column("batch", INTEGER),
        Column("overwritten_by", INTEGER, optional=True),
    )  # fmt: skip
    assert next(iter(rows))["size_value"] == 2.5


def test_own_fields_stand_beside_the_answer_typed_as_the_signature_says() -> None:
    signature = Signature((Field("text", FieldType.TEXT), Field("age", FieldType.NUMBER)))
    join = joined(
        {"id": "a", "more": [1], "text": "t", "age": 3}, {"id": "b", "text": "u", "age": 4}, signature=signature
    )

    assert [(column.name, column.type) for column in join.columns] == [
        ("record_id", TEXT), ("text", TEXT), ("age", NUMBER), ("more", None), ("label", TEXT),
        ("score", NUMBER), ("model_version", TEXT), ("predicted_at", TIME), ("batch", INTEGER),
        ("overwritten_by", INTEGER),
    ]  # fmt: skip
    first, second = join.rows(all_fields=False)
    assert (first["record_id"], first["more"], first["age"], first["label"]) == ("a", [1], 3, "good")
    assert (second["record_id"], second["more"], second["text"]) == ("b", None, "u")
    assert join.left_out == {}


def test_a_number_that_the_model_was_given_as_text_is_text_in_a_column() -> None:
    # of Parquet, whose columns are numbers, and which the signature converts
    signature = Signature((Field("shelf", FieldType.CATEGORY),))
    records = ({"id": "a", "shelf": 7, "other": 7}, {"id": "b", "shelf": 7.5, "other": 8}, {"id": "c", "shelf": None})

    columns = list(joined(*records, signature=signature).rows(all_fields=False))
    assert [row["shelf"] for row in columns] == ["7", "7.5", None]
    assert [row["other"] for row in columns] == [7, 8, None]
    assert next(joined(*records, signature=signature).rows(all_fields=True))["shelf"] == 7


def test_fields_without_a_column_are_counted_or_written_as_they_are() -> None:
    records = ({"id": "a", "text": "t"}, {"id": "b", "text": "u", "late": 1}, {"id": "c", "late": 2})

    fixed = joined(*records)
    rows = list(fixed.rows(all_fields=False))

    assert fixed.left_out == {"late": 2}
    assert all("late" not in row for row in rows)
    rows_in_full = list(joined(*records).rows(all_fields=True))
    assert [list(row) for row in rows_in_full] == [
        ["record_id", *own, "label", "score", "model_version", "predicted_at", "batch"]
        for own in (["text"], ["text", "late"], ["late"])
    ]


def test_fields_that_an_answer_has_too_get_a_prefix() -> None:
    join = joined({"id": "a", "label": "mine", "score": 5, "batch": "b", "record_id": "r", "record_label": "second"})

    [row] = join.rows(all_fields=True)

    assert (row["label"], row["score"], row["record_id"], row["batch"]) == ("good", 0.9, "a", 0)
    assert (row["record_label"], row["record_score"], row["record_batch"]) == ("mine", 5, "b")
    assert (row["record_record_id"], row["record_record_label"]) == ("r", "second")
    assert {column.name for column in join.columns} == {*row, "overwritten_by"}


def test_a_record_that_was_overwritten_has_no_answer_and_the_columns_are_those_of_the_next() -> None:
    lost = {"record_id": "b", "ingest_id": "i1", "batch": 1, "overwritten_by": 4}

    rows, columns = flat_predictions([lost, PREDICTION])
    first, second = rows

    assert [column.name for column in columns] == [
        "record_id", "label", "score", "model_version", "predicted_at", "batch", "overwritten_by",
    ]  # fmt: skip
    assert (first["label"], first["batch"], first["overwritten_by"]) == (None, 1, 4)
    assert (second["label"], second["batch"], second["overwritten_by"]) == ("good", 0, None)
    in_full = list(JoinedRows.of([({"id": "b"}, lost), ({"id": "a"}, PREDICTION)], None).rows(all_fields=True))
    assert in_full[0] == {
        "record_id": "b", "label": None, "score": None, "model_version": None, "predicted_at": None, "batch": 1,
        "overwritten_by": 4,
    }  # fmt: skip
    assert "overwritten_by" not in in_full[1]


@pytest.mark.parametrize(("name", "column"), [("x", "x"), ("record_x", "record_x"), ("value", "value")])
def test_other_fields_keep_their_names(name: str, column: str) -> None:
    assert field_column(name, frozenset({"record_id", "label"})) == column


def test_nothing_predicted_has_the_signatures_columns() -> None:
    join = joined(signature=Signature((Field("text", FieldType.TEXT),)))

    assert [column.name for column in join.columns][:4] == ["record_id", "text", "label", "score"]
    assert list(join.rows(all_fields=False)) == []
