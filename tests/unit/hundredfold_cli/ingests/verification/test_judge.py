"""The judge of records agrees with the decoder, of which it has no code."""

import io
import random

import pytest

from hundredfold.batches import Batch
from hundredfold.inference.decode import decode_batch
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold.records import Reason
from hundredfold.sources.objects import PinnedObject
from hundredfold_cli.ingests.verification.judge import Judgement, judge, parse_line
from hundredfold_cli.ingests.verification.pinned_lines import read_pinned_lines
from tests.unit.inference.test_hostile_lines import MAX_RECORD_BYTES, SIGNATURE, hostile_line

PINNED = PinnedObject("bucket", "key", "etag", 1)
TEXT = Signature((Field("text", FieldType.TEXT),))


def judged(
    content: bytes,
    signature: Signature | None = TEXT,
    *,
    converts: bool = False,
    marked: bool = False,
    limit: int | None = 1_000,
) -> Judgement:
    [line] = read_pinned_lines(io.BytesIO(content))
    return judge(parse_line(line, converts=converts, marked=marked), signature, limit)


@pytest.mark.parametrize("converts", [False, True], ids=["typed", "untyped"])
def test_it_agrees_with_the_decoder_about_hostile_lines(converts: bool) -> None:
    random_ = random.Random(13)
    signature = SIGNATURE.converting() if converts else SIGNATURE
    for number in range(3_000):
        content = hostile_line(random_, number)
        if content.isspace() or content.startswith(b"\xef\xbb\xbf"):
            continue
        batch = Batch(0, 0, 0, len(content), 1, 1)
        decoded = decode_batch(content, batch, PINNED, SIGNATURE, max_record_bytes=MAX_RECORD_BYTES, converts=converts)

        judgement = judged(content, signature, converts=converts, limit=MAX_RECORD_BYTES)

        if decoded.records:
            [record] = decoded.records
            assert (judgement.reason, judgement.record_id, judgement.values) == (None, record.record_id, record.values)
        elif decoded.rejections[0].reason.value not in judgement.may_be:
            [rejection] = decoded.rejections
            assert (judgement.reason, judgement.record_id) == (rejection.reason, rejection.record_id), content[:200]


NULLABLE = Signature(
    (
        Field("text", FieldType.TEXT),
        Field("stars", FieldType.NUMBER, nullable=True, optional=True),
        Field("language", FieldType.CATEGORY, nullable=True),
    )
)


@pytest.mark.parametrize("signature", [SIGNATURE, NULLABLE], ids=["strict", "nullable"])
@pytest.mark.parametrize(
    "stars", [b"NaN", b"null", b"Infinity", b'"nan"', b'""', b"1"], ids=lambda stars: stars.decode()
)
@pytest.mark.parametrize("converts", [False, True], ids=["typed", "untyped"])
def test_it_agrees_with_the_decoder_about_missing_values(signature: Signature, stars: bytes, converts: bool) -> None:
    content = b'{"id":"r1","text":"fine","stars":%s,"language":null}' % stars
    batch = Batch(0, 0, 0, len(content), 1, 1)
    decoded = decode_batch(content, batch, PINNED, signature, max_record_bytes=1_000, converts=converts)

    judgement = judged(content, signature.converting() if converts else signature, converts=converts)

    if decoded.records:
        assert (judgement.reason, repr(judgement.values)) == (None, repr(decoded.records[0].values))
    else:
        [rejection] = decoded.rejections
        assert (judgement.reason, judgement.record_id) == (rejection.reason, rejection.record_id)


def test_a_row_that_the_planner_marked_is_unreadable_and_has_the_id_of_its_mark() -> None:
    mark = b'!{"detail": "it has 1 values, and there are 2 columns", "id": "r-1"}'

    assert judged(mark, marked=True).reason == Reason.UNREADABLE_ROW
    assert judged(mark, marked=True).record_id == "r-1"
    assert judged(mark).reason == Reason.NOT_JSON


def test_without_a_card_the_fields_are_not_judged() -> None:
    judgement = judged(b'{"id":"a"}', signature=None)

    assert judgement.reason is None
    assert judgement.may_be == {"missing_field", "wrong_type", "empty_text"}


def test_without_a_limit_a_record_may_be_too_large() -> None:
    judgement = judged(b'{"id":"a","text":"b"}', limit=None)

    assert (judgement.reason, judgement.may_be) == (None, frozenset({"too_large"}))


def test_what_is_nested_deeply_is_judged_leniently() -> None:
    judgement = judged(b'{"id":"a","text":"b","x":' + b"[" * 600 + b"]" * 600 + b"}", limit=10_000)

    assert (judgement.reason, judgement.may_be) == (None, frozenset({"not_json"}))
