"""Decoding: each kind of bad line, its line and offset, and properties that hold for any bytes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundredfold.batches import Batch
from hundredfold.errors import SourceChangedError
from hundredfold.inference.decode import (
    Line,
    Record,
    decode_batch,
    is_too_large_to_read,
    read_lines,
    reject_unread,
)
from hundredfold.inference.predict import predict_batch
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold.records import Reason, Rejection
from hundredfold.sources.objects import PinnedObject
from hundredfold.sources.unreadable import unreadable_line

PINNED = PinnedObject("records", "reviews.jsonl", etag="e", size=10**6)
SIGNATURE = Signature(
    (
        Field("text", FieldType.TEXT),
        Field("stars", FieldType.NUMBER),
        Field("language", FieldType.CATEGORY),
    )
)
GOOD = b'{"id":"r1","text":"fine","stars":4,"language":"en"}'


def decode(
    data: bytes,
    *,
    records: int = 1,
    offset: int = 0,
    line: int = 1,
    signature: Signature = SIGNATURE,
    max_record_bytes: int = 200_000,
    converts: bool = False,
    marked: bool = False,
) -> tuple[list[Record], list[Rejection]]:
    batch = Batch(batch=0, shard=0, offset=offset, length=len(data), records=records, line=line)
    decoded = decode_batch(
        *(data, batch, PINNED, signature), max_record_bytes=max_record_bytes, converts=converts, marked=marked
    )
    # Duplicates are rejected once their first record is predicted, as it is here.
    predicted = predict_batch(decoded, lambda values: [("label", 0.5)] * len(values))
    rejections = sorted(decoded.rejections + predicted.rejections, key=lambda rejection: rejection.line)
    return predicted.records, rejections


def test_a_good_line_becomes_a_record_with_values_in_the_order_of_the_signature() -> None:
    records, rejections = decode(b'{"stars":4,"more":[1],"language":"","id":"r1","text":" fine "}')

    assert records == [Record("r1", (" fine ", 4.0, ""), line=1, offset=0)]
    assert type(records[0].values[1]) is float
    assert rejections == []


@pytest.mark.parametrize(
    ("line", "reason", "detail", "record_id"),
    [
        # not JSON
        (b"fine", Reason.NOT_JSON, None, None),
        (b'{"id":"r1"', Reason.NOT_JSON, None, None),
        (b'{"id":"r1"} {}', Reason.NOT_JSON, None, None),
        (b"{'id':'r1'}", Reason.NOT_JSON, None, None),
        (b'{"id":"r1","text":"a","stars":NaN,"language":"en"}', Reason.NOT_JSON, None, None),
        (b'{"id":"r1","text":"a","stars":Infinity,"language":"en"}', Reason.NOT_JSON, None, None),
        (
            *(b'{"id":"r1","text":"a","stars":1e999,"language":"en"}', Reason.WRONG_TYPE),
            *("its field 'stars' is a number out of range", "r1"),
        ),
        (
            *(b'{"id":"r1","text":"a","stars":' + b"9" * 5000 + b"}", Reason.WRONG_TYPE),
            *("its field 'stars' is a number out of range", "r1"),
        ),
        (b'{"id":"r\x001"}', Reason.NOT_JSON, None, None),
        (b'\xef\xbb\xbf{"id":"r1"}', Reason.NOT_JSON, None, None),
        (b'{"id":"\xff"}', Reason.NOT_JSON, "it is not valid UTF-8", None),
        (b'{"id":"\xe2\x82"}', Reason.NOT_JSON, "it is not valid UTF-8", None),
        (b'{"id":"\xed\xa0\x80"}', Reason.NOT_JSON, "it is not valid UTF-8", None),
        (rb'{"id":"\ud800"}', Reason.NOT_JSON, None, None),
        (rb'{"id":"r1","text":"\udc00"}', Reason.NOT_JSON, None, None),
        (b"[" * 100_000, Reason.NOT_JSON, "it is nested too deeply", None),
        (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, Reason.NOT_JSON, "it is nested too deeply", None),
        # not an object
        (b"[]", Reason.NOT_AN_OBJECT, "it is JSON, but not an object", None),
        (b'"r1"', Reason.NOT_AN_OBJECT, "it is JSON, but not an object", None),
        (b"null", Reason.NOT_AN_OBJECT, "it is JSON, but not an object", None),
        (b"7", Reason.NOT_AN_OBJECT, "it is JSON, but not an object", None),
        # its id
        (b"{}", Reason.MISSING_ID, "it has no field 'id'", None),
        (b'{"ID":"r1","text":"a"}', Reason.MISSING_ID, "it has no field 'id'", None),
        (b'{"id":7}', Reason.INVALID_ID, "its id is not a string, or a blank one", None),
        (b'{"id":null}', Reason.INVALID_ID, "its id is not a string, or a blank one", None),
        (b'{"id":["r1"]}', Reason.INVALID_ID, "its id is not a string, or a blank one", None),
        (b'{"id":""}', Reason.INVALID_ID, "its id is not a string, or a blank one", None),
        (b'{"id":" \\t"}', Reason.INVALID_ID, "its id is not a string, or a blank one", None),
        (b'{"id":"' + b"x" * 1025 + b'"}', Reason.INVALID_ID, "its id is longer than 1024 bytes", None),
        (('{"id":"' + "é" * 513 + '"}').encode(), Reason.INVALID_ID, "its id is longer than 1024 bytes", None),
        # its fields
        (b'{"id":"r1"}', Reason.MISSING_FIELD, "it has no field 'text'", "r1"),
        (b'{"id":"r1","text":"a","language":"en"}', Reason.MISSING_FIELD, "it has no field 'stars'", "r1"),
        (b'{"id":"r1","text":null}', Reason.WRONG_TYPE, "its field 'text' is null, not a string", "r1"),
        (b'{"id":"r1","text":3.5}', Reason.WRONG_TYPE, "its field 'text' is a number, not a string", "r1"),
        (b'{"id":"r1","text":["a"]}', Reason.WRONG_TYPE, "its field 'text' is an array, not a string", "r1"),
        (b'{"id":"r1","text":{"a":1}}', Reason.WRONG_TYPE, "its field 'text' is an object, not a string", "r1"),
        (
            b'{"id":"r1","text":"a","stars":true}',
            Reason.WRONG_TYPE,
            "its field 'stars' is true or false, not a number",
            "r1",
        ),
        (b'{"id":"r1","text":"a","stars":"4"}', Reason.WRONG_TYPE, "its field 'stars' is a string, not a number", "r1"),
        (
            b'{"id":"r1","text":"a","stars":' + b"9" * 400 + b"}",
            Reason.WRONG_TYPE,
            "its field 'stars' is a number out of range",
            "r1",
        ),
        (
            b'{"id":"r1","text":"a","stars":-' + b"9" * 400 + b"}",
            Reason.WRONG_TYPE,
            "its field 'stars' is a number out of range",
            "r1",
        ),
        (
            b'{"id":"r1","text":"a","stars":4,"language":false}',
            Reason.WRONG_TYPE,
            "its field 'language' is true or false, not a string",
            "r1",
        ),
        (b'{"id":"r1","text":""}', Reason.EMPTY_TEXT, "its field 'text' is empty", "r1"),
        (rb'{"id":"r1","text":" \n\t\u00a0"}', Reason.EMPTY_TEXT, "its field 'text' is empty", "r1"),
    ],
)
def test_a_bad_line_is_rejected_with_its_reason(
    line: bytes, reason: Reason, detail: str | None, record_id: str | None
) -> None:
    records, [rejection] = decode(line, offset=400, line=9)

    assert records == []
    assert rejection.reason is reason
    assert rejection.record_id == record_id
    assert (rejection.line, rejection.offset) == (9, 400)
    if detail is not None:
        assert rejection.detail == detail


@pytest.mark.parametrize("record_id", ["x" * 1024, "é" * 512, " r1 ", "0", "€😀\u2028"])
def test_a_good_id_is_kept_unchanged(record_id: str) -> None:
    line = json.dumps({"id": record_id, "text": "a", "stars": 1, "language": "en"}, ensure_ascii=False).encode()

    [record], rejections = decode(line)

    assert record.record_id == record_id
    assert rejections == []


@pytest.mark.parametrize(
    ("number", "value"),
    [(b"4", 4.0), (b"-0.5", -0.5), (b"1e3", 1000.0), (b"1" + b"0" * 30, 1e30), (b"18446744073709551616", 2.0**64)],
)
def test_numbers_are_read_as_floats(number: bytes, value: float) -> None:
    [record], _ = decode(b'{"id":"r1","text":"a","language":"en","stars":' + number + b"}")

    assert record.values == ("a", value, "en")


def test_lines_and_offsets_count_from_the_beginning_of_the_source() -> None:
    data = b'{"id":"r1"}\r\n\n \t\r\n[1]\nnonsense'  # lines 41, 44 and 45; 42 and 43 are blank
    #        0            13  14     18   22

    records, rejections = decode(data, records=3, offset=1000, line=41)

    assert records == []
    assert [(rejection.line, rejection.offset, rejection.reason) for rejection in rejections] == [
        (41, 1000, Reason.MISSING_FIELD),
        (44, 1018, Reason.NOT_AN_OBJECT),
        (45, 1022, Reason.NOT_JSON),
    ]


def test_records_and_rejections_keep_the_order_of_their_lines() -> None:
    lines = [GOOD, b"[]", GOOD.replace(b"r1", b"r2"), b"null", GOOD.replace(b"r1", b"r3")]

    records, rejections = decode(b"\r\n".join(lines), records=5)

    assert [(record.record_id, record.line) for record in records] == [("r1", 1), ("r2", 3), ("r3", 5)]
    assert [rejection.line for rejection in rejections] == [2, 4]
    # A good line has 51 bytes and 2 for its end. With their ends, [] has 4 and null has 6.
    assert [record.offset for record in records] == [0, 57, 116]
    assert [rejection.offset for rejection in rejections] == [53, 110]


def test_of_two_good_records_with_one_id_the_first_is_scored() -> None:
    records, rejections = decode(GOOD + b"\n" + GOOD.replace(b"fine", b"poor"), records=2)

    assert [record.values[0] for record in records] == ["fine"]
    assert rejections == [Rejection(2, 52, Reason.DUPLICATE_ID, "its id stands twice in this batch", "r1")]


def test_a_record_that_cannot_be_scored_leaves_its_id_to_a_later_one() -> None:
    data = b"\n".join([b'{"id":"r1"}', GOOD, b'{"id":"r1"}', GOOD])

    records, rejections = decode(data, records=4)

    assert [record.line for record in records] == [2]
    assert [(rejection.line, rejection.reason) for rejection in rejections] == [
        (1, Reason.MISSING_FIELD),
        (3, Reason.MISSING_FIELD),
        (4, Reason.DUPLICATE_ID),
    ]


def test_ids_are_compared_exactly() -> None:
    ids = ["é", "e\u0301", "E\u0301", "é "]  # é as one character and é as two are different ids
    data = "\n".join(f'{{"id":"{record_id}","text":"a","stars":1,"language":"en"}}' for record_id in ids).encode()

    records, _ = decode(data, records=4)

    assert [record.record_id for record in records] == ids


def test_a_line_over_the_limit_is_rejected_unparsed() -> None:
    at_the_limit, over_it = GOOD, b"not JSON" + b"." * (len(GOOD) - 7)

    records, [rejection] = decode(at_the_limit + b"\n" + over_it + b"\n", records=2, max_record_bytes=51)

    assert [record.record_id for record in records] == ["r1"]
    assert rejection == Rejection(2, 52, Reason.TOO_LARGE, "it has 52 bytes, and 51 are allowed")


def test_a_batch_over_the_limit_is_rejected_unread() -> None:
    batch = Batch(batch=3, shard=3, offset=500, length=1_000_001, records=1, line=12)

    assert reject_unread(batch, max_record_bytes=262_144) == [
        Rejection(12, 500, Reason.TOO_LARGE, "it has 1,000,001 bytes, and 262,144 are allowed")
    ]


@pytest.mark.parametrize("planned", [0, 1, 3])
def test_another_number_of_records_than_planned_means_another_source(planned: int) -> None:
    with pytest.raises(SourceChangedError, match=r"s3://records/reviews\.jsonl was replaced"):
        decode(GOOD + b"\n[]\n", records=planned)


# ---------------------------------------------------------------- any bytes at all

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["\ud800", "r1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "text", "stars", "language", "é"]), inner, max_size=5)
    ),
    max_leaves=8,
)
_lines = st.one_of(
    st.binary(max_size=20),
    _json.map(lambda value: json.dumps(value).encode()),
    _json.map(lambda value: json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")),
    st.sampled_from([GOOD, GOOD + b"\r", b"", b" ", b"\r", GOOD[:-1], b"\xef\xbb\xbf", b"1e999"]),
)
_data = st.lists(_lines, max_size=8).map(b"\n".join)


@given(data=_data, limit=st.integers(1, 60))
def test_every_line_that_is_not_blank_becomes_a_record_or_a_rejection(data: bytes, limit: int) -> None:
    starts = [0, *(position + 1 for position, byte in enumerate(data) if byte == 0x0A)]
    not_blank = {
        number: start
        for number, start in enumerate(starts, start=1)
        if data[start:].split(b"\n")[0].translate(None, b" \t\r\v\f")
    }

    records, rejections = decode(data, records=len(not_blank), max_record_bytes=limit)

    both: list[Record | Rejection] = [*records, *rejections]
    assert len(both) == len(not_blank)
    assert {outcome.line: outcome.offset for outcome in both} == not_blank
    assert len({record.record_id for record in records}) == len(records)


@given(data=_data, wrongly_planned=st.integers(0, 12))
def test_a_changed_source_is_the_only_error_that_is_raised(data: bytes, wrongly_planned: int) -> None:
    try:
        records, rejections = decode(data, records=wrongly_planned)
    except SourceChangedError:
        return
    assert len(records) + len(rejections) == wrongly_planned


SECRET = "zqxjkv"
SECRET_NUMBER = 918273645546372819

_secret_json = st.recursive(
    st.sampled_from([SECRET, SECRET_NUMBER, -SECRET_NUMBER / 1e9, f"{SECRET} \ud800", SECRET * 200, True, None]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "text", "stars", "language", SECRET]), inner, max_size=5)
    ),
    max_leaves=8,
)


@st.composite
def _secret_lines(draw: st.DrawFn) -> bytes:
    """Lines that hold the secret: good JSON, truncated JSON, and JSON with a byte inserted."""
    line = json.dumps(draw(_secret_json)).encode()
    if draw(st.booleans()):
        line = line[: draw(st.integers(0, len(line)))]
    if draw(st.booleans()):
        position = draw(st.integers(0, len(line)))
        line = (
            line[:position]
            + draw(st.sampled_from([b"\xff", b"\\", b'"', b"{", b"}", b":", b"x", b"\x01"]))
            + line[position:]
        )
    return line


@given(line=_secret_lines(), limit=st.sampled_from([10, 200_000]))
def test_a_detail_never_quotes_the_record(line: bytes, limit: int) -> None:
    _, rejections = decode(line, records=1 if line.strip() else 0, max_record_bytes=limit)

    for rejection in rejections:
        assert SECRET not in rejection.detail
        assert "918273645" not in rejection.detail.replace(",", "")


# ---------------------------------------------------------------- reading without rejecting


def test_lines_are_read_with_their_ids_or_none() -> None:
    data = b"\n".join(
        [
            GOOD + b"\r",
            b" ",
            b'{"id":"r2"}',
            b'{"id":7}',
            b'{"id":""}',
            b'{"id":"' + b"x" * 1025 + b'"}',
            b"[]",
            b'{"id":"r3"',
            b'{"id":"\xff"}',
            b"[" * 100_000,
            b"",
        ]
    )
    batch = Batch(batch=0, shard=0, offset=70, length=len(data), records=9, line=20)

    lines = read_lines(data, batch)

    assert [(line.number, line.record_id) for line in lines] == [
        (20, "r1"),
        (22, "r2"),
        (23, None),
        (24, None),
        (25, None),
        (26, None),
        (27, None),
        (28, None),
        (29, None),
    ]
    assert lines[1] == Line(22, b'{"id":"r2"}', "r2")


@given(data=_data)
def test_reading_finds_the_same_lines_and_ids_as_decoding(data: bytes) -> None:
    lines = read_lines(data, Batch(batch=0, shard=0, offset=0, length=len(data), records=0, line=1))

    # A model with a nullable field reads NaN, and a reader of results does not know the model.
    signature = Signature((Field("text", FieldType.TEXT), Field("stars", FieldType.NUMBER, nullable=True)))
    records, rejections = decode(data, records=len(lines), signature=signature)

    both: list[Record | Rejection] = [*records, *rejections]
    assert {line.number: line.record_id for line in lines} == {outcome.line: outcome.record_id for outcome in both}


# ---------------------------------------------------------------- staged lines


def test_a_row_that_the_planner_marked_as_unreadable_is_rejected_with_its_detail() -> None:
    data = unreadable_line("it has 1 values, and there are 2 columns") + unreadable_line("its column 'a' …", "r7")

    records, rejections = decode(data, records=2, line=41, marked=True)

    assert records == []
    assert [(rejection.line, rejection.reason, rejection.detail, rejection.record_id) for rejection in rejections] == [
        (41, Reason.UNREADABLE_ROW, "it has 1 values, and there are 2 columns", None),
        (42, Reason.UNREADABLE_ROW, "its column 'a' …", "r7"),
    ]


def test_a_mark_in_a_line_that_was_not_staged_is_ignored() -> None:
    _, [rejection] = decode(unreadable_line("forged", "r1"))

    assert (rejection.reason, rejection.record_id) == (Reason.NOT_JSON, None)
    assert "forged" not in rejection.detail


def test_other_bad_lines_among_staged_ones_are_rejected_as_usual() -> None:
    _, rejections = decode(b"[1]\n" + GOOD + b"\n" + GOOD, records=3, marked=True)

    assert [rejection.reason for rejection in rejections] == [Reason.NOT_AN_OBJECT, Reason.DUPLICATE_ID]


@pytest.mark.parametrize("record_id", [None, 7, "", " ", "x" * 1025, "\udcff"])
def test_an_invalid_id_in_a_mark_is_ignored(record_id: object) -> None:
    _, [rejection] = decode(unreadable_line("why", record_id), marked=True)

    assert rejection.record_id is None


@pytest.mark.parametrize(("number", "text"), [(b"7", "7"), (b"-1", "-1"), (b"2.5", "2.5")])
def test_an_id_that_is_a_number_becomes_text_if_values_are_converted(number: bytes, text: str) -> None:
    line = b'{"id":' + number + b',"text":1,"stars":"4","language":true}'

    [record], _ = decode(line, converts=True)

    assert (record.record_id, record.values) == (text, ("1", 4.0, "true"))
    batch = Batch(batch=0, shard=0, offset=0, length=len(line), records=1, line=1)
    assert [read.record_id for read in read_lines(line, batch, converts=True)] == [text]
    assert [read.record_id for read in read_lines(line, batch)] == [None]
    assert decode(line)[1][0].reason is Reason.INVALID_ID
    assert decode(b'{"id":true}', converts=True)[1][0].reason is Reason.INVALID_ID


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_the_end_of_a_line_does_not_count_against_the_limit(end: bytes) -> None:
    records, rejections = decode(GOOD + end, max_record_bytes=len(GOOD))

    assert [record.record_id for record in records] == ["r1"]
    assert rejections == []


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_line_one_byte_over_the_limit_is_too_large_whatever_ends_it(end: bytes) -> None:
    _, [rejection] = decode(GOOD + end, max_record_bytes=len(GOOD) - 1)

    assert rejection.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    ("over", "unread"), [(0, False), (1, False), (2, False), (3, True)], ids=["fits", "LF", "CRLF", "too large"]
)
def test_a_batch_is_left_unread_only_if_its_record_is_too_large_with_any_line_end(over: int, unread: bool) -> None:
    batch = Batch(batch=0, shard=0, offset=0, length=100 + over, records=1, line=1)

    assert is_too_large_to_read(batch, max_record_bytes=100) is unread


@pytest.mark.parametrize("number", [b"1e400", b"9" * 5_000], ids=["1e400", "5,000 digits"])
def test_a_number_that_no_float_holds_is_the_fault_of_the_field_that_reads_it(number: bytes) -> None:
    records, rejections = decode(GOOD[:-1] + b',"unread":' + number + b"}")
    _, [rejection] = decode(GOOD.replace(b'"stars":4', b'"stars":' + number))

    assert (len(records), rejections) == (1, [])
    assert (rejection.reason, rejection.detail) == (Reason.WRONG_TYPE, "its field 'stars' is a number out of range")


@pytest.mark.parametrize("value", [b"NaN", b"-Infinity", b'1e400, "x": NaN'])
def test_what_is_no_json_number_stays_no_json(value: bytes) -> None:
    _, [rejection] = decode(GOOD[:-1] + b',"unread":' + value + b"}")

    assert rejection.reason is Reason.NOT_JSON


@pytest.mark.parametrize("member", [rb'"x":1e400,"id":"\ud800"', rb'"x":1e400,"text":"\udc00"'])
def test_a_lone_surrogate_beside_a_number_that_no_float_holds_is_no_json(member: bytes) -> None:
    _, [rejection] = decode(b"{" + member + b',"text2":1}')

    assert rejection.reason is Reason.NOT_JSON


def test_nan_is_read_where_a_field_may_be_missing_and_is_no_json_elsewhere() -> None:
    nullable = Signature((Field("stars", FieldType.NUMBER, nullable=True),))
    plain = Signature((Field("stars", FieldType.NUMBER),))
    line = b'{"id":"r1","stars":NaN}'

    [record], _ = decode(line, signature=nullable)
    assert record.values[0] != record.values[0]
    for content, signature in ((line, plain), (b'{"id":"r1","stars":Infinity}', nullable)):
        records, [rejection] = decode(content, signature=signature)
        assert (records, rejection.reason) == ([], Reason.NOT_JSON)
    assert read_lines(line, Batch(batch=0, shard=0, offset=0, length=len(line), records=1, line=1))[0].record_id == "r1"
