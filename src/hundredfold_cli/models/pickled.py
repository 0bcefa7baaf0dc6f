"""What is in a model file: the names that it imports, and the scikit-learn that saved it. Nothing is unpickled.

The opcodes of the pickle are walked with `pickletools`, as its `dis` does. A joblib file has the bytes of numpy arrays
between the opcodes, each behind a `NumpyArrayWrapper` that says how many there are. They are skipped.
"""

import json
import math
import pickletools
import re
import zipfile
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from hundredfold_cli.models.compression import decompress

_ARRAY_WRAPPER = ("joblib.numpy_pickle", "NumpyArrayWrapper")
_ITEM_SIZE = re.compile(r"([a-zA-Z])(\d+)$")
_UNICODE_BYTES = 4
_VERSION = "_sklearn_version"
"""scikit-learn writes it into the state of every estimator (`BaseEstimator.__getstate__`)."""

_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_CALLS = {"REDUCE", "NEWOBJ", "NEWOBJ_EX"}
_MEMO_PUTS = {"PUT", "BINPUT", "LONG_BINPUT"}
_MEMO_GETS = {"GET", "BINGET", "LONG_BINGET"}


@dataclass(frozen=True, slots=True)
class ModelFile:
    """What is in a model file.

    Attributes
    ----------
    names : module and name of each class and function that opening the file imports
    scikit_learn : the version that saved the first estimator in it; None if the file does not say
    """

    names: frozenset[tuple[str, str]] = frozenset()
    scikit_learn: str | None = None

    @property
    def modules(self) -> frozenset[str]:
        """The first part of each module's name: `sklearn`, `lightgbm`, `__main__`."""
        return frozenset(module.partition(".")[0] for module, _ in self.names)


def read_model_file(content: bytes) -> ModelFile:
    """Read what is in a joblib, pickle or skops file. What is damaged, or compressed with lz4, tells less."""
    if content.startswith(b"PK\x03\x04"):
        return _read_skops(content)
    walk = _Walk(BytesIO(decompress(content)))
    walk.run()
    return ModelFile(frozenset(walk.names), walk.version)


def _read_skops(content: bytes) -> ModelFile:
    names: set[tuple[str, str]] = set()
    versions: list[str] = []

    def visit(node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                visit(item)
        elif isinstance(node, dict):
            if isinstance(node.get("__module__"), str):
                names.add((node["__module__"], str(node.get("__class__", ""))))
            saved = node.get(_VERSION)
            if isinstance(saved, dict) and isinstance(saved.get("content"), str):
                versions.append(str(json.loads(saved["content"])))
            for item in node.values():
                visit(item)

    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            visit(json.loads(archive.read("schema.json")))
    except (KeyError, ValueError, RecursionError, zipfile.BadZipFile):
        return ModelFile()
    return ModelFile(frozenset(names), versions[0] if versions else None)


@dataclass(slots=True)
class _Object:
    """An object that a pickle would make: what is called with what, and the state that it gets."""

    made_by: Any = None
    arguments: Any = ()
    state: Any = None


_MARK = object()
_UNKNOWN = object()


@dataclass(slots=True)
class _Walk:
    """A walk over a pickle's opcodes with a stack of what is known of each value."""

    file: BytesIO
    names: set[tuple[str, str]] = field(default_factory=set)
    version: str | None = None

    def run(self) -> None:
        """Walk one pickle, up to its end or to what cannot be read."""
        stack: list[Any] = []
        memo: dict[int, Any] = {}
        try:
            for opcode, argument, _ in pickletools.genops(self.file):
                self._step(opcode, argument, stack, memo)
        except (ValueError, IndexError, KeyError, TypeError, RecursionError):
            return

    def _step(self, opcode: Any, argument: Any, stack: list[Any], memo: dict[int, Any]) -> None:
        name = opcode.name
        if name in _MEMO_GETS:
            stack.append(memo[int(argument)])
        elif name == "MEMOIZE" or name in _MEMO_PUTS:
            memo[len(memo) if argument is None else int(argument)] = stack[-1]
        elif name in {"GLOBAL", "STACK_GLOBAL"}:
            module, attribute = str(argument).split(" ", 1) if argument else (stack.pop(-2), stack.pop())
            stack.append(self._imported(module, attribute))
        elif name in _CALLS:
            popped = [stack.pop() for _ in opcode.stack_before]
            stack.append(_Object(popped[-1], popped[-2]))
        elif name == "BUILD":
            state = stack.pop()
            if isinstance(stack[-1], _Object):
                stack[-1].state = state
                self._skip_array(stack[-1])
        elif name in _TUPLES or name == "TUPLE":
            count = _TUPLES.get(name)
            values = _pop_to_mark(stack) if count is None else [stack.pop() for _ in range(count)][::-1]
            stack.append(tuple(values))
        else:
            self._fill(opcode, argument, stack)

    def _fill(self, opcode: Any, argument: Any, stack: list[Any]) -> None:
        """Make a dictionary or add to one, or do what any other opcode does."""
        match opcode.name:
            case "EMPTY_DICT":
                stack.append({})
            case "DICT":
                stack.append(self._filled({}, _pop_to_mark(stack)))
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                self._filled(stack[-1], [key, value])
            case "SETITEMS":
                items = _pop_to_mark(stack)
                self._filled(stack[-1], items)
            case _:
                _move(opcode, argument, stack)

    def _imported(self, module: Any, name: Any) -> Any:
        if not (isinstance(module, str) and isinstance(name, str)):
            return _UNKNOWN
        self.names.add((module, name))
        return (module, name)

    def _filled(self, target: Any, items: list[Any]) -> Any:
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str):
                continue
            if isinstance(target, dict):
                target[key] = value
            if key == _VERSION and isinstance(value, str) and self.version is None:
                self.version = value
        return target

    def _skip_array(self, wrapper: _Object) -> None:
        """Go past the bytes of an array, as joblib's `NumpyArrayWrapper.read_array` does."""
        if wrapper.made_by != _ARRAY_WRAPPER:
            return
        state = wrapper.state
        item = _ITEM_SIZE.search(str(state["dtype"].arguments[0]))
        if item is None:
            raise ValueError("an array of an unknown type")
        kind, size = item[1], int(item[2]) * (_UNICODE_BYTES if item[1] == "U" else 1)
        if kind == "O":
            self.run()  # a pickle of its own
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            self.file.read(self.file.read(1)[0])
        self.file.seek(math.prod(state["shape"]) * size, 1)


def _pop_to_mark(stack: list[Any]) -> list[Any]:
    values: list[Any] = []
    while (value := stack.pop()) is not _MARK:
        values.append(value)
    return values[::-1]


def _move(opcode: Any, argument: Any, stack: list[Any]) -> None:
    """Do to the stack what any other opcode does, by the table of `pickletools`."""
    before, after = opcode.stack_before, opcode.stack_after
    if pickletools.markobject in before:
        _pop_to_mark(stack)
        before = before[: before.index(pickletools.markobject)]
    popped = [stack.pop() for _ in before]
    for kind in after:
        if kind is pickletools.markobject:
            stack.append(_MARK)
        elif not before:
            constants = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
            stack.append(constants.get(opcode.name, _UNKNOWN if argument is None else argument))
        else:
            # APPEND and the like leave the object that they change.
            stack.append(popped[-1])
