"""Model files that are the same bytes after the same training. What differs without reason is set to zero.

scikit-learn's text vectorizers save `_stop_words_id`, the address in memory of their list of stop words: it tells them
whether they have checked that list (`sklearn/feature_extraction/text.py`). It is another one in each process, and
after loading it belongs to nothing.
"""

import bz2
import gc
import gzip
import lzma
import pickle
import re
import zlib
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from hundredfold_cli.models.compression import decompress

_ATTRIBUTE = "_stop_words_id"
_LEVEL = 3
"""joblib's own level for `compress=True`."""

_COMPRESSIONS: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", lambda content: gzip.compress(content, _LEVEL, mtime=0)),
    (b"BZh", lambda content: bz2.compress(content, _LEVEL)),
    (b"\xfd7zXZ", lambda content: lzma.compress(content, lzma.FORMAT_XZ)),
    (b"\x5d\x00\x00", lambda content: lzma.compress(content, lzma.FORMAT_ALONE)),
    (b"\x78", lambda content: zlib.compress(content, _LEVEL)),
)
# What stands before the value in a pickle: the name, memoized or not, or a reference to it.
_NAME = rb"(_stop_words_id(?:\x94|q.|r.{4})?|h.|j.{4})"


def reproducible(content: bytes, model: Any) -> bytes:
    """Return a joblib file with zeros in place of what differs from one saving to the next.

    Its length stays the same, unless it is compressed. It is loaded as the same model.

    Parameters
    ----------
    content : the file. One that is no pickle, such as a `.skops` file, is returned as it is.
    model : what was loaded from it. The addresses in it are looked for in the file.
    """
    plain = decompress(content)
    cleared = plain
    for address in {vars(item)[_ATTRIBUTE] for item in _vectorizers(model)}:
        cleared = _clear(cleared, address)
    if cleared == plain:
        return content
    for magic, compress in _COMPRESSIONS:
        if content.startswith(magic):
            return compress(cleared)
    return cleared


def _clear(content: bytes, number: int) -> bytes:
    """Replace a number that is saved as the attribute by one that is 0, in as many bytes."""
    saved = pickle.dumps(number, protocol=2)[2:-1]  # without the protocol and the stop
    match saved[:1]:
        case pickle.LONG1:
            zero = saved[:2] + bytes(len(saved) - 2)
        case pickle.BININT:
            zero = saved[:1] + bytes(len(saved) - 1)
        case _:
            return content  # it is small, so it is no address
    return re.sub(_NAME + re.escape(saved), lambda match: match[1] + zero, content, flags=re.DOTALL)


def _vectorizers(model: Any) -> Iterator[Any]:
    """Find every object in a model that has the attribute, however deep it is."""
    import numpy as np

    visited: set[int] = set()
    left = [model]
    while left:
        item = left.pop()
        if id(item) in visited or isinstance(item, str | bytes | int | float | type | FunctionType | ModuleType):
            continue
        visited.add(id(item))
        if isinstance(item, np.ndarray):  # numpy does not show the garbage collector what is in it
            left += item.flat if item.dtype.hasobject else ()
            continue
        if isinstance(getattr(item, "__dict__", {}).get(_ATTRIBUTE), int):
            yield item
        left += gc.get_referents(item)
