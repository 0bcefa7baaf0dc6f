"""Collects the entries that the modules of a package declare, so that a new entry needs only a new file."""

import pkgutil
from collections.abc import Iterable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Protocol


class Named(Protocol):
    """An entry of a registry."""

    @property
    def name(self) -> str: ...


def collect[Entry: Named](
    entry_type: type[Entry], variable: str, package: str, path: Iterable[str]
) -> Mapping[str, Entry]:
    """Import every module of a package and return the entries that they declare, by name, in the order of names.

    It finds modules with a source and modules that are compiled only, as Lambda layers have them.

    Parameters
    ----------
    variable : the module variable that holds the entry
    package, path : the `__name__` and `__path__` of the package

    Raises
    ------
    TypeError
        If a module declares no entry.
    ValueError
        If two modules declare an entry of one name.
    """
    entries: dict[str, Entry] = {}
    for module in pkgutil.iter_modules(path, f"{package}."):
        entry = getattr(import_module(module.name), variable, None)
        if not isinstance(entry, entry_type):
            raise TypeError(f"{module.name} must declare {variable}, a {entry_type.__name__}")
        if entry.name in entries:
            raise ValueError(f"{module.name} declares {entry.name}, which another module declares too")
        entries[entry.name] = entry
    return MappingProxyType(dict(sorted(entries.items())))
