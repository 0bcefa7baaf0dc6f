"""Where the project's files lie: in a checkout, or in the folder that an installed wheel has in place of one."""

import os
from pathlib import Path

PACKAGED = Path(__file__).resolve().parents[1] / "_project"
"""What a wheel carries of a checkout: template, state machine, functions, layer builders and locks."""
IN_CHECKOUT = not PACKAGED.is_dir()


def _root() -> Path:
    if IN_CHECKOUT:
        return Path(__file__).resolve().parents[3]
    # https://specifications.freedesktop.org/basedir-spec/latest/
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hundredfold"


ROOT = _root()
"""The checkout. For an installed wheel: a folder for its files and for what is built from them; it may be deleted."""
LOCAL = ROOT / ".local"
TEMPLATE = ROOT / "infra/template.yaml"
SAM_CONFIG = ROOT / "infra/samconfig.toml"
DEPLOYING_POLICY = ROOT / "infra/policies/deploy.json"
"""The rights of the person who deploys."""
BUILD = ROOT / "build"
BUNDLE = BUILD / "bundle"
"""The model that is deployed where none is live yet."""
LAYERS = ("dependencies", "numpy", "decoder", "readers", "core", "model")
FUNCTIONS = ("plan_ingest", "infer_batch", "summarize_ingest", "start_ingest")
BUILT = (
    *(BUILD / f"layers/{name}.zip" for name in LAYERS),
    *(BUILD / f"functions/{name}.zip" for name in FUNCTIONS),
)
ENVIRONMENTS = ROOT / ".venvs"
STACK_PYTHON = ENVIRONMENTS / "stack/bin/python"
SAM = ENVIRONMENTS / "tools/bin/sam"
ECHARTS = (ENVIRONMENTS / "asl/node_modules/echarts/dist" if IN_CHECKOUT else PACKAGED / "echarts") / "echarts.min.js"
"""The charting library of the pages. A wheel carries it."""
OUTPUT = BUILD if IN_CHECKOUT else Path("build")
"""Where the command writes pages and bundles: in the checkout, or in the current folder."""
PAGES = OUTPUT / "pages"

DEPLOY_FIRST = (
    "make up, or make deploy for AWS"
    if IN_CHECKOUT
    else "hundredfold --target aws deploy --bundle FOLDER, or hundredfold up --bundle FOLDER for a local stack"
)
"""What to type where nothing is deployed."""
COMMAND = ".venv/bin/hundredfold" if IN_CHECKOUT else "hundredfold"
UP = "make up" if IN_CHECKOUT else "hundredfold up"
"""What to type where the local stack is not running."""


def unpack() -> Path:
    """Bring ROOT up to date with the files that the installed wheel carries, and return it; leave a checkout alone."""
    if not IN_CHECKOUT:
        for source in sorted(PACKAGED.rglob("*")):
            target = ROOT / source.relative_to(PACKAGED)
            if source.is_file() and "__pycache__" not in source.parts:
                _replace(target, source.read_bytes())
    return ROOT


def _replace(target: Path, content: bytes) -> None:
    if target.exists() and target.read_bytes() == content:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    # Another command may read the file meanwhile: it sees the old one or the new one.
    unfinished = target.with_name(f".{target.name}-{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(target)
