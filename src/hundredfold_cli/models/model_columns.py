"""What a fitted model says of the columns that it reads: their number, names, types and missing values."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hundredfold.model.signature import FieldType, Missing

_TEXT_MODULE = "sklearn.feature_extraction.text"
_BOOSTERS_OWN_NAME = "Column_"
"""LightGBM calls the columns of an array `Column_0`, `Column_1`, …"""


@dataclass(frozen=True, slots=True)
class ModelColumn:
    """What a model says of one column.

    Attributes
    ----------
    type : None if it does not say
    values : values that its encoder was fitted on, without missing ones
    missing : how a missing value looked at fit; None if there was none, or the model does not say
    allows_nan : whether the first estimator that gets the column says that it takes NaN
    """

    type: FieldType | None = None
    values: tuple[Any, ...] = ()
    missing: Missing | None = None
    allows_nan: bool = False


@dataclass(frozen=True, slots=True)
class ModelColumns:
    """What a model says of its columns.

    Attributes
    ----------
    names : None if it was not fitted on a DataFrame
    count : None if it does not say
    by_position : what it says of some columns
    is_text : whether it takes a list of texts
    by_name : whether it selects columns by their names, so that it needs a DataFrame
    """

    names: tuple[str, ...] | None = None
    count: int | None = None
    by_position: dict[int, ModelColumn] = field(default_factory=dict)
    is_text: bool = False
    by_name: bool = False

    def column(self, position: int) -> ModelColumn:
        """Return what the model says of a column; nothing if it says nothing."""
        return self.by_position.get(position, ModelColumn())


def columns_of(model: Any) -> ModelColumns:
    """Return what a fitted model says of its columns."""
    first = _first_step(model)
    if _is_vectorizer(first):
        return ModelColumns(is_text=True)
    names = _names(model) or _names(first)
    count = len(names) if names else _count(model) or _count(first)
    by_position: dict[int, ModelColumn] = {}
    by_name = False
    if count:
        by_position, by_name = _described(first, names, list(range(count)))
    return ModelColumns(names, count, by_position, by_name=by_name)


def estimators(model: Any) -> Iterator[Any]:
    """Yield a model and all estimators that are steps of it."""
    yield model
    for _, step in getattr(model, "steps", ()):
        yield from estimators(step)
    for _, step, *_ in getattr(model, "transformers_", ()):
        yield from estimators(step)
    for _, step in getattr(model, "transformer_list", ()):
        yield from estimators(step)


def _described(
    estimator: Any, names: tuple[str, ...] | None, positions: Sequence[int]
) -> tuple[dict[int, ModelColumn], bool]:
    """Describe the columns at some positions by the estimator that gets them. Also tell whether it wants their names.

    An encoder knows the values. Of anything else only its tags speak.
    """
    first = _first_step(estimator)
    # HistGradientBoosting has a ColumnTransformer of its own for categories.
    chooser = getattr(first, "_preprocessor", None) or first
    if not hasattr(chooser, "transformers_"):
        return dict(zip(positions, _by_estimator(estimator, first, len(positions)), strict=True)), False
    described: dict[int, ModelColumn] = {}
    by_name = False
    allows_nan = chooser is not first and _allows_nan(first)
    for _, step, selected in chooser.transformers_:
        chosen, named = _positions(selected, names, len(positions))
        by_name = by_name or named
        if step == "drop":
            continue
        if step == "passthrough":
            described |= dict.fromkeys((positions[place] for place in chosen), ModelColumn(FieldType.NUMBER))
        elif isinstance(selected, str) or _is_vectorizer(_first_step(step)):
            described |= dict.fromkeys((positions[place] for place in chosen), ModelColumn(FieldType.TEXT))
        else:
            inner, inner_by_name = _described(step, names, [positions[place] for place in chosen])
            described |= inner
            by_name = by_name or inner_by_name
    if allows_nan:
        described = {position: replace(column, allows_nan=True) for position, column in described.items()}
    return described, by_name


def _by_estimator(estimator: Any, first: Any, count: int) -> list[ModelColumn]:
    allows = _allows_nan(first)
    encoder = next((step for step in estimators(estimator) if _encodes(step, count)), None)
    if encoder is None:
        return [ModelColumn(None, allows_nan=allows)] * count
    return [_of_categories(categories, allows_nan=allows) for categories in encoder.categories_]


def _encodes(step: Any, count: int) -> bool:
    categories = getattr(step, "categories_", None)
    return isinstance(categories, list) and len(categories) == count


def _of_categories(categories: Iterable[Any], *, allows_nan: bool) -> ModelColumn:
    values = [value.item() if hasattr(value, "item") else value for value in categories]
    present = tuple(value for value in values if not _is_missing(value))
    missing = None
    if len(present) < len(values):
        missing = Missing.NONE if None in values else Missing.NAN
    numeric = all(isinstance(value, int | float) for value in present)
    return ModelColumn(FieldType.NUMBER if numeric and present else FieldType.CATEGORY, present, missing, allows_nan)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _positions(selected: Any, names: tuple[str, ...] | None, count: int) -> tuple[list[int], bool]:
    """Return the positions that a ColumnTransformer's selection means, and whether it selects by name."""
    if isinstance(selected, str):
        return [names.index(selected)] if names else [], True
    if isinstance(selected, int):
        return [selected % count], False
    if isinstance(selected, slice):
        by_name = isinstance(selected.start, str) or isinstance(selected.stop, str)
        if not by_name:
            return list(range(count))[selected], False
        known = list(names or ())
        start = known.index(selected.start) if selected.start is not None else 0
        stop = known.index(selected.stop) + 1 if selected.stop is not None else count
        return list(range(start, stop)), True
    items = [item.item() if hasattr(item, "item") else item for item in selected]
    if items and all(isinstance(item, bool) for item in items):
        return [position for position, chosen in enumerate(items) if chosen], False
    if any(isinstance(item, str) for item in items):
        return [names.index(item) for item in items] if names else [], True
    return [int(item) % count for item in items], False


def _first_step(model: Any) -> Any:
    steps = getattr(model, "steps", None)
    if not steps:
        return model
    return next((_first_step(step) for _, step in steps if step is not None and step != "passthrough"), model)


def _is_vectorizer(estimator: Any) -> bool:
    parts = getattr(estimator, "transformer_list", None)
    if parts:
        return all(_is_vectorizer(_first_step(part)) for _, part in parts)
    return any(kind.__module__ == _TEXT_MODULE for kind in type(estimator).__mro__)


def _names(model: Any) -> tuple[str, ...] | None:
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        return None
    listed = tuple(str(name) for name in names)
    own = all(name == f"{_BOOSTERS_OWN_NAME}{number}" for number, name in enumerate(listed))
    return None if own else listed


def _count(model: Any) -> int | None:
    count: Any = getattr(model, "n_features_in_", None)
    return None if count is None else int(count)


def _allows_nan(estimator: Any) -> bool:
    from sklearn.utils import get_tags

    try:
        return bool(get_tags(estimator).input_tags.allow_nan)
    except (AttributeError, TypeError):  # not an estimator of scikit-learn's kind
        return False
