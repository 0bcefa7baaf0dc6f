"""Records derived from a compiled model, for the gate: its vocabulary, its categories, its ranges, and edge cases."""

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hundredfold.model.compiled.form import Form
from hundredfold.model.signature import FieldType, Signature
from hundredfold_cli.models.compiling import edges

type Values = tuple[Any, ...]

_SEED = 20260101
_MOST_WORDS = 40
_FIELDS_WITH_EDGES = 20  # a record that is refused costs many calls, and these are refused often


@dataclass(slots=True)
class _Known:
    """What a form knows of each field.

    Attributes
    ----------
    terms : of texts, by the position of the field
    categories : by the position of the field
    points : numbers at which an answer may change, or that show the range, by the position of the field
    """

    terms: dict[int, list[str]] = field(default_factory=dict)
    categories: dict[int, list[Any]] = field(default_factory=dict)
    points: dict[int, list[float]] = field(default_factory=dict)


def derived_records(form: Form, signature: Signature, examples: Sequence[Values], count: int) -> list[Values]:
    """Return records that a compiled model should answer as scikit-learn does. The same form gives the same records.

    The first ones are edge cases: one field of a typical record is empty, unknown, far out of range, NaN or infinite.
    The rest are typical: every term, category and point of the form stands in at least one of them, if `count` allows.

    Parameters
    ----------
    examples : values of real records, in the signature's order; there may be none
    count : the number of typical records
    """
    chance = random.Random(_SEED)  # noqa: S311 - the same records each time
    known = _Known()
    positions = list(range(len(signature.fields)))
    _read(form.model["steps"], positions, known)
    draws = [_values(kind.type, position, known, examples, chance) for position, kind in enumerate(signature.fields)]
    typical = [tuple([next(draw) for draw in draws]) for _ in range(count)]
    unusual = []
    for position, kind in list(enumerate(signature.fields))[:_FIELDS_WITH_EDGES]:
        for number, value in enumerate(_edges(kind.type)):
            base = typical[(position + number * 7) % len(typical)]
            unusual.append((*base[:position], value, *base[position + 1 :]))
    return unusual + typical


def _edges(kind: FieldType) -> tuple[Any, ...]:
    return {
        FieldType.TEXT: edges.TEXTS,
        FieldType.NUMBER: edges.NUMBERS,
        FieldType.CATEGORY: edges.CATEGORIES,
    }[kind]


def _values(
    kind: FieldType, position: int, known: _Known, examples: Sequence[Values], chance: random.Random
) -> Iterator[Any]:
    real = [example[position] for example in examples]
    if kind is FieldType.NUMBER:
        return _numbers(known.points.get(position, []) + known.categories.get(position, []) + real, chance)
    if position in known.categories:
        return _cycle([*known.categories[position], *real], chance)
    return _texts(known.terms.get(position, []), [str(text) for text in real], chance)


def _cycle(values: Sequence[Any], chance: random.Random) -> Iterator[Any]:
    """Yield every value before one comes again, in another order each time."""
    order = list(dict.fromkeys(values))
    while True:
        chance.shuffle(order)
        yield from order


def _numbers(points: Sequence[float], chance: random.Random) -> Iterator[float]:
    finite = [float(point) for point in points if math.isfinite(point)] or [-10.0, 10.0]
    near = [
        step for point in finite for step in (point, math.nextafter(point, -math.inf), math.nextafter(point, math.inf))
    ]
    exact = _cycle(near, chance)
    least, most = min(finite), max(finite)
    spare = (most - least or abs(least) or 1.0) * 0.25
    for turn in itertools.count():
        if turn % 3 == 0:
            yield next(exact)
        elif turn % 7 == 0:
            yield float(round(chance.uniform(least - spare, most + spare)))
        else:
            yield chance.uniform(least - spare, most + spare)


