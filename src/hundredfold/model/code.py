"""Code of the model's owner: modules in the bundle, which the model's files import when they are opened.

They are run from the bytes that were checked against the card, and not from what lies on disk later.
"""

import sys
from collections.abc import Mapping, Sequence
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from types import ModuleType

CODE = "code/"
"""Files of a bundle whose names begin so are code. `code/my_features.py` is the module `my_features`."""

_PACKAGE = "__init__"
_SUFFIX = ".py"


class BundleCode(MetaPathFinder, InspectLoader):
    """Finds and runs the modules of one bundle.

    Parameters
    ----------
    folder : of the bundle; only for `__file__`, by which code may find files beside it
    contents : the code files of the bundle, by their names there
    """

    def __init__(self, folder: str, contents: Mapping[str, bytes]) -> None:
        self._folder = folder
        self._contents = dict(contents)
        self._files = {_module(name): name for name in contents if name.endswith(_SUFFIX)}

    @property
    def modules(self) -> frozenset[str]:
        """The names of all modules."""
        return frozenset(self._files)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        name = self._files.get(fullname)
        if name is None:
            return None
        file = f"{self._folder}/{name}"
        places = [file.rpartition("/")[0]] if self.is_package(fullname) else None
        return spec_from_file_location(fullname, file, loader=self, submodule_search_locations=places)

    def is_package(self, fullname: str) -> bool:
        return self._files[fullname].endswith(f"{_PACKAGE}{_SUFFIX}")

    def get_source(self, fullname: str) -> str:
        return self._contents[self._files[fullname]].decode()


def import_code(folder: str, contents: Mapping[str, bytes]) -> None:
    """Make a bundle's code importable, in place of that of a bundle that was loaded before.

    Modules that are installed come first. Packaging refuses code of their names.

    Parameters
    ----------
    folder, contents : as for `BundleCode`
    """
    for finder in [finder for finder in sys.meta_path if isinstance(finder, BundleCode)]:
        sys.meta_path.remove(finder)
        for module in finder.modules:
            sys.modules.pop(module, None)
    if contents:
        sys.meta_path.append(BundleCode(folder, contents))


def top_level(names: Sequence[str]) -> frozenset[str]:
    """Return the first part of the modules' names in a bundle's code."""
    return frozenset(_module(name).partition(".")[0] for name in names if name.endswith(_SUFFIX))


def _module(name: str) -> str:
    parts = name.removeprefix(CODE).removesuffix(_SUFFIX).split("/")
    return ".".join(parts[:-1] if parts[-1] == _PACKAGE else parts)
