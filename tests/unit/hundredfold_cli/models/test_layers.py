"""The zip of a model's layer."""

import io
import zipfile
from pathlib import Path

import pytest

from hundredfold_cli.models.layers import layer_archive


def test_the_layer_is_built_whatever_folder_the_command_runs_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bundle/code").mkdir(parents=True)
    (tmp_path / "bundle/bundle.json").write_text('{"files": {"model.joblib": "", "code/mine.py": ""}}')
    (tmp_path / "bundle/code/mine.py").write_bytes(b"ONE = 1")
    (tmp_path / "bundle/model.joblib").write_bytes(b"a model")
    monkeypatch.chdir(tmp_path)

    archive = zipfile.ZipFile(io.BytesIO(layer_archive(Path("bundle"))))

    inside = "python/hundredfold_model/bundle/"
    assert archive.read(f"{inside}model.joblib") == b"a model"
    assert archive.read(f"{inside}code/mine.py") == b"ONE = 1"
    assert f"{inside}bundle.json" in archive.namelist()
