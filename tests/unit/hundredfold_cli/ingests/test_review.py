"""The review of a source before anything is uploaded: what is said, asked, taken and refused."""

import io
from pathlib import Path
from typing import Any, cast

import pytest

from hundredfold.errors import InvalidIngestError
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold.sources.objects import ObjectLocation
from hundredfold.sources.spec import TableSpec
from hundredfold_cli.ingests.read_request import read_request
from hundredfold_cli.ingests.review import review
from hundredfold_cli.ingests.source_options import SourceOptions
from hundredfold_cli.ingests.stored import StoredTable
from hundredfold_cli.stack.deployment import Deployment
from tests.unit.fakes import MemorySources, MemoryTables

TEXT = Signature((Field("text", FieldType.TEXT),))
TABLE = Signature((Field("bmi", FieldType.NUMBER), Field("sex", FieldType.CATEGORY)))


class Here:
    """A deployment with a table and two objects. Nothing can be written to it."""

    def __init__(self, content: bytes = b"", name: str = "r.csv") -> None:
        self.sources = MemorySources({ObjectLocation("b", f"day/{name}"): content})
        self.s3 = self
        self.tables = MemoryTables(items=[{"id": {"S": "1"}, "body": {"S": "a fine film"}}])

    def head_bucket(self, *, Bucket: str) -> None:  # noqa: N803
        assert Bucket == "b"


class Dialogue:
    """A person who answers, in order, and keeps what was asked and said."""

    def __init__(self, *answers: bool) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.said: list[str] = []

    def confirm(self, question: str) -> bool:
        self.asked.append(question)
        return self.answers.pop(0)


def reviewed(
    source: object,
    signature: Signature,
    dialogue: Dialogue,
    here: Here | None = None,
    given: bytes = b"",
    **options: Any,
) -> Any:
    """Review a source, and return its request."""
    deployment = cast("Deployment", here or Here())
    request = read_request(str(source), SourceOptions(**options), io.BytesIO(given))
    request.check(deployment)
    review(deployment, request, signature, dialogue.said.append, dialogue.confirm)
    return request


def refusal(source: object, signature: Signature, *answers: bool, **options: Any) -> str:
    with pytest.raises(InvalidIngestError) as refused:
        reviewed(source, signature, Dialogue(*answers), **options)
    return str(refused.value)


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    file = tmp_path / "reviews.csv"
    file.write_text("id,review,stars\n1,It is a good film,4\n2,It is a bad film,1\n")
    return file


def test_records_that_fit_are_not_talked_about(tmp_path: Path) -> None:
    file, dialogue = tmp_path / "r.jsonl", Dialogue()
    file.write_text('{"id": "1", "text": "fine"}\n')

    reviewed(file, TEXT, dialogue)

    assert (dialogue.said, dialogue.asked) == ([], [])


def test_another_name_is_refused_with_the_option_to_type(reviews: Path) -> None:
    assert refusal(reviews, TEXT, False) == (
        "reviews.csv has `id`, `review`, `stars`, and lacks `text`, which the model reads: add --map text=review"
    )


def test_a_suggestion_that_is_confirmed_is_taken(reviews: Path) -> None:
    dialogue = Dialogue(True)

    request = reviewed(reviews, TEXT, dialogue)

    assert request.options.fields == {"text": "review"}
    assert dialogue.said == ["reading it with --map text=review"]


@pytest.mark.parametrize("answer", [True, False])
def test_without_a_suggestion_for_every_name_nothing_is_asked(tmp_path: Path, answer: bool) -> None:
    file = tmp_path / "r.csv"
    file.write_text("nr,sex,a,b\n1,f,2,3\n2,m,4,5\n")
    dialogue = Dialogue(answer)

    with pytest.raises(InvalidIngestError, match="add --map id=nr; name a column by --map bmi=COLUMN"):
        reviewed(file, TABLE, dialogue)

    assert dialogue.asked == []


def test_records_of_which_some_would_be_rejected_are_named_and_go_on(tmp_path: Path) -> None:
    file, dialogue = tmp_path / "r.csv", Dialogue()
    file.write_text("id,bmi,sex\n1,20,f\n2,,m\n3,21,m\n")

    reviewed(file, TABLE, dialogue)

    assert dialogue.said == [
        (
            "1 of the first 3 records of r.csv will be rejected: "
            "1 wrong_type: its field 'bmi' is empty, not a number (the first is record 2)"
        )
    ]


@pytest.mark.parametrize("goes_on", [True, False])
def test_records_of_which_none_can_be_scored_start_only_if_that_is_confirmed(tmp_path: Path, goes_on: bool) -> None:
    file = tmp_path / "r.csv"
    file.write_text("id;bmi;sex\n1;20,5;f\n2;21,5;m\n")

    if goes_on:
        reviewed(file, TABLE, Dialogue(True))
        return
    message = refusal(file, TABLE, False)

    assert message.startswith(
        "none of the first 2 records of r.csv can be scored: 2 wrong_type: its field 'bmi' is text"
    )
    assert message.endswith(". A number has a point, and no comma: 3.5; to start it all the same, add --yes")


def test_a_first_row_without_names_is_refused_with_what_to_type(tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    file.write_text("1;20.5;4\n2;21.5;5\n")

    assert "(echo 'id;bmi;sex'; cat r.csv) > named-r.csv" in refusal(file, TABLE)


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (",bmi,sex\n0,20,f\n1,21,m\n", "to_csv(…, index_label='id')"),
        ("bmi,sex\n20,f\n20,f\n", "Each record needs an id that no other has"),
    ],
)
def test_records_without_an_id_are_refused_with_how_to_get_one(tmp_path: Path, content: str, advice: str) -> None:
    file = tmp_path / "r.csv"
    file.write_text(content)

    assert advice in refusal(file, TABLE)


def test_an_object_a_prefix_and_standard_input_are_reviewed_too() -> None:
    content = b"id,review\n1,It is a good film\n"
    for source, given in (("s3://b/day/r.csv", b""), ("s3://b/day/", b""), ("-", content)):
        dialogue = Dialogue(False)
        with pytest.raises(InvalidIngestError, match="add --map text=review"):
            reviewed(source, TEXT, dialogue, Here(content), given)


def test_an_empty_object_and_the_first_bytes_of_a_stream_that_cannot_be_read_alone_are_left_to_the_planner() -> None:
    dialogue = Dialogue()

    reviewed("s3://b/day/r.csv", TEXT, dialogue, Here())
    reviewed("-", TEXT, dialogue, given=b"PAR1" + b"x" * 300_000)
    reviewed("-", TEXT, dialogue, given=b'[{"id": "1", "text": "' + b"x" * 300_000 + b'"}]')

    assert (dialogue.said, dialogue.asked) == ([], [])


def test_a_long_stream_is_reviewed_by_its_first_lines() -> None:
    with pytest.raises(InvalidIngestError, match="lacks `text`"):
        reviewed("-", TEXT, Dialogue(False), given=b"id,review\n" + b"1,It is a good film\n" * 20_000)


def test_a_table_is_reviewed_by_its_first_items() -> None:
    request = StoredTable(TableSpec("reviews"))
    dialogue = Dialogue(True)

    review(cast("Deployment", Here()), request, TEXT, dialogue.said.append, dialogue.confirm)

    assert dialogue.asked == [
        "reviews has `id`, `body`, and lacks `text`, which the model reads: add --map text=body. Do so now?"
    ]
    assert request.options.fields == {"text": "body"}
