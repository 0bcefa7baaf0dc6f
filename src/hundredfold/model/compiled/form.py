"""The file of a compiled model. It has the safetensors format, so any reader of that format opens it.

The file is the length of a header (8 bytes, little-endian), the header (JSON: type, shape and place of each array) and
the arrays' bytes. The array `steps` is JSON text: the tree of steps. In it, `{"array": "3"}` stands for the array 3.
https://huggingface.co/docs/safetensors/en/index#format
"""

import json
import math
import struct
import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from hundredfold.errors import BundleRefusedError

SUFFIX = ".safetensors"
"""Files with this suffix are compiled models."""

FORMAT, VERSION = "hundredfold-compiled", "1"

_TYPES = {"F64": "d", "I64": "q", "I32": "i", "U8": "B"}
_NAMES = {code: name for name, code in _TYPES.items()}
_STEPS = "steps"
_LENGTH = struct.Struct("<Q")
_MOST_HEADER_BYTES = 100_000_000  # as in the reference implementation


@dataclass(frozen=True, slots=True)
class Array:
    """Numbers of one type in C order, and their shape."""

    shape: tuple[int, ...]
    values: "array[Any]"

    def rows(self) -> list[list[Any]]:
        """Return a matrix as lists, one for each row."""
        height, width = self.shape
        values = self.values.tolist()
        return [values[row * width : (row + 1) * width] for row in range(height)]


@dataclass(frozen=True, slots=True)
class Form:
    """A compiled model: a tree of numbers, strings, lists and arrays.

    Attributes
    ----------
    model : the steps of the model. Each step is a mapping with its `kind`
    """

    model: Mapping[str, Any]

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read the file of a compiled model. Raise BundleRefusedError, which names the fault, if it cannot be read."""
        try:
            (length,) = _LENGTH.unpack_from(content)
            if length > min(_MOST_HEADER_BYTES, len(content) - _LENGTH.size):
                raise ValueError("its header is longer than the file")
            start = _LENGTH.size + length
            header = json.loads(content[_LENGTH.size : start])
            about = header.pop("__metadata__")
            if (about["format"], about["version"]) != (FORMAT, VERSION):
                raise ValueError(f"it is {about['format']} {about['version']}, and {FORMAT} {VERSION} can be read here")
            arrays = {name: _read(entry, memoryview(content)[start:]) for name, entry in header.items()}
            model = _with_arrays(json.loads(arrays.pop(_STEPS).values.tobytes()), arrays)
        except (AttributeError, KeyError, TypeError, ValueError, struct.error, RecursionError) as error:
            raise BundleRefusedError(f"the compiled model cannot be read: {error!r}; package it again") from error
        return cls(model)

    def to_bytes(self) -> bytes:
        """Write the file. The same form always gives the same bytes."""
        arrays: dict[str, Array] = {}
        text = json.dumps(_without_arrays(self.model, arrays), separators=(",", ":"), allow_nan=False).encode()
        text += b" " * (-len(text) % 8)
        arrays[_STEPS] = Array((len(text),), array("B", text))
        header: dict[str, Any] = {"__metadata__": {"format": FORMAT, "version": VERSION}}
        content = bytearray()
        # The widest types come first, so that every array starts at a multiple of its items' size.
        for name, numbers in sorted(arrays.items(), key=lambda item: -item[1].values.itemsize):
            begin = len(content)
            content += _little_endian(numbers.values).tobytes()
            header[name] = {
                "dtype": _NAMES[numbers.values.typecode],
                "shape": list(numbers.shape),
                "data_offsets": [begin, len(content)],
            }
        encoded = json.dumps(header, separators=(",", ":")).encode()
        encoded += b" " * (-len(encoded) % 8)
        return _LENGTH.pack(len(encoded)) + encoded + bytes(content)


def _read(entry: Mapping[str, Any], content: memoryview) -> Array:
    shape = tuple(int(length) for length in entry["shape"])
    begin, end = entry["data_offsets"]
    values = array(_TYPES[entry["dtype"]])
    if not 0 <= begin <= end <= len(content) or any(length < 0 for length in shape):
        raise ValueError("an array is outside the file")
    if math.prod(shape) * values.itemsize != end - begin:
        raise ValueError("an array has another size than its shape")
    values.frombytes(content[begin:end])
    return Array(shape, _little_endian(values))


def _little_endian(values: "array[Any]") -> "array[Any]":
    if sys.byteorder == "big":
        values = array(values.typecode, values)
        values.byteswap()
    return values


def _without_arrays(tree: Any, arrays: dict[str, Array]) -> Any:
    match tree:
        case Array():
            name = str(len(arrays))
            arrays[name] = tree
            return {"array": name}
        case Mapping():
            return {key: _without_arrays(value, arrays) for key, value in tree.items()}
        case list() | tuple():
            return [_without_arrays(value, arrays) for value in tree]
        case _:
            return tree


def _with_arrays(tree: Any, arrays: Mapping[str, Array]) -> Any:
    if isinstance(tree, dict):
        if tree.keys() == {"array"}:
            return arrays[tree["array"]]
        return {key: _with_arrays(value, arrays) for key, value in tree.items()}
    if isinstance(tree, list) and tree and not isinstance(tree[0], str):
        return [_with_arrays(value, arrays) for value in tree]
    return tree
