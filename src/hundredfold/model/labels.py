"""Labels: a model's classes, as they are stored. Classes that could not be stored, or not told apart, are refused.

Integers stay integers, and true and false stay what they are. Whole floats, as 1.0, are integers, because nobody means
another class by 1.0 than by 1. Everything else is text: other floats as Python writes them, None as `None`, and all
classes of a model whose classes have several types.
"""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from hundredfold.errors import BundleRefusedError
from hundredfold.model.card import Card
from hundredfold.records import ClassLabel

MAX_LABEL_BYTES = 1024
"""The longest label, in UTF-8. It is the limit of an id, too: both stand in every item and every exported row."""
MAX_ANSWER_BYTES = 200_000
"""The most that the longest labels of all outputs may take together, with the outputs' names.

DynamoDB takes 400 KB for an item; half of that leaves room for the id and the rest.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html (2026-11)"""

_MAX_INTEGER = 2**63
"""An integer of this magnitude or more is stored as text: Parquet and most databases take none."""
_ANSWER_OVERHEAD_BYTES = 40
"""What DynamoDB counts for an output beside its name and label: `label`, `score`, the score, and the map."""
_SHOWN_CHARACTERS = 40


class UnfitLabelError(ValueError):
    """The model answered a record with a label that is not one of its classes, or that cannot be stored."""


type Classes = tuple[ClassLabel, ...]


def classes_of(model: Any) -> Classes | list[Classes] | None:
    """Return a model's classes as labels, in the order of its probabilities; for several outputs, a list of them.

    Return None for a model without classes: a regressor, a clusterer, an outlier detector.
    """
    classes = getattr(model, "classes_", None)
    if classes is None:
        return None
    if isinstance(classes, list | tuple):
        return [_labels(list(output_classes)) for output_classes in classes]
    return _labels(list(classes))


def are_classes(labels: Sequence[ClassLabel], model_classes: Sequence[ClassLabel]) -> bool:
    """Tell whether labels on a card are a model's classes.

    Cards of before had all classes as texts. A model with such a card answers with texts, as when it was released.
    """
    if any(isinstance(label, str) for label in labels):
        return tuple(map(_loose_text, labels)) == tuple(map(_loose_text, model_classes))
    return [(type(label), label) for label in labels] == [(type(label), label) for label in model_classes]


def _loose_text(label: ClassLabel) -> str:
    text = str(label)
    return text.removesuffix(".0")


def _labels(classes: Sequence[Any]) -> Classes:
    plain = [_as_python(value) for value in classes]
    if all(isinstance(value, bool) for value in plain):
        return tuple(plain)
    if all(_is_whole(value) for value in plain):
        return tuple(int(value) for value in plain)
    return tuple(str(value) for value in classes)


def _as_python(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _is_whole(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return (isinstance(value, int) or value.is_integer()) and abs(value) < _MAX_INTEGER


def check_labels(card: Card, model: Any) -> None:
    """Check that every class of a model has a label of its own, and that its answers can be stored.

    Raises
    ------
    BundleRefusedError
        If two classes are written the same, such as the number 1 and the text "1"; if a label is blank, has half a
        surrogate pair, or is longer than MAX_LABEL_BYTES; or if outputs have the same name, or are too many.
    """
    classes = getattr(model, "classes_", None)
    for output_classes in classes if isinstance(classes, list | tuple) else [() if classes is None else classes]:
        _check_distinct(list(output_classes))
    names = [output.name for output in card.outputs]
    if len(set(names)) != len(names) or not all(name.strip() for name in names):
        raise BundleRefusedError(f"the outputs are named {', '.join(map(repr, names))}: each needs a name of its own")
    for label in (*card.classes, *(label for output in card.outputs for label in output.classes)):
        if not isinstance(label, str):
            continue
        if fault := _fault(label):
            raise BundleRefusedError(
                f"the class {_shown(label)} {fault}: train the model with another name for it, "
                "and keep long texts in a table of your own"
            )
    size = sum(
        _size(output.name) + max((_size(str(label)) for label in output.classes), default=0) + _ANSWER_OVERHEAD_BYTES
        for output in card.outputs
    )
    if size > MAX_ANSWER_BYTES:
        raise BundleRefusedError(
            f"an answer of the {len(card.outputs)} outputs takes up to {size:,} bytes, and {MAX_ANSWER_BYTES:,} can be "
            "stored: give outputs and classes shorter names, or divide them among several models"
        )


def read_label(value: Any, classes: Mapping[ClassLabel, int]) -> ClassLabel:
    """Return a predicted value as one of `classes`. Some models predict 1.0 for their class 1.

    Raises
    ------
    UnfitLabelError
        If it is none of them. The message does not quote it.
    """
    if isinstance(next(iter(classes), ""), str):
        return _read_text(value, classes)
    label = _as_python(value)
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    # To Python, 1 and True are one key. What is returned is the class, and not what was looked up.
    column = classes.get(label) if isinstance(label, int) else None
    if column is None:
        raise UnfitLabelError("a predicted label is not one of the model's classes")
    return label if type(label) is type(next(iter(classes))) else list(classes)[column]


def _read_text(value: Any, classes: Container[ClassLabel]) -> str:
    label = str(value)
    if label in classes:
        return label
    is_integer = getattr(value, "is_integer", None)
    if is_integer and is_integer() and str(int(value)) in classes:
        return str(int(value))
    raise UnfitLabelError("a predicted label is not one of the model's classes")


def read_free_label(value: Any, *, as_text: bool = False) -> ClassLabel:
    """Return what a model without classes predicted, such as the number of a cluster, as a label.

    Parameters
    ----------
    as_text : whether numbers become text too

    Raises
    ------
    UnfitLabelError
        If it cannot be stored: it is blank, or longer than MAX_LABEL_BYTES. The message does not quote it.
    """
    plain = _as_python(value)
    if not as_text and (isinstance(plain, bool) or _is_whole(plain)):
        return plain if isinstance(plain, bool) else int(plain)
    label = str(value)
    if fault := _fault(label):
        raise UnfitLabelError(f"a predicted label {fault}")
    return label


def _check_distinct(classes: Sequence[Any]) -> None:
    first: dict[str, Any] = {}
    for value in classes:
        label = str(value)
        if label in first:
            raise BundleRefusedError(
                f"the model's classes {_plain(first[label])} and {_plain(value)} would both be stored as the label "
                f"{_shown(label)}, so nobody could tell them apart: train the model with another name for one of them"
            )
        first[label] = value


def _fault(label: str) -> str:
    """Return what is wrong with a label, in words; empty if nothing is."""
    if not label.strip():
        return "is blank, so it looks like no label in an export"
    try:
        size = _size(label)
    except UnicodeEncodeError:
        return "has half a surrogate pair, which no UTF-8 text can have"
    return f"has {size:,} bytes, and a label may have {MAX_LABEL_BYTES:,}" if size > MAX_LABEL_BYTES else ""


def _size(text: str) -> int:
    return len(text.encode())


def _plain(value: Any) -> str:
    """Show a class with its type: `1 (int)`. numpy's own types are shown as Python's."""
    value = value.item() if hasattr(value, "item") else value
    return f"{_shown(value)} ({type(value).__name__})"


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
