"""What pyproject.toml declares is what the wheel's code imports, and what the locks pin fits it."""

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import grimp
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DECLARED = {requirement.name: requirement for requirement in map(Requirement, PROJECT["dependencies"])}
OPTIONAL = {Requirement(text).name for texts in PROJECT["optional-dependencies"].values() for text in texts}
IN_INFERENCE = {"joblib", "numpy", "pandas", "scikit-learn", "skops"}
"""What only runs in the environment of inference, which the command makes from its own locks."""


def imported() -> set[str]:
    """Return the distributions of what the command imports, directly or through hundredfold."""
    graph = grimp.build_graph(
        "hundredfold",
        "hundredfold_cli",
        include_external_packages=True,
        exclude_type_checking_imports=True,
        cache_dir=None,
    )
    command = {module for module in graph.modules if module.startswith("hundredfold_cli")}
    reached = command.union(*map(graph.find_upstream_modules, command))
    external = {module for module in reached if not module.startswith("hundredfold")}
    distributions = importlib.metadata.packages_distributions()
    return {distributions[module][0] for module in external - sys.stdlib_module_names}


def test_what_the_command_imports_is_declared() -> None:
    assert imported() - IN_INFERENCE - OPTIONAL == {
        "PyYAML",
        "boto3",
        "botocore",
        "msgspec",
        "psutil",
        "pyarrow",
        "rich",
        "typer",
    }
    # botocore comes with boto3. The layer builders use packaging, and run uv.
    assert set(DECLARED) == {"boto3", "msgspec", "packaging", "psutil", "pyarrow", "pyyaml", "rich", "typer", "uv"}


def test_the_versions_that_are_tested_fit_what_is_declared() -> None:
    locked = dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", (ROOT / "requirements/dev.txt").read_text(), re.MULTILINE))

    for name, requirement in DECLARED.items():
        assert requirement.specifier.contains(locked[name]), f"{requirement} does not admit {locked[name]}"


def test_the_license_is_the_one_that_is_declared() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text()
