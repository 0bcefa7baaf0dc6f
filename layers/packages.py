"""Installing locked packages into a layer, for Lambda's platform, and leaving out what never runs there."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.markers import Marker

from layers.archive import compile_python

PYTHON_VERSION = "3.13"
"""Of the template's runtime. A test compares them."""

# Lambda's python3.13 is Amazon Linux 2023 with glibc 2.34. An older baseline makes the resolver pick old releases.
PLATFORMS = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}

# numpy/f2py stays: scikit-learn's import needs it. Nothing under *.libs is stripped: that breaks loading it.
_UNUSED_FOLDERS = {"test", "tests", "testing_data", "include", "doc", "docs", "examples"}
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
    # Powertools is here for its Logger, Metrics and batch processing.
    "aws_lambda_powertools/event_handler",
    *(
        f"aws_lambda_powertools/utilities/{utility}"
        for utility in (
            "auth_alpha",
            "circuit_breaker",
            "data_masking",
            "feature_flags",
            "idempotency",
            "kafka",
            "parameters",
            "parser",
            "streaming",
            "validation",
        )
    ),
)
# pyarrow is here to read Parquet and zstd. What its libraries are linked to has to stay: acero, dataset, substrait.
_UNUSED_OF_PYARROW = (
    *("includes", "interchange", "src", "*_pyarrow_cpp_tests*", "*encryption*", "*flight*", "*orc*", "*cuda*"),
    *("*azurefs*", "*gcsfs*", "*hdfs*", "*s3*", "_csv*", "_json*", "_feather*", "_dataset*", "_acero*", "_substrait*"),
    *("acero.*", "benchmark.*", "cffi.*", "conftest.*", "csv.*", "dataset.*", "feather.*", "gandiva.*", "json.*"),
    *("jvm.*", "pandas_compat.*", "substrait.*"),
    # the same library under two names more
    *("libarrow_python.so", "libarrow_python.so.*.*"),
)
_UNUSED_METADATA = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"}

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?: *; *([^\\\n]+))?", re.MULTILINE)
_LAMBDA = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "python_version": PYTHON_VERSION}


def install(locks: Sequence[Path], target: Path, architecture: str) -> dict[str, str]:
    """Install exactly what `locks` pin into `target`, for Lambda on `architecture`: pruned, and compiled only.

    Returns
    -------
    owners : the package that each entry of `target` belongs to, in the order of the locks
    """
    shutil.rmtree(target, ignore_errors=True)
    options = (
        "--quiet",
        "--no-config",
        "--no-deps",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--link-mode",
        "copy",
    )
    platform = ("--python-platform", PLATFORMS[architecture], "--python-version", PYTHON_VERSION)
    files = [word for lock in locks for word in ("-r", str(lock))]
    uv = (sys.executable, "-P", "-m", "uv", "pip", "install")
    subprocess.run([*uv, *options, *platform, "--target", str(target), *files], check=True)
    pinned = pins(locks)
    check_pins(pinned, target)
    owners = owners_of(target, list(pinned))
    prune(target)
    compile_python(target, "/opt/python", keep_sources=False)
    return owners


def pins(locks: Sequence[Path]) -> dict[str, str]:
    """Return the versions that `locks` pin on Lambda, by package; ends with a message if two of them disagree."""
    pinned: dict[str, str] = {}
    for lock in locks:
        for name, version, marker in _PIN.findall(lock.read_text()):
            if marker and not Marker(marker).evaluate(_LAMBDA):
                continue
            if pinned.setdefault(_normal(name), version) != version:
                raise SystemExit(
                    f"{lock} pins {name} {version}, and another lock {pinned[_normal(name)]}: run make lock"
                )
    return pinned


def check_pins(pinned: Mapping[str, str], target: Path) -> None:
    """Make sure that what is in `target` is what is pinned; ends with a message if it is not."""
    installed = {
        _normal(distribution.name): distribution.version
        for distribution in importlib.metadata.distributions(path=[str(target)])
    }
    if installed != pinned:
        differing = sorted(set(installed.items()) ^ set(pinned.items()))
        raise SystemExit(f"{target} does not hold what is pinned: {differing}")


def owners_of(target: Path, order: Sequence[str]) -> dict[str, str]:
    """Return the package of each entry of `target`, as the packages' own lists of files have it."""
    distributions = {_normal(one.name): one for one in importlib.metadata.distributions(path=[str(target)])}
    return {
        file.parts[0]: name
        for name in order
        for file in distributions[name].files or []
        if file.parts[0] not in {"..", "__pycache__", "bin"}
    }


def named_by_extra(owners: Mapping[str, str], locks: Sequence[Path]) -> dict[str, str]:
    """Say of packages that only an extra brought along which one that was: `wcwidth (for skops)`."""
    known = set(pins(locks[:1]))
    names = {name: name for name in known}
    for lock in locks[1:]:
        for name in pins([lock]):
            names.setdefault(name, name if name == _normal(lock.stem) else f"{name} (for {lock.stem})")
    return {entry: names[name] for entry, name in owners.items()}


def add_openmp(python: Path) -> None:
    """Give LightGBM the OpenMP library that its wheel leaves to the system, and that Lambda does not have.

    scikit-learn's wheel has one, under a name of its own. A copy named `libgomp.so.1` beside `python/` is found there,
    because Lambda looks for libraries in /opt/lib: https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html
    """
    if not (python / "lightgbm").is_dir():
        return
    libraries = sorted(python.glob("scikit_learn.libs/libgomp*"))
    if len(libraries) != 1:
        raise SystemExit(f"scikit-learn brings {len(libraries)} OpenMP libraries, and LightGBM needs one: {libraries}")
    (python.parent / "lib").mkdir(exist_ok=True)
    shutil.copyfile(libraries[0], python.parent / "lib/libgomp.so.1")


def prune(target: Path) -> None:
    """Remove tests, sources, headers, type stubs and sample data. Licences and metadata stay."""
    for unused in _UNUSED_PATHS:
        shutil.rmtree(target / unused, ignore_errors=True)
    for pattern in _UNUSED_OF_PYARROW:
        for path in (target / "pyarrow").glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in sorted(target.rglob("*"), reverse=True):
        if not _is_unused(path.relative_to(target), path.is_dir()):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _is_unused(path: Path, is_folder: bool) -> bool:
    if path == Path(".lock"):
        return True  # the installer's
    if path.parts[0].endswith(".dist-info"):
        # Whole, but for the installer's notes: licences lie there under the paths of the sources that they are of,
        # such as numpy/_core/include.
        return path.name in _UNUSED_METADATA
    if is_folder:
        return path.name in _UNUSED_FOLDERS or path.name == "__pycache__"
    return path.suffix in _UNUSED_SUFFIXES


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
