"""The programs in examples/ do what their pages say, by the commands that those pages show."""

import csv
import importlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from hundredfold.model.bundle import Bundle
from hundredfold.model.engine import Engine, LibraryLayer
from hundredfold_cli.models.engines import with_engine
from hundredfold_cli.models.layers import layer_archive
from hundredfold_cli.models.packaging import read_bundle
from hundredfold_cli.models.releases import Live, Releases
from hundredfold_cli.stack.checkout import ROOT
from hundredfold_cli.stack.deployment import Deployment
from layers.build import build_dependencies
from tests.support.deployed import COMMAND_SECONDS, Stack
from tests.support.examples import run_examples
from tests.unit.answering_server import AnsweringServer, json_reply


@pytest.fixture
def with_pandas(stack: Stack, tmp_path: Path) -> Deployment:
    """The stack as `make up EXTRAS="pandas"` deploys it: with another dependencies layer."""
    architecture = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
    archive = build_dependencies(architecture, ["pandas"], tmp_path / "layer/dependencies.zip")
    key = "tests/dependencies-with-pandas.zip"
    stack.deployment.s3.upload_file(str(archive), stack.deployment.work_bucket, key)
    layer = stack.deployment.lambda_.publish_layer_version(
        LayerName="hundredfold-dependencies", Content={"S3Bucket": stack.deployment.work_bucket, "S3Key": key}
    )["LayerVersionArn"]
    library_layers = {**stack.deployment.library_layers, LibraryLayer.DEPENDENCIES: layer}
    return replace(stack.deployment, library_layers=library_layers)


