"""DynamoDB's expressions, as far as our code uses them: conditions, filters, updates and projections."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final

type Item = dict[str, Any]
type Names = Mapping[str, str]
type Values = Mapping[str, Any]
type Condition = Callable[[Mapping[str, Any], Names, Values], bool]
type _Operand = Callable[[Mapping[str, Any], Names, Values], Any]

_TOKEN: Final = re.compile(r"\s*(<>|<=|>=|[=<>(),]|[#:]?[A-Za-z0-9_]+(?:\.#?[A-Za-z0-9_]+)*)")
_WORDS: Final = frozenset({"AND", "OR", "NOT"})


def tokens_of(text: str) -> list[str]:
    """Cut an expression into tokens. Raise ValueError for what is none."""
    tokens, place = [], 0
    text = text.strip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"cannot read {text[place:]!r} in {text!r}")
        tokens.append(match[1])
        place = match.end()
    return tokens


@cache
def condition(text: str) -> Condition:
    """Compile a ConditionExpression, a FilterExpression or a KeyConditionExpression."""
    return _Parser(tokens_of(text)).parse()


class _Parser:
    """Reads a condition by recursive descent: OR binds less than AND, and AND less than NOT."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._place = 0

    def parse(self) -> Condition:
        result = self._any()
        if self._place != len(self._tokens):
            raise ValueError(f"cannot read {self._tokens[self._place :]}")
        return result

    def _any(self) -> Condition:
        parts = [self._all()]
        while self._take("OR"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else lambda item, names, values: any(p(item, names, values) for p in parts)

    def _all(self) -> Condition:
        parts = [self._single()]
        while self._take("AND"):
            parts.append(self._single())
        return parts[0] if len(parts) == 1 else lambda item, names, values: all(p(item, names, values) for p in parts)

    def _single(self) -> Condition:
        if self._take("NOT"):
            inner = self._single()
            return lambda item, names, values: not inner(item, names, values)
        if self._take("("):
            inner = self._any()
            self._expect(")")
            return inner
        token = self._next()
        if token in _FUNCTIONS:
            return self._function(token)
        left, comparison, right = _operand(token), self._next(), _operand(self._next())
        if comparison not in _COMPARISONS:
            raise ValueError(f"{comparison!r} is no comparison")
        compare = _COMPARISONS[comparison]
        return lambda item, names, values: compare(left(item, names, values), right(item, names, values))

    def _function(self, name: str) -> Condition:
        self._expect("(")
        operands = [_operand(self._next())]
        while self._take(","):
            operands.append(_operand(self._next()))
        self._expect(")")
        function = _FUNCTIONS[name]
        return lambda item, names, values: function(*(operand(item, names, values) for operand in operands))

    def _next(self) -> str:
        if self._place == len(self._tokens):
            raise ValueError("the expression ends too early")
        self._place += 1
        return self._tokens[self._place - 1]

    def _take(self, token: str) -> bool:
        if self._place < len(self._tokens) and self._tokens[self._place].upper() == token:
            self._place += 1
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise ValueError(f"there is no {token!r} where it must be")


def _operand(token: str) -> _Operand:
    if token.startswith(":"):
        return lambda _item, _names, values: values[token]
    path = token.split(".")
    return lambda item, names, _values: value_at(item, path, names)


def value_at(item: Mapping[str, Any], path: list[str], names: Names) -> Any:
    """Return the attribute value at a path of an item; None if there is none."""
    value: Any = {"M": item}
    for part in path:
        members = value.get("M") if isinstance(value, dict) else None
        value = (members or {}).get(names[part] if part.startswith("#") else part)
        if value is None:
            return None
    return value


def _plain(value: Any) -> Any:
    """Return what an attribute value is compared by, with its type. Two types are never equal."""
    [(kind, content)] = value.items()
    return kind, Decimal(content) if kind == "N" else content


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def of_same_type(left: Any, right: Any) -> bool:
        if left is None or right is None:
            return False
        (left_kind, left_value), (right_kind, right_value) = _plain(left), _plain(right)
        return left_kind == right_kind and compare(left_value, right_value)

    return of_same_type


def _equal(left: Any, right: Any) -> bool:
    return left is not None and right is not None and bool(_plain(left) == _plain(right))


def _begins_with(value: Any, prefix: Any) -> bool:
    return value is not None and "S" in value and str(value["S"]).startswith(prefix["S"])


_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": _equal,
    "<>": lambda left, right: not _equal(left, right),
    "<": _ordered(lambda left, right: bool(left < right)),
    "<=": _ordered(lambda left, right: bool(left <= right)),
    ">": _ordered(lambda left, right: bool(left > right)),
    ">=": _ordered(lambda left, right: bool(left >= right)),
}
_FUNCTIONS: Final[Mapping[str, Callable[..., bool]]] = {
    "attribute_exists": lambda value: value is not None,
    "attribute_not_exists": lambda value: value is None,
    "begins_with": _begins_with,
}


def updated(item: Item, text: str, names: Names, values: Values) -> Item:
    """Return an item as an UpdateExpression of SET, ADD and REMOVE makes it. All values are of the item before."""
    after = dict(item)
    for clause, assignments in _clauses(text):
        for assignment in assignments:
            if clause == "SET":
                target, source = (side.strip() for side in assignment.split("=", 1))
                after[_name(target, names)] = values[source]
            elif clause == "ADD":
                target, source = assignment.split()
                name = _name(target, names)
                before = Decimal(item.get(name, {"N": "0"})["N"])
                after[name] = {"N": str(before + Decimal(values[source]["N"]))}
            else:
                after.pop(_name(assignment.strip(), names), None)
    return after


@cache
def _clauses(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    parts = re.split(r"\b(SET|ADD|REMOVE)\b", text)
    if parts[0].strip():
        raise ValueError(f"cannot read {text!r}")
    return tuple((parts[n], tuple(parts[n + 1].split(","))) for n in range(1, len(parts), 2))


def _name(target: str, names: Names) -> str:
    if "." in target:
        raise ValueError(f"an update of {target!r}, inside an attribute, is not simulated")
    return names[target] if target.startswith("#") else target


def projected(item: Mapping[str, Any], text: str, names: Names) -> Item:
    """Return the attributes of an item that a ProjectionExpression names, by their paths."""
    result: Item = {}
    for path in (part.strip().split(".") for part in text.split(",")):
        value = value_at(item, path, names)
        if value is None:
            continue
        *outer, last = [names[part] if part.startswith("#") else part for part in path]
        place = result
        for name in outer:
            place = place.setdefault(name, {"M": {}})["M"]
        place[last] = value
    return result
