"""Reads rendered pages."""

import json
import re
from typing import Any

import pytest

from hundredfold_cli.stack.checkout import ECHARTS

needs_charting_library = pytest.mark.skipif(
    not ECHARTS.exists(), reason="the charting library is not installed; run make setup"
)


def charts(page: str) -> dict[str, Any]:
    [data] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    by_name: dict[str, Any] = json.loads(data)
    return by_name


def without_library(page: str) -> str:
    return page.replace(ECHARTS.read_text(encoding="utf-8"), "")
