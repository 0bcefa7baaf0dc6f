"""The core layer holds what functions import, and nothing that only the command or a benchmark uses."""

from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[3]


def test_every_module_of_the_core_layer_is_imported_by_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    graph = grimp.build_graph("functions", "hundredfold", cache_dir=None)
    handlers = {module for module in graph.modules if module.endswith(".handler")}
    packages = {module for module in graph.modules if graph.find_children(module)}
    modules = {module for module in graph.modules if module.startswith("hundredfold.")} - packages

    imported = set().union(*(graph.find_upstream_modules(handler) for handler in handlers))
    # A registry imports the modules of its package by their files or names, which the graph does not see.
    registries = imported & graph.find_modules_that_directly_import("hundredfold.sources.registry")
    if "hundredfold.model.compiled.registry" in imported:
        registries |= {"hundredfold.model.compiled.steps"}
    collected = set().union(*(graph.find_children(registry) for registry in registries))
    imported |= collected.union(*(graph.find_upstream_modules(module) for module in collected))
    imported |= graph.find_modules_directly_imported_by("hundredfold")  # for hundredfold.lookup, if somebody calls it

    assert len(handlers) == len(list((ROOT / "functions").glob("*/handler.py")))
    assert sorted(modules - imported) == []
