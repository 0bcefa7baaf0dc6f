"""The template as it is once its conditions are decided: what CloudFormation creates for a choice of parameters."""

from collections.abc import Iterator, Mapping
from itertools import combinations, product
from typing import Any

NO_VALUE = {"Ref": "AWS::NoValue"}


def condition_names(parsed: Mapping[str, Any]) -> list[str]:
    """Return the conditions that are decided by parameters. Those that are made of others are left out."""
    return [name for name, value in parsed["Conditions"].items() if not _made_of_others(value)]


def decided(parsed: Mapping[str, Any], choice: Mapping[str, bool]) -> dict[str, Any]:
    """Return a template without conditions: resources, outputs, properties and branches that are not chosen are gone.

    Parameters
    ----------
    parsed : a template with CloudFormation's functions in their long forms
    choice : whether each condition that parameters decide holds
    """
    conditions = parsed["Conditions"].items()
    holds = {name: choice[name] if name in choice else _evaluate(value, choice) for name, value in conditions}
    template = {name: part for name, part in parsed.items() if name != "Conditions"}
    for section in ("Resources", "Outputs"):
        template[section] = {
            name: {key: value for key, value in entry.items() if key != "Condition"}
            for name, entry in parsed[section].items()
            if holds.get(entry.get("Condition", ""), True)
        }
    return {name: _chosen(part, holds) for name, part in template.items()}


def pairwise_choices(names: list[str]) -> list[dict[str, bool]]:
    """Return choices in which each two conditions take all four combinations of their values, as few as are found.

    The first has all conditions hold, and the second none.
    """
    missing = {(pair, values) for pair in combinations(sorted(names), 2) for values in product((True, False), repeat=2)}
    choices = [dict.fromkeys(names, True), dict.fromkeys(names, False)]
    missing -= _covered(choices[0]) | _covered(choices[1])
    while missing:
        names_first, values_first = min(missing)
        choice = dict(zip(names_first, values_first, strict=True))
        for name in names:
            if name not in choice:
                # The value by which more of the missing combinations are had, with those that are chosen so far.
                had = {value: len(_covered({**choice, name: value}) & missing) for value in (False, True)}
                choice[name] = had[True] > had[False]
        choices.append({name: choice[name] for name in names})
        missing -= _covered(choices[-1])
    return choices


def dangling(template: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names that a decided template refers to, and does not have."""
    known = {*template.get("Parameters", {}), *template["Resources"]}
    for name in references([template["Resources"], template["Outputs"]]):
        if name not in known and not name.startswith("AWS::"):
            yield name


def references(value: Any) -> Iterator[str]:
    """Yield what `Ref`, `Fn::GetAtt`, `Fn::Sub` and `DependsOn` name in a part of a template."""
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": str(text)}:
            yield text.partition(".")[0]
        case {"Fn::Sub": str(text)}:
            yield from _names_in(text)
        case {"Fn::Sub": [str(text), dict(variables)]}:
            yield from (name for name in _names_in(text) if name not in variables)
            yield from references(variables)
        case dict():
            depends_on = value.get("DependsOn", [])
            yield from [depends_on] if isinstance(depends_on, str) else depends_on
            yield from references(list(value.values()))
        case list():
            for part in value:
                yield from references(part)


def _names_in(text: str) -> Iterator[str]:
    for part in text.split("${")[1:]:
        name = part.partition("}")[0]
        if not name.startswith("!"):
            yield name.partition(".")[0]


def _covered(choice: Mapping[str, bool]) -> set[tuple[tuple[str, str], tuple[bool, bool]]]:
    return {((first, second), (choice[first], choice[second])) for first, second in combinations(sorted(choice), 2)}


def _made_of_others(value: Any) -> bool:
    match value:
        case {"Condition": str()}:
            return True
        case dict():
            return any(map(_made_of_others, value.values()))
        case list():
            return any(map(_made_of_others, value))
        case _:
            return False


def _evaluate(value: Any, choice: Mapping[str, bool]) -> bool:
    match value:
        case {"Condition": str(name)}:
            return choice[name]
        case {"Fn::Or": list(parts)}:
            return any(_evaluate(part, choice) for part in parts)
        case {"Fn::And": list(parts)}:
            return all(_evaluate(part, choice) for part in parts)
        case {"Fn::Not": [part]}:
            return not _evaluate(part, choice)
        case _:
            raise ValueError(f"this condition is not made of others, and was not decided: {value}")


def _chosen(value: Any, holds: Mapping[str, bool]) -> Any:
    match value:
        case {"Fn::If": [str(name), if_true, if_false]}:
            return _chosen(if_true if holds[name] else if_false, holds)
        case dict():
            parts = {name: _chosen(part, holds) for name, part in value.items()}
            return {name: part for name, part in parts.items() if part != NO_VALUE}
        case list():
            return [part for part in (_chosen(part, holds) for part in value) if part != NO_VALUE]
        case _:
            return value