def _texts(terms: Sequence[str], real: Sequence[str], chance: random.Random) -> Iterator[str]:
    known = _cycle([*terms, *(word for text in real for word in text.split())] or edges.UNSEEN_WORDS, chance)
    for turn in itertools.count():
        if real and turn % 50 == 0:
            yield chance.choice(real)
            continue
        words = [next(known) for _ in range(chance.randrange(1, _MOST_WORDS))]
        if turn % 4 == 0:
            words += chance.sample(words, len(words) // 2)  # terms that come again
        if turn % 3 == 0:
            words.insert(chance.randrange(len(words)), chance.choice(edges.UNSEEN_WORDS))
        text = ("" if turn % 20 == 0 else chance.choice((" ", " ", ", ", "  ", "\n", "-"))).join(words)
        yield text.upper() if turn % 11 == 0 else text.title() if turn % 13 == 0 else text


def _read(steps: Sequence[Mapping[str, Any]], positions: list[int], known: _Known) -> None:
    """Note what the first steps know of the fields at `positions`. Stop where columns are no longer the fields."""
    for step in steps:
        for inner, columns in _inside(step, positions):
            _read(inner, columns, known)
        match step["kind"]:
            case "count_terms":
                known.terms.setdefault(positions[0], []).extend(step["vocabulary"])
            case "one_hot" | "ordinal":
                for position, column in zip(positions, step["columns"], strict=True):
                    values = column["texts"] if "texts" in column else list(column["numbers"].values)
                    known.categories.setdefault(position, []).extend(values)
            case _:
                _note(known, positions, _points(step))
        keeps_columns = step["kind"] == "fill" and not len(step["dropped"].values) + len(step["flags"].values)
        if not keeps_columns:
            return


def _inside(step: Mapping[str, Any], positions: list[int]) -> Iterator[tuple[Sequence[Mapping[str, Any]], list[int]]]:
    """Yield the steps within a step, and the fields that they read."""
    if step["kind"] == "chain":
        yield step["steps"], positions
    for part in step.get("parts", ()):
        chosen = part.get("columns")
        yield [part["step"]], positions if chosen is None else [positions[column] for column in chosen.values]
    for fold in step.get("folds", ()):
        yield [*fold["steps"], fold["classifier"]], positions


def _note(known: _Known, positions: Sequence[int], points: Sequence[Sequence[float]]) -> None:
    for position, numbers in zip(positions, points, strict=False):
        known.points.setdefault(position, []).extend(numbers)


def _points(step: Mapping[str, Any]) -> list[list[float]]:
    """Return numbers of each column that show its range, or at which an answer changes."""
    if step["kind"] == "shift" and step["divide"] is not None:
        scales = step["divide"].values
        centres = step["subtract"].values if step["subtract"] is not None else [0.0] * len(scales)
        return [[centre - 3 * scale, centre + 3 * scale] for centre, scale in zip(centres, scales, strict=True)]
    if step["kind"] == "fill":
        return [[value] for value in step["fill"].values]
    if step["kind"] == "stretch":
        pairs = zip(step["multiply"].values, step["add"].values, strict=True)
        return [[-add / factor, (1 - add) / factor] for factor, add in pairs]
    if step["kind"] == "gaussian_bayes":
        classes = list(zip(step["means"].rows(), step["variances"].rows(), strict=True))
        return [
            [
                mean + sign * 2 * math.sqrt(variance)
                for mean, variance in zip(means, variances, strict=True)
                for sign in (-1, 1)
            ]
            for means, variances in zip(
                zip(*(means for means, _ in classes), strict=True),
                zip(*(variances for _, variances in classes), strict=True),
                strict=True,
            )
        ]
    if "roots" in step:
        points: list[list[float]] = [[] for _ in range(step["width"])]
        nodes = zip(step["columns"].values, step["thresholds"].values, step["left"].values, strict=True)
        for node, (column, threshold, left) in enumerate(nodes):
            if left != node:
                points[column].append(threshold)
        return points
    return []
