"""Puts into the wheel what its command builds, deploys and draws from: see `[tool.hatch.build]` in pyproject.toml."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PROJECT = "hundredfold_cli/_project"
"""The folder that `hundredfold_cli.stack.checkout` finds them in."""
FILES = (
    "infra/template.yaml",
    "infra/samconfig.toml",
    "infra/policies/deploy.json",
    "workflows/batch_inference.asl.json",
    "functions/**/*.py",
    "layers/**/*.py",
    "requirements/core.txt",
    "requirements/dependencies.txt",
    "requirements/numpy.txt",
    "requirements/decoder.txt",
    "requirements/readers.txt",
    "requirements/stack.txt",
    "requirements/tools.txt",
    "requirements/extras/*.txt",
)
ECHARTS = ".venvs/asl/node_modules/echarts"
ECHARTS_FILES = ("dist/echarts.min.js", "LICENSE", "NOTICE", "licenses/*")


class WheelFiles(BuildHookInterface[Any]):
    """The hook that hatchling calls before it writes a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to a wheel, and nothing to an editable installation: that has the checkout."""
        if version == "editable":
            return
        root = Path(self.root)
        files = {path: f"{PROJECT}/{path.relative_to(root)}" for path in _matching(root, FILES)}
        files |= {path: f"{PROJECT}/echarts/{path.name}" for path in _matching(root / ECHARTS, ECHARTS_FILES)}
        build_data["force_include"] |= {str(path): target for path, target in sorted(files.items())}


def _matching(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    """Return the files that match; raises FileNotFoundError, saying what to do, for a pattern that none matches."""
    paths = []
    for pattern in patterns:
        matching = [path for path in folder.glob(pattern) if path.is_file()]
        if not matching:
            raise FileNotFoundError(f"the wheel needs {folder / pattern}; run make setup")
        paths += matching
    return paths
