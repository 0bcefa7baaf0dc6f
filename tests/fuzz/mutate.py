"""Makes hostile input of good input: bytes that are cut, flipped, doubled or mixed, and JSON with odd values in it."""

import copy
import json
import random
from collections.abc import Callable
from typing import Any, Final

ODD_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 7, 10**30, 1.5, "", " ", "x", "live", "\x00", "é" * 600, "../..", [], {}, [[]], {"": ""},
    {"id": 7}, "x" * 70_000, "\ud800", "\ufeff", [None], {"S": 1}, {"N": "NaN"}, {"N": "1e999"}, {"B": "?"},
    {"M": {"a": {"L": [{}]}}}, {"NS": []}, {"BOOL": "true"}, {"S": "a", "N": "1"},
)  # fmt: skip
"""Values that take the place of a value in JSON."""


def mutated_bytes(chance: random.Random, content: bytes) -> bytes:
    """Return bytes that were altered one to four times."""
    for _ in range(chance.choice([1, 1, 2, 4])):
        content = chance.choice(_ALTERATIONS)(chance, content)
    return content


def mutated_json(chance: random.Random, content: bytes) -> bytes:
    """Return JSON in which one to three values are others, are gone, or stand elsewhere."""
    tree = json.loads(content)
    for _ in range(chance.choice([1, 1, 2, 3])):
        tree = _alter_tree(chance, copy.deepcopy(tree))
    return json.dumps(tree).encode()


def _place(chance: random.Random, content: bytes) -> int:
    return chance.randrange(len(content) + 1)


def _cut(chance: random.Random, content: bytes) -> bytes:
    return content[: _place(chance, content)]


def _flip(chance: random.Random, content: bytes) -> bytes:
    if not content:
        return b"\xff"
    altered = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        altered[chance.randrange(len(altered))] ^= 1 << chance.randrange(8)
    return bytes(altered)


def _insert(chance: random.Random, content: bytes) -> bytes:
    place = _place(chance, content)
    pieces = [
        b"\x00",
        b"\xff\xfe",
        b'"',
        b"\n",
        b"\r\n",
        b",",
        b"{",
        b"]",
        b"\xef\xbb\xbf",
        chance.randbytes(9),
        b"9" * 5_000,
    ]
    return content[:place] + chance.choice(pieces) + content[place:]


def _double(chance: random.Random, content: bytes) -> bytes:
    first, second = sorted((_place(chance, content), _place(chance, content)))
    return content[:second] + content[first:]


def _repeat(chance: random.Random, content: bytes) -> bytes:
    return content * chance.randint(2, 3)


def _remove(chance: random.Random, content: bytes) -> bytes:
    first, second = sorted((_place(chance, content), _place(chance, content)))
    return content[:first] + content[second:]


def _lie(chance: random.Random, content: bytes) -> bytes:
    """Write another number of four bytes: in formats with headers, some of them are sizes."""
    place = _place(chance, content)
    number = chance.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, chance.getrandbits(32)])
    return content[:place] + number.to_bytes(4, chance.choice(["big", "little"])) + content[place + 4 :]


_ALTERATIONS: Final[tuple[Callable[[random.Random, bytes], bytes], ...]] = (
    _cut, _flip, _flip, _insert, _insert, _double, _repeat, _remove, _lie,
)  # fmt: skip


def _alter_tree(chance: random.Random, tree: Any) -> Any:
    if chance.random() < 0.1 or not isinstance(tree, dict | list) or not tree:
        return copy.deepcopy(chance.choice(ODD_VALUES))
    keys: list[Any] = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    key = chance.choice(keys)
    if chance.random() < 0.15:
        del tree[key]
    elif chance.random() < 0.1 and isinstance(tree, dict):
        tree[chance.choice(["", "id", "resume", "source", "x"])] = tree.pop(key)
    else:
        tree[key] = _alter_tree(chance, tree[key])
    return tree
