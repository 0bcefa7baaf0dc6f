"""The wheel in an empty environment: its command is whole, and it builds what a checkout builds, to the byte."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import joblib
import pytest
from sklearn.linear_model import LogisticRegression

from hundredfold.model.card import CARD
from hundredfold_cli.stack.checkout import FUNCTIONS, ROOT
from layers.build import build_function, build_model

SECONDS = 120
UV = (sys.executable, "-m", "uv", "--no-config")
PROJECT = "hundredfold_cli/_project"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def build(folder: Path) -> Path:
    """Build the wheel into `folder`, as `make wheel` does."""
    command = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder))
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=SECONDS)
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def run(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Install the wheel into an empty environment; run what is installed there, with a cache of its own."""
    environment, cache = tmp_path_factory.mktemp("environment"), tmp_path_factory.mktemp("cache")
    subprocess.run([*UV, "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)], check=True)
    locked = str(ROOT / "requirements/dev.txt")
    options = ("--quiet", "--python", str(environment / "bin/python"), "--constraint", locked)
    subprocess.run([*UV, "pip", "install", *options, str(wheel)], check=True, timeout=SECONDS)
    downloads = subprocess.run([*UV, "cache", "dir"], check=True, capture_output=True, text=True).stdout.strip()
    variables = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "HUNDREDFOLD", "AWS", "VIRTUAL_ENV"))
    }

    def run_installed(folder: Path, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(environment / "bin" / program), *arguments],
            cwd=folder,
            env={**variables, "XDG_CACHE_HOME": str(cache), "UV_CACHE_DIR": downloads, "COLUMNS": "160"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    return run_installed


def test_the_same_files_give_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    assert build(tmp_path).read_bytes() == wheel.read_bytes()


def test_the_wheel_has_the_checkout_s_files_and_nothing_compiled(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        for path in ("infra/template.yaml", "workflows/batch_inference.asl.json", "requirements/dependencies.txt"):
            assert archive.read(f"{PROJECT}/{path}") == (ROOT / path).read_bytes()

    assert {"hundredfold/py.typed", "hundredfold_cli/py.typed"} <= set(names)
    assert {f"{PROJECT}/functions/{name}/handler.py" for name in FUNCTIONS} <= set(names)
    assert {f"{PROJECT}/echarts/{name}" for name in ("echarts.min.js", "LICENSE", "NOTICE")} <= set(names)
    assert [name for name in names if name.endswith(".pyc") or name.startswith(("tests/", "layers/"))] == []


def test_the_command_says_its_version_and_lists_its_commands(run: Run, tmp_path: Path) -> None:
    assert run(tmp_path, "hundredfold", "--version").stdout == "hundredfold 0.1.0\n"

    listed = run(tmp_path, "hundredfold", "--help").stdout
    for command in ("ingest", "watch", "resume", "summary", "results", "verify", "report", "cost", "estimate", "model"):
        assert f"│ {command} " in listed
        assert run(tmp_path, "hundredfold", command, "--help").returncode == 0


def test_an_estimate_is_that_of_the_checkout(run: Run, tmp_path: Path) -> None:
    estimate = ("estimate", "--records", "50000", "--json")
    checkout = subprocess.run(
        [sys.executable, "-m", "hundredfold_cli.main", *estimate], capture_output=True, text=True, check=True
    )

    installed = run(tmp_path, "hundredfold", *estimate)

    assert json.loads(installed.stdout) == json.loads(checkout.stdout)


def test_a_model_is_packaged_and_its_layer_is_that_of_a_checkout(run: Run, tmp_path: Path) -> None:
    # Given a model, and a folder with a builder of somebody else's
    joblib.dump(LogisticRegression().fit([[0.0], [1.0]], ["low", "high"]), tmp_path / "tiny.joblib")
    (tmp_path / "records.jsonl").write_text('{"id": "a", "height": 0.1}\n{"id": "b", "height": 0.9}\n')
    (tmp_path / "layers").mkdir()
    (tmp_path / "layers/build.py").write_text("raise SystemExit('the wrong builder')")

    # When it is packaged, and the layer of the bundle is built
    packaged = run(
        tmp_path,
        *("hundredfold", "model", "package", "tiny.joblib", "--field", "height:number", "--sample", "records.jsonl"),
    )
    script = (
        "from pathlib import Path; from hundredfold_cli.models.layers import build_layer; "
        "build_layer(Path('build/models/tiny'), Path('tiny.zip').resolve())"
    )
    built = run(tmp_path, "python", "-c", script)

    # Then the bundle is in the current folder, and the layer's bytes are those that a checkout builds
    assert packaged.returncode == 0, packaged.stderr
    card = json.loads((tmp_path / "build/models/tiny" / CARD).read_bytes())
    assert [answer[0] for answer in card["sample"]["answers"]] == ["low", "high"]
    assert built.returncode == 0, built.stderr
    expected = build_model(tmp_path / "build/models/tiny", tmp_path / "expected.zip")
    assert (tmp_path / "tiny.zip").read_bytes() == expected.read_bytes()


def test_the_functions_that_it_builds_are_those_of_the_checkout(run: Run, tmp_path: Path) -> None:
    script = "from hundredfold_cli.stack.artefacts import run_builder; run_builder('functions')"
    assert run(tmp_path, "python", "-c", script).returncode == 0

    root = run(tmp_path, "python", "-c", "from hundredfold_cli.stack.checkout import BUILD; print(BUILD)").stdout
    for name in FUNCTIONS:
        built = Path(root.strip()) / f"functions/{name}.zip"
        assert built.read_bytes() == build_function(name, tmp_path / f"{name}.zip").read_bytes()


def test_a_deployment_without_a_model_says_what_to_do(run: Run, tmp_path: Path) -> None:
    deployed = run(tmp_path, "hundredfold", "--target", "aws", "deploy")

    assert deployed.returncode == 3
    assert "no model was named yet: --bundle FOLDER" in deployed.stderr


def test_a_page_has_the_charting_library_in_it(run: Run, tmp_path: Path) -> None:
    script = "from hundredfold_cli.pages.page import Page; print(Page('an ingest').render())"

    assert "Apache Software Foundation" in run(tmp_path, "python", "-c", script).stdout
