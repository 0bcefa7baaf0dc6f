"""Twenty thousand hostile lines: each becomes a record or a rejection, and no rejection quotes its line.

A seeded generator makes the lines. So a run is the same everywhere, and takes seconds.
"""

import json
import math
import random
import signal
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from hundredfold.batches import Batch
from hundredfold.inference.decode import Record, decode_batch, reject_unread
from hundredfold.inference.predict import predict_batch
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold.planning.batching import cut_batches
from hundredfold.records import MAX_ID_BYTES, Reason, Rejection
from hundredfold.sources.objects import PinnedObject

LINES = 20_000
MAX_RECORD_BYTES = 65_536
MAX_BATCH_BYTES = 4 * MAX_RECORD_BYTES
MARKER = "Marker7f3aMarker"
"""Every line that can hold it does. No rejection may quote it."""

PINNED = PinnedObject("records", "hostile.jsonl", etag="e", size=0)
SIGNATURE = Signature(
    (Field("text", FieldType.TEXT), Field("stars", FieldType.NUMBER), Field("language", FieldType.CATEGORY))
)
GOOD = {"id": "r", "text": f"fine {MARKER}", "stars": 4, "language": "en"}


def hostile_line(random_: random.Random, number: int) -> bytes:
    """Make one line. It has no line feed, and it is not blank."""
    return random_.choice(MAKERS)(random_, number).replace(b"\n", b" ").strip() or b"\x00"


def good(_: random.Random, number: int) -> bytes:
    return json.dumps({**GOOD, "id": f"r-{number}"}).encode()


def random_bytes(random_: random.Random, _: int) -> bytes:
    return random_.randbytes(random_.randrange(1, 300))


def bit_flipped(random_: random.Random, number: int) -> bytes:
    line = bytearray(good(random_, number))
    for _ in range(random_.randrange(1, 4)):
        line[random_.randrange(len(line))] ^= 1 << random_.randrange(8)
    return bytes(line)


def cut_short(random_: random.Random, number: int) -> bytes:
    line = good(random_, number)
    return line[: random_.randrange(1, len(line))]


def doubled(random_: random.Random, number: int) -> bytes:
    return good(random_, number) * random_.randrange(2, 4)


def nested(random_: random.Random, number: int) -> bytes:
    depth = random_.choice([10, 500, 1_100, 20_000])
    opening, closing = random_.choice([(b"[", b"]"), (b'{"a":', b"}"), (b'[{"b":[', b"]}]")])
    value = opening * depth + b"1" + closing * random_.choice([0, depth])
    return random_.choice([value, b'{"id":"n-%d","text":%s}' % (number, value)])


def huge_number(random_: random.Random, number: int) -> bytes:
    digits = random_.choice([20, 400, 5_000, 60_000])
    value = random_.choice([b"9" * digits, b"-" + b"1" * digits, b"0." + b"3" * digits, b"1e%d" % digits, b"1e-999999"])
    return b'{"id":"h-%d","text":"%s","stars":%s,"language":"en"}' % (number, MARKER.encode(), value)


def no_number(random_: random.Random, number: int) -> bytes:
    value = random_.choice([b"NaN", b"Infinity", b"-Infinity", b"0x10", b"1_000", b"+1", b".5", b"01", b"true", b'"4"'])
    return b'{"id":"s-%d","text":"t","stars":%s,"language":"en"}' % (number, value)


