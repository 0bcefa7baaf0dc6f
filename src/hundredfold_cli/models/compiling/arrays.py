"""NumPy's arrays as those of a form."""

from array import array
from typing import Any

import numpy as np

from hundredfold.model.compiled.form import Array
from hundredfold_cli.models.compiling.errors import NotCompiledError

_CODES = {"f": ("d", np.float64), "i": ("q", np.int64), "u": ("q", np.int64), "b": ("B", np.uint8)}


def numbers(values: Any) -> Array:
    """Return numbers as an array of a form: floats in double precision, integers in 64 bits, flags as bytes.

    Raises
    ------
    NotCompiledError
        If they are no real numbers.
    """
    source = np.asarray(values.toarray() if hasattr(values, "toarray") else values)
    if source.dtype.kind not in _CODES:
        raise NotCompiledError(f"its numbers have the type {source.dtype}")
    code, kind = _CODES[source.dtype.kind]
    return Array(source.shape, array(code, np.ascontiguousarray(source, dtype=kind).tobytes()))