@dataclass(frozen=True)
class Checkout:
    """A folder with a copy of examples/, and what its examples write into build/."""

    folder: Path

    @property
    def build(self) -> Path:
        return self.folder / "build"

    def page(self, name: str) -> Path:
        return self.folder / "examples" / name

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Read a file of JSON Lines in build/."""
        return [json.loads(line) for line in (self.build / name).read_text().splitlines()]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("PATH", f"{ROOT / '.venvs/tools/bin'}{os.pathsep}{os.environ['PATH']}")  # node
    return Checkout(tmp_path)


def test_the_table_lists_every_example() -> None:
    listed = re.findall(r"^\| \[([\w.]+)\]", (ROOT / "examples/README.md").read_text(), re.MULTILINE)

    there = [path.name for path in (ROOT / "examples").iterdir() if path.name not in {"README.md", "__pycache__"}]
    assert sorted(listed) == sorted(there)


def test_text_model(stack: Stack, checkout: Checkout, bundle: Bundle) -> None:
    run_examples(stack, checkout.page("text_model/README.md"), checkout.folder)

    records, rows = checkout.rows("reviews.jsonl"), checkout.rows("sentiments.jsonl")
    assert len(records) == 300
    assert [row["record_id"] for row in rows] == [record["id"] for record in records]
    answers = bundle.predict([(record["text"],) for record in records])
    assert [row["label"] for row in rows] == [label for label, _ in answers]
    assert [row["score"] for row in rows] == pytest.approx([score for _, score in answers], abs=1e-12)


def test_tabular_regressor(stack: Stack, checkout: Checkout, with_pandas: Deployment, tmp_path: Path) -> None:
    run_examples(stack, checkout.page("tabular_regressor/README.md"), checkout.folder)

    folder = checkout.build / "patients"
    patients = pd.read_csv(folder / "patients.csv", dtype={"id": str, "sex": str})
    with (folder / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["record_id"] for row in rows] == patients["id"].tolist()
    assert [row["weight_class"] for row in rows] == patients["weight_class"].tolist()
    assert [float(row["age"]) for row in rows] == patients["age"].tolist()
    expected = joblib.load(folder / "regressor.joblib").predict(patients.drop(columns="id"))
    assert len(set(expected)) > 80  # of 89: a model that answers
    assert [float(row["value"]) for row in rows] == pytest.approx(expected.tolist(), rel=1e-12)
    assert read_bundle(folder / "bundle")[0].engine.engine is Engine.COMPILED

    # By scikit-learn it answers the same, and there it needs pandas
    bundle = with_engine(folder / "bundle", Engine.SCIKIT_LEARN, tmp_path / "by_scikit_learn")
    Releases(with_pandas).publish(layer_archive(bundle), *read_bundle(bundle))
    assert stack.command("ingest", str(folder / "patients.csv")).returncode == 0
    again = [json.loads(line) for line in stack.command("results").stdout.splitlines()]
    assert stack.command("model", "rollback").returncode == 0
    assert [row["value"] for row in again] == pytest.approx(expected.tolist(), rel=1e-12)


def test_feature_code(stack: Stack, live: Live, checkout: Checkout) -> None:
    run_examples(stack, checkout.page("feature_code/README.md"), checkout.folder)

    folder = checkout.build / "wines"
    records, rows = checkout.rows("wines/wines.jsonl"), checkout.rows("wines/cultivars.jsonl")
    assert [row["record_id"] for row in rows] == [record["id"] for record in records]
    values = np.array([[value for name, value in record.items() if name != "id"] for record in records])
    features = joblib.load(folder / "features.joblib").transform(values)
    assert np.corrcoef(features[:, 0], values[:, 0] / values[:, 1])[0, 1] == pytest.approx(1)  # it is the ratio, scaled
    classifier = joblib.load(folder / "classifier.joblib")
    assert [row["label"] for row in rows] == classifier.predict(features).tolist()
    assert [row["score"] for row in rows] == pytest.approx(classifier.predict_proba(features).max(axis=1), abs=1e-12)
    assert {row["label"] for row in rows} == {"class_0", "class_1", "class_2"}
    assert stack.read("model", "show")["version"] == live.version


def test_a_class_of_a_module_of_ones_own_is_refused_as_the_page_on_feature_code_says(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_features.py").write_text("class Ratio:\n    def transform(self, rows):\n        return rows\n")
    monkeypatch.syspath_prepend(tmp_path)
    joblib.dump(importlib.import_module("my_features").Ratio(), tmp_path / "ratio.joblib")

    packaged = stack.command("model", "package", str(tmp_path / "ratio.joblib"), "-o", str(tmp_path / "bundle"))

    assert packaged.returncode == 2
    assert "ratio.joblib needs the module my_features, which inference would not have" in packaged.stderr
    assert not (tmp_path / "bundle").exists()


def test_an_ingest_by_boto3_and_a_prediction_by_node(stack: Stack, checkout: Checkout, bundle: Bundle) -> None:
    [printed] = run_examples(stack, checkout.page("README.md"), checkout.folder)

    summary = json.loads((checkout.build / "orders.json").read_text())
    counts = {name: summary[name] for name in ("status", "records", "predicted", "rejected", "failed")}
    assert counts == {"status": "COMPLETED", "records": 1, "predicted": 1, "rejected": 0, "failed": 0}
    looked_up = stack.command("results", "orders-of-today", "--id", "order-4711")
    prediction = json.loads(printed)
    [(label, score)] = bundle.predict([("Arrived late, but works well.",)])
    assert prediction == {
        "record_id": "order-4711",
        "ingest_id": "orders-of-today",
        "label": label,
        "score": pytest.approx(score, abs=1e-12),
        "model_version": summary["model_version"],
        "batch": 0,
        "predicted_at": json.loads(looked_up.stdout)["predicted_at"],
    }


def test_an_ingest_by_boto3_that_fails_says_why(stack: Stack, checkout: Checkout, new_id: Callable[[], str]) -> None:
    broken = checkout.folder / "broken.json"
    broken.write_text('{"id": "a", "text": "no array"}')

    ended = subprocess.run(
        [sys.executable, checkout.page("start_ingest.py"), broken, "--id", new_id()],
        env={**os.environ, **stack.process.environment()},
        capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False,
    )  # fmt: skip

    assert ended.returncode == 1
    assert "FAILED: " in ended.stderr
    assert "broken.json" in ended.stderr
    assert ended.stdout == ""


def read_by_node(checkout: Checkout, environment: Mapping[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["node", checkout.page("read_prediction.mjs"), *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )


def test_node_says_that_a_prediction_is_not_there(stack: Stack, checkout: Checkout) -> None:
    table = stack.deployment.predictions_table

    missing = read_by_node(checkout, stack.process.environment(), table, "no-such-ingest", "order-4711")
    nameless = read_by_node(checkout, stack.process.environment(), table)

    assert (missing.returncode, missing.stdout) == (1, "")
    assert "no-such-ingest has no prediction of order-4711" in missing.stderr
    assert nameless.returncode == 2
    assert "usage: node read_prediction.mjs TABLE INGEST_ID RECORD_ID" in nameless.stderr


def test_node_signs_its_request_as_botocore_does(checkout: Checkout) -> None:
    """The local stack looks at no signature, so this is the only check of it."""
    item = {
        "record_id": {"S": "a"},
        "outputs": {"M": {"price": {"M": {"value": {"N": "-1.5e-07"}}}}},
    }
    environment = {
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG",
        "AWS_SESSION_TOKEN": "token/of+a=session",
        "AWS_REGION": "eu-central-1",
    }
    with AnsweringServer() as server:
        server.answer = lambda _: json_reply({"Item": item})

        printed = read_by_node(checkout, {**environment, "AWS_ENDPOINT_URL": server.url}, "table", "ingest", "idé")

    assert json.loads(printed.stdout) == {"record_id": "a", "outputs": {"price": {"value": -1.5e-07}}}
    [request] = server.requests
    assert request.json["Key"] == {"record_id": {"S": "idé"}, "ingest_id": {"S": "ingest"}}
    sent = {name.lower(): value for name, value in request.headers.items()}
    credentials = Credentials(*list(environment.values())[:3])
    auth = SigV4Auth(credentials, "dynamodb", environment["AWS_REGION"])
    signed = sent["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    again = AWSRequest("POST", f"{server.url}/", {name: sent[name] for name in signed}, request.body)
    again.context["timestamp"] = sent["x-amz-date"]
    expected = auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again)
    assert {"host", "x-amz-date", "x-amz-security-token", "x-amz-target"} <= set(signed)
    assert sent["authorization"] == (
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{sent['x-amz-date'][:8]}/eu-central-1/dynamodb/aws4_request, "
        f"SignedHeaders={';'.join(signed)}, Signature={expected}"
    )
