"""Where things lie in the checkout that this command is installed from."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LOCAL = ROOT / ".local"
TEMPLATE = ROOT / "infra/template.yaml"
SAM_CONFIG = ROOT / "infra/samconfig.toml"
STACK_PYTHON = ROOT / ".venvs/stack/bin/python"
SAM = ROOT / ".venvs/tools/bin/sam"
BUILT = (
    *(ROOT / f"build/layers/{name}.zip" for name in ("dependencies", "readers", "core", "model")),
    *(
        ROOT / f"build/functions/{name}.zip"
        for name in ("plan_ingest", "infer_batch", "summarize_ingest", "start_ingest")
    ),
)
ECHARTS = ROOT / ".venvs/asl/node_modules/echarts/dist/echarts.min.js"
PAGES = ROOT / "build/pages"
