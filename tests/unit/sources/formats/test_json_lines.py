"""JSON Lines of which some fields are taken."""

from tests.unit.sources.objects import read


def test_lines_that_cannot_be_renamed_stay_what_they_are_and_are_no_marks() -> None:
    lines = b'{"key":"1"}\n\n[1]\nnot JSON\n!{"detail": "x", "id": null}\n{"id": NaN}\n"\xff"'

    assert read(lines, "r.jsonl", fields={"id": "key"}).split(b"\n") == [
        b'{"id":"1"}',
        b"",
        b"[1]",
        b"not JSON",
        b' !{"detail": "x", "id": null}',
        b"{}",
        b'"\xff"',
    ]
