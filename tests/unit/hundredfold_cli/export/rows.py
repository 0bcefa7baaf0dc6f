"""Rows of results, as tests write them."""

from typing import Any

from hundredfold_cli.export.columns import Column, ColumnType

ROWS: list[dict[str, Any]] = [
    {"record_id": "a", "label": 'with "quotes", and commas', "score": 0.25, "more": "left out"},
    {"record_id": "ü\nb", "label": "line\nbreak", "score": 1.0},
]
COLUMNS = (Column("record_id", ColumnType.TEXT), Column("label", ColumnType.TEXT), Column("score", ColumnType.NUMBER))
