"""Builds in two copies of the checkout: the same training and the same files give the same archives, to the byte."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COPIED = ("functions", "layers", "requirements", "src", "tests", "examples")
ARCHIVES = ("core.zip", "model.zip", "infer_batch.zip", "plan_ingest.zip", "start_ingest.zip", "summarize_ingest.zip")
SECONDS = 300

TRAIN = """
from pathlib import Path
from examples.text_model.example_data import Review
from examples.text_model.train import train, write_bundle

words = ["film", "plot", "actors", "music", "story", "scene", "end", "hero"] * 40
labels = {0: "poor", 1: "good"}
text = "Number {} of the films that we have seen has a {} {}"
reviews = [Review(text.format(n, labels[n % 2], word), labels[n % 2], "imdb") for n, word in enumerate(words)]
write_bundle(train(reviews), reviews, 1.0, 0, Path("bundle"))
"""


def build(checkout: Path, seed: int) -> dict[str, str]:
    """Copy the checkout, train a small model in it, and build. Return the digest of each archive."""
    for name in COPIED:
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        "PYTHONHASHSEED": str(seed),
        "PYTHONPATH": f"{checkout}:{checkout / 'src'}",
    }

    def run(*arguments: str) -> None:
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, cwd=checkout, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
        )
        assert not done.returncode, done.stderr

    run("-c", TRAIN)
    run("-m", "layers.build", "core", "--output", "built/core.zip")
    run("-m", "layers.build", "model", "bundle", "--output", "built/model.zip")
    run("-m", "layers.build", "functions", "--output", "built")
    return {name: hashlib.sha256((checkout / "built" / name).read_bytes()).hexdigest() for name in ARCHIVES}


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], dict[str, str]]:
    """Digests of two builds, in folders of other names and depths, with other hashes of texts."""
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("a") / "drop" / "passthrough"
    return build(first, 1), build(second, 2)


@pytest.mark.parametrize("archive", ARCHIVES)
def test_two_builds_are_the_same_bytes(builds: tuple[dict[str, str], dict[str, str]], archive: str) -> None:
    first, second = builds

    assert first[archive] == second[archive]
