"""Columns that do not fit."""

from typing import Any

import pytest

from tests.unit.sources.objects import refused


@pytest.mark.parametrize(
    ("header", "options", "message"),
    [
        ("id,text,id", {}, "several columns named 'id'"),
        ("key,text", {}, "no column that is read as id; its columns are 'key', 'text'"),
        ("id;text", {}, "its columns are 'id;text': choose one by"),
        ("id,text", {"fields": {"text": "review"}}, "no column 'review'; its columns are 'id', 'text'"),
        ("id,text", {"columns": ("id", "stars")}, "no column 'stars'; its columns are 'id', 'text'"),
        ("id,text", {"columns": ("text",)}, "no column that is read as id"),
    ],
)
def test_columns_that_do_not_fit_are_one_error_with_those_that_there_are(
    header: str, options: dict[str, Any], message: str
) -> None:
    assert message in refused(f"{header}\n1,2\n".encode(), "r.csv", **options)
