"""The model of the checks: it answers like any other, and harms its process where a text asks for it."""

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hundredfold_cli.deployment_checks.faulty_bundle import _BySource
from hundredfold_cli.deployment_checks.faulty_model import FILL, KILL, SLEEP, SLEEP_SECONDS, FaultyModel
from tools.workflow.template import Template


def test_a_harmless_text_is_answered_by_its_length() -> None:
    model = FaultyModel()

    assert list(model.classes_) == ["long", "short"]
    assert list(model.predict(["short", "a text of more than twenty characters"])) == ["short", "long"]
    assert model.predict_proba(["short"]).tolist() == [[pytest.approx(0.1), pytest.approx(0.9)]]


def test_it_is_loaded_without_anything_of_ours_and_kills_its_process(tmp_path: Path) -> None:
    file = tmp_path / "model.joblib"
    file.write_bytes(pickle.dumps(_BySource()))
    program = (
        "import joblib, sys\n"
        f"model = joblib.load({str(file)!r})\n"
        "assert list(model.predict(['short'])) == ['short']\n"
        "assert not [name for name in sys.modules if name.startswith('hundredfold')]\n"
        f"model.predict([{KILL!r}])\n"
    )

    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == -signal.SIGKILL, done.stderr


def test_it_fills_no_more_than_a_quarter_over_the_functions_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")

    with pytest.raises(MemoryError, match="2 pieces of 67108864 bytes fit"):
        FaultyModel().predict([FILL])


def test_it_sleeps_for_longer_than_a_call_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)

    FaultyModel().predict([SLEEP])

    assert slept == [SLEEP_SECONDS]
    assert Template.read().function_seconds("InferBatchFunction") < SLEEP_SECONDS