def surrogate(random_: random.Random, number: int) -> bytes:
    escapes = [rb"\ud800", rb"\udc00", rb"\udfff\ud800", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80"]
    where = random_.choice([b'{"id":"%s"}', b'{"id":"u","text":"%s","stars":1,"language":""}', b'{"%s":1,"id":"u"}'])
    return where % random_.choice(escapes)


def hostile_id(random_: random.Random, number: int) -> bytes:
    ids: list[object] = [
        "../../../etc/passwd", "a/b", "a#0", "\u0000", "\u202e", "'; DROP TABLE", "x" * 1_025, "é" * 513, "", " ",
        None, True, 7, 1.5, [], {}, "r-\u2028", "${jndi:x}", "%s%n", "\ufeff", f"i-{number}", "\t",
    ]  # fmt: skip
    return json.dumps({**GOOD, "id": random_.choice(ids)}).encode()


def hostile_value(random_: random.Random, number: int) -> bytes:
    values = [None, True, [], {}, [MARKER], {MARKER: MARKER}, "", "\u2003", "x" * 5_000, "\x00", -0.0, 10**400, MARKER]
    changed = {random_.choice(["text", "stars", "language"]): random_.choice(values)}
    return json.dumps({**GOOD, "id": f"v-{number}", **changed}).encode()


def other_json(random_: random.Random, _: int) -> bytes:
    return random_.choice(
        [b"null", b"[]", b"{}", b'"%s"' % MARKER.encode(), b"1", b"true", b"[1,2", b"{,}", b"\xef\xbb\xbf{}"]
    )


def many_keys(random_: random.Random, number: int) -> bytes:
    keys = {f"{MARKER}{key}": key for key in range(random_.choice([10, 1_500]))}
    return json.dumps({**GOOD, "id": f"k-{number}", **keys}).encode()


def twice_the_key(random_: random.Random, number: int) -> bytes:
    return b'{"id":"d-%d","id":7,"text":"t","text":null,"stars":1,"language":"en"}' % number


def too_long(random_: random.Random, number: int) -> bytes:
    # Some are longer than a record may be, some longer than a batch may be, and a few have 10 MB.
    size = random_.choice([MAX_RECORD_BYTES, MAX_BATCH_BYTES + 1]) if random_.random() < 0.99 else 10_000_000
    return b'{"id":"l-%d","text":"%s"}' % (number, b"x" * size)


MAKERS: list[Callable[[random.Random, int], bytes]] = [
    *[good, random_bytes, bit_flipped, cut_short, doubled, huge_number, no_number, surrogate, hostile_id] * 8,
    *[hostile_value, other_json, twice_the_key] * 8,
    *[nested, many_keys] * 3,
    too_long,
]


@contextmanager
def an_end_after(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in code that hangs."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"not done within {seconds} s")

    previous = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


def decode(data: bytes, batch: Batch) -> tuple[list[Record], list[Rejection]]:
    """Decode a batch as the inference function does. A batch over the limit is not read."""
    if batch.records == 1 and batch.length - 1 > MAX_RECORD_BYTES:
        return [], reject_unread(batch, max_record_bytes=MAX_RECORD_BYTES)
    decoded = decode_batch(data, batch, PINNED, SIGNATURE, max_record_bytes=MAX_RECORD_BYTES)
    predicted = predict_batch(decoded, lambda values: [("pos", 0.5)] * len(values))
    return predicted.records, decoded.rejections + predicted.rejections


def test_every_hostile_line_is_a_record_or_a_rejection() -> None:
    random_ = random.Random(20_261_124)
    reasons: set[Reason] = set()
    records = rejections = 0
    peak = 0
    with an_end_after(120):
        for first in range(0, LINES, 1_000):
            lines = [hostile_line(random_, number) for number in range(first, first + 1_000)]
            data = b"\n".join(lines) + b"\n"
            batches = list(cut_batches([data], max_records=100, max_bytes=MAX_BATCH_BYTES))
            assert sum(batch.records for batch in batches) == 1_000
            outcomes: dict[int, Record | Rejection] = {}
            for batch in batches:
                content = data[batch.offset : batch.offset + batch.length]
                tracemalloc.start()
                scored, rejected = decode(content, batch)
                peak = max(peak, tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()
                outcomes |= {record.line: record for record in scored}
                outcomes |= {rejection.line: rejection for rejection in rejected}
                assert len(scored) + len(rejected) == batch.records
                assert len({record.record_id for record in scored}) == len(scored)
            assert sorted(outcomes) == list(range(1, 1_001))
            for number, outcome in outcomes.items():
                assert data[outcome.offset :].startswith(lines[number - 1])
                if isinstance(outcome, Record):
                    check_record(outcome)
                    records += 1
                else:
                    assert MARKER not in outcome.detail
                    assert len(outcome.detail) < 200
                    reasons.add(outcome.reason)
                    rejections += 1

    assert records + rejections == LINES
    assert records > 1_000
    # Memory depends on the batch, which has at most 256 KiB, and not on what a line pretends to be.
    assert peak < 16 * MAX_BATCH_BYTES
    # The lines are as hostile as they should be.
    assert reasons == {
        Reason.NOT_JSON, Reason.NOT_AN_OBJECT, Reason.MISSING_ID, Reason.INVALID_ID, Reason.MISSING_FIELD,
        Reason.WRONG_TYPE, Reason.EMPTY_TEXT, Reason.DUPLICATE_ID, Reason.TOO_LARGE,
    }  # fmt: skip


def check_record(record: Record) -> None:
    text, stars, language = record.values
    assert 0 < len(record.record_id.encode()) <= MAX_ID_BYTES
    assert isinstance(text, str)
    assert text.strip()
    assert isinstance(stars, float)
    assert math.isfinite(stars)
    assert isinstance(language, str)
    "".join([record.record_id, text, language]).encode()  # fails for a lone surrogate, which no store takes
