"""Installing locked packages into a layer, for Lambda's platform, and leaving out what never runs there."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
from pathlib import Path

# Lambda's python3.13 is Amazon Linux 2023 with glibc 2.34. An older baseline makes the resolver pick old releases.
PLATFORMS = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}

# numpy/f2py stays: scikit-learn's import needs it. Nothing under *.libs is stripped: that breaks loading it.
_UNUSED_FOLDERS = {"tests", "testing_data", "include", "doc", "docs", "examples"}
_UNUSED_SUFFIXES = {
    ".pyi",
    ".pyx",
    ".pxd",
    ".pxi",
    ".h",
    ".c",
    ".cpp",
    ".hpp",
    ".f",
    ".f90",
    ".a",
    ".lib",
    ".tp",
}
_UNUSED_PATHS = (
    "bin",
    "share",
    "sklearn/datasets/data",
    "sklearn/datasets/images",
    "sklearn/datasets/descr",
)
_UNUSED_METADATA = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"}

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


def install(requirements: Path, target: Path, architecture: str) -> None:
    """Install exactly what `requirements` pins into `target`, for Lambda on `architecture`, and prune it."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "uv",
                "pip",
                "install",
                "--quiet",
                "--no-config",
                "--no-deps",
                "--require-hashes",
            ),
            *("--only-binary", ":all:", "--link-mode", "copy"),
            *("--python-platform", PLATFORMS[architecture], "--python-version", "3.13"),
            *("--target", str(target), "-r", str(requirements)),
        ],
        check=True,
    )
    check_pins(requirements, target)
    prune(target)


def check_pins(requirements: Path, target: Path) -> None:
    """Make sure that what is in `target` is what `requirements` pins; ends with a message if it is not."""
    pinned = {_normal(name): version for name, version in _PIN.findall(requirements.read_text())}
    installed = {
        _normal(distribution.name): distribution.version
        for distribution in importlib.metadata.distributions(path=[str(target)])
    }
    if installed != pinned:
        differing = sorted(set(installed.items()) ^ set(pinned.items()))
        raise SystemExit(f"{target} does not hold what {requirements} pins: {differing}")


def prune(target: Path) -> None:
    """Remove tests, sources, headers, type stubs and sample data. Licences and metadata stay."""
    for unused in _UNUSED_PATHS:
        shutil.rmtree(target / unused, ignore_errors=True)
    for path in sorted(target.rglob("*"), reverse=True):
        if not _is_unused(path.relative_to(target), path.is_dir()):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _is_unused(path: Path, is_folder: bool) -> bool:
    if path.parts[0].endswith(".dist-info"):
        # Whole, but for the installer's notes: licences lie there under the paths of the sources that they are of,
        # such as numpy/_core/include.
        return path.name in _UNUSED_METADATA
    if is_folder:
        return path.name in _UNUSED_FOLDERS or path.name == "__pycache__"
    return path.suffix in _UNUSED_SUFFIXES


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
