"""The life of a model on a deployed stack: package, publish, ingest, take back; and what is refused on the way."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hundredfold.model.bundle import Bundle
from hundredfold_cli.deploy import deploy_locally
from hundredfold_cli.models.pruning import Pruner
from hundredfold_cli.models.releases import Live, ReleaseRefusedError, Releases
from hundredfold_cli.stack.contents import contents_of
from tests.support.deployed import Stack
from tests.support.kinds.check import CODE

DEADLINE_SECONDS = 120

TEXTS = ["I loved this wonderful film", "a brilliant cast", "I hated the dull plot", "its awful music"]
LABELS = ["good", "good", "bad", "bad"]


@pytest.fixture
def three_files(tmp_path: Path) -> tuple[Path, list[Any]]:
    """Two preprocessors and a classifier, each in a file of its own; and the three themselves."""
    vectorizer = CountVectorizer().fit(TEXTS)
    counts = TfidfTransformer().fit(vectorizer.transform(TEXTS))
    model = LogisticRegression(C=10).fit(counts.transform(vectorizer.transform(TEXTS)), LABELS)
    folder = tmp_path / "three"
    folder.mkdir()
    steps = [vectorizer, counts, model]
    for name, step in zip(("PreProc1", "PreProc2", "MyModel"), steps, strict=True):
        joblib.dump(step, folder / f"{name}.joblib")
    (folder / "sample.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    return folder, steps


def package(stack: Stack, *arguments: object) -> None:
    told = stack.command("model", "package", *map(str, arguments))
    assert told.returncode == 0, told.stderr


def package_three(stack: Stack, folder: Path) -> Path:
    files = [folder / f"{name}.joblib" for name in ("PreProc1", "PreProc2", "MyModel")]
    bundle = folder / "bundle"
    package(stack, *files, "--name", "three", "--sample", folder / "sample.jsonl", "-o", bundle)
    return bundle


def function_layers(stack: Stack) -> list[str]:
    """The layers of the live version, without the model's."""
    return [arn for arn in stack.read("model", "show")["layers"] if ":hundredfold-model:" not in arn]


def names(layers: list[str]) -> list[str]:
    return [arn.split(":")[-2].removeprefix("hundredfold-") for arn in layers]


def code_of(stack: Stack, version: str) -> str:
    config = stack.deployment.lambda_.get_function_configuration(
        FunctionName=stack.deployment.infer_function, Qualifier=version
    )
    return config["CodeSha256"]


def test_a_model_goes_live_and_back_each_with_one_command_and_nothing_else_changes(
    stack: Stack, live: Live, three_files: tuple[Path, list[Any]], few_records: Path, texts: list[str],
    new_id: Callable[[], str],
) -> None:  # fmt: skip
    # Given an ingest with the model that is live, and a bundle of three files
    folder, (vectorizer, counts, model) = three_files
    bundle = package_three(stack, folder)
    layers = function_layers(stack)
    assert names(layers) == ["decoder", "core"]
    ids = [new_id() for _ in range(3)]
    before = stack.read("ingest", str(few_records), "--id", ids[0])

    # When the bundle is published, and taken back
    published = stack.read("model", "publish", str(bundle))
    between = stack.read("ingest", str(few_records), "--id", ids[1])
    assert function_layers(stack) == layers
    back = stack.read("model", "rollback")
    after = stack.read("ingest", str(few_records), "--id", ids[2])

    # Then nothing but the model's layer was another, and every prediction carries the version that made it
    assert function_layers(stack) == layers
    assert code_of(stack, published["version"]) == code_of(stack, live.version)
    assert published["version"] != live.version == back["version"]
    versions = [live.version, published["version"], live.version]
    assert [summary["model_version"] for summary in (before, between, after)] == versions
    rows = [[json.loads(line) for line in stack.command("results", one).stdout.splitlines()] for one in ids]
    assert [{row["model_version"] for row in ingest} for ingest in rows] == [{version} for version in versions]
    assert rows[0] != rows[1]
    assert [row["label"] for row in rows[0]] == [row["label"] for row in rows[2]]

    # And the three files in order answer as they do by hand, for all records
    features = counts.transform(vectorizer.transform(texts[:250]))
    assert [row["label"] for row in rows[1]] == list(model.predict(features))
    scores = [row["score"] for row in rows[1]]
    assert scores == pytest.approx(model.predict_proba(features).max(axis=1).tolist(), abs=1e-12)

    # And what was published is listed, shown and told apart
    listed = {one["version"]: one for one in stack.read("model", "list")}
    assert listed[live.version]["live"]
    assert not listed[published["version"]]["live"]
    assert listed[published["version"]]["model"] == "three"
    assert stack.read("model", "show", published["version"])["card"]["classes"] == ["bad", "good"]
    difference = stack.read("model", "diff", live.version, published["version"])
    assert difference["steps"][1] == "PreProc1.joblib → PreProc2.joblib → MyModel.joblib"
    assert stack.read("model", "diff", published["version"], str(bundle)) == {}

    # And published again it is the same version, nothing is published twice
    assert stack.read("model", "publish", str(bundle)) == {**published, "live": True}
    assert stack.read("model", "publish", str(bundle)) == {**published, "live": True}


def test_an_ingest_that_is_overtaken_by_a_release_ends_on_its_own_model(
    stack: Stack, live: Live, three_files: tuple[Path, list[Any]], records: Path, new_id: Callable[[], str]
) -> None:
    bundle = package_three(stack, three_files[0])
    ingest_id = new_id()
    assert stack.command("ingest", str(records), "--id", ingest_id, "--detach").returncode == 0
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not list(stack.deployment.ledger.entries(ingest_id)):
        assert time.monotonic() < deadline, "no batch was inferred"
        time.sleep(0.05)

    assert Releases(stack.deployment).running() == {live.version: [ingest_id]}

    published = stack.read("model", "publish", str(bundle))
    summary = json.loads(stack.command("watch", ingest_id, "--json").stdout)

    assert published["version"] != live.version
    assert (summary["status"], summary["predicted"], summary["model_version"]) == ("COMPLETED", 3_001, live.version)
    rows = [json.loads(line) for line in stack.command("results", ingest_id).stdout.splitlines()]
    assert [row["model_version"] for row in rows] == [live.version] * 3_001


class Busy(Releases):
    """As if an ingest ran on a version."""

    def __init__(self, stack: Stack, version: str) -> None:
        super().__init__(stack.deployment)
        self._busy = version

    def in_use(self) -> dict[str, str]:
        return {self._busy: "ingest some-ingest is not finished"}


def test_old_versions_are_pruned_but_never_one_that_is_live_or_in_use(
    stack: Stack, live: Live, three_files: tuple[Path, list[Any]]
) -> None:
    folder, _ = three_files
    published = []
    for number in range(3):
        bundle = folder / f"bundle-{number}"
        package(stack, folder / "PreProc1.joblib", folder / "PreProc2.joblib", folder / "MyModel.joblib",
                "--notes", f"number {number}", "-o", bundle)  # fmt: skip
        published.append(stack.read("model", "publish", str(bundle)))
    stack.read("model", "rollback", live.version)
    gone, used, newest = published

    pruned = Pruner(stack.deployment, Busy(stack, used["version"]), contents_of(stack.deployment)).prune(1)

    assert gone["version"] in {version.number for version in pruned.versions}
    assert pruned.kept == {used["version"]: "ingest some-ingest is not finished", live.version: "it is live"}
    assert {one["version"] for one in stack.read("model", "list")} == {live.version, used["version"], newest["version"]}
    layers = stack.deployment.lambda_.list_layer_versions(LayerName="hundredfold-model")["LayerVersions"]
    left = {layer["LayerVersionArn"] for layer in layers}
    assert gone["model_layer"] not in left
    assert {used["model_layer"], newest["model_layer"], stack.deployment.model_layer} <= left


def publish_numbered(stack: Stack, folder: Path, number: int) -> dict[str, Any]:
    bundle = folder / f"bundle-{number}"
    package(stack, folder / "PreProc1.joblib", folder / "PreProc2.joblib", folder / "MyModel.joblib",
            "--notes", f"kept {number}", "-o", bundle)  # fmt: skip
    published: dict[str, Any] = stack.read("model", "publish", str(bundle))
    return published


def test_a_failed_ingest_keeps_its_version_until_it_is_finished(
    stack: Stack, live: Live, three_files: tuple[Path, list[Any]], few_records: Path, new_id: Callable[[], str]
) -> None:
    # Given an ingest whose execution was stopped, and newer versions than its own
    published = publish_numbered(stack, three_files[0], 1)
    ingest_id = new_id()
    stack.process.end_workers()
    assert stack.command("ingest", str(few_records), "--id", ingest_id, "--detach").returncode == 0
    deadline = time.monotonic() + DEADLINE_SECONDS
    while stack.deployment.ledger.ingest(ingest_id) is None:
        assert time.monotonic() < deadline, "the ingest was not planned"
        time.sleep(0.02)
    stack.deployment.step_functions.stop_execution(executionArn=stack.deployment.execution(ingest_id))
    assert stack.read("summary", ingest_id)["status"] == "FAILED"
    publish_numbered(stack, three_files[0], 2)
    stack.read("model", "rollback", live.version)

    # When old versions are pruned, then its version stays, and the ingest is finished on it
    pruned = stack.read("model", "prune", "--keep", "1", "--yes")
    assert f"ingest {ingest_id} is not finished" in pruned["kept"][published["version"]]
    assert stack.read("resume", ingest_id)["model_version"] == published["version"]

    # And when it is finished, its version goes
    assert published["version"] in stack.read("model", "prune", "--keep", "1", "--yes")["deleted"]


def test_of_four_publishes_at_once_one_is_live_and_all_others_are_told_so(
    stack: Stack, live: Live, three_files: tuple[Path, list[Any]]
) -> None:
    bundles = []
    for number in range(4):
        bundle = three_files[0] / f"bundle-{number}"
        files = [three_files[0] / f"{name}.joblib" for name in ("PreProc1", "PreProc2", "MyModel")]
        package(stack, *files, "--name", "three", "--notes", f"at once {number}", "-o", bundle)
        bundles.append(bundle)
    releases = Releases(stack.deployment)

    for _ in range(2):  # in the second round, all four were published before
        before = releases.require_live().version
        commands = [stack.begin("model", "publish", str(bundle), "--json") for bundle in bundles]
        done = [(*command.communicate(timeout=DEADLINE_SECONDS), command.returncode) for command in commands]

        now = releases.require_live()
        published = [json.loads(out)["version"] for out, _, code in done if code == 0]
        assert now.version in published
        # Those that succeeded one after the other were all live
        assert set(published) <= {now.version, *now.before[: len(published)], before}
        for _, errors, code in done:
            assert code == 0 or (code == 2 and " has been publishing model three since " in errors), errors
            assert "smoke test" not in errors
        # Which model is on the function and on the version that is live, is one and the same
        latest = stack.deployment.lambda_.get_function_configuration(FunctionName=stack.deployment.infer_function)
        card = latest["Environment"]["Variables"]["MODEL_CARD_SHA256"]
        assert releases.version(now.version).card == card


def test_a_deployment_keeps_the_live_model_unless_it_is_told_otherwise(
    stack: Stack, live: Live, three_files: tuple[Path, list[Any]], tmp_path: Path
) -> None:
    published = stack.read("model", "publish", str(package_three(stack, three_files[0])))
    layers = function_layers(stack)

    # Deployed again, nothing is new
    deploy_locally(stack.process.environment(), tmp_path / "again.log")
    assert stack.read("model", "show")["version"] == published["version"]

    # Deployed with another setting, a new version has it, and the same model
    said: list[str] = []
    deploy_locally(stack.process.environment(), tmp_path / "changed.log", {"InferMemoryMB": "1024"}, say=said.append)
    assert "InferMemoryMB is 1024 (default: 1769)" in said[-1]
    changed = stack.read("model", "show")
    assert changed["version"] not in {published["version"], live.version}
    assert changed["card_sha256"] == published["card_sha256"]
    config = stack.deployment.lambda_.get_function_configuration(
        FunctionName=stack.deployment.infer_function, Qualifier=changed["version"]
    )
    assert config["MemorySize"] == 1024
    assert function_layers(stack) == layers

    # A model that was live before the change comes back without what was deployed before the change
    back = stack.read("model", "rollback", live.version)
    assert back["version"] not in {published["version"], live.version, changed["version"]}
    assert back["model_layer"] == stack.read("model", "show", live.version)["model_layer"]

    # Told so, a deployment makes the model live that was built with it; and then all is as it was
    stack.read("model", "rollback", changed["version"])
    deploy_locally(stack.process.environment(), tmp_path / "built.log", {"InferMemoryMB": "1769"}, built_model=True)
    assert stack.read("model", "show")["card_sha256"] == stack.read("model", "show", live.version)["card_sha256"]


def number_fields(names: list[str]) -> list[str]:
    return [word for name in names for word in ("--field", f"{name}:number")]


def write_table(file: Path, names: list[str], rows: np.ndarray[Any, Any]) -> Path:
    lines = ({"id": f"r{number}", **dict(zip(names, row.tolist(), strict=True))} for number, row in enumerate(rows))
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def test_a_table_of_numbers_and_a_regressor_go_all_the_way(
    stack: Stack, live: Live, tmp_path: Path, new_id: Callable[[], str]
) -> None:
    cancer, diabetes = load_breast_cancer(), load_diabetes()
    columns = [name.replace(" ", "_") for name in cancer.feature_names]
    classifier = make_pipeline(StandardScaler(), LogisticRegression()).fit(
        cancer.data, cancer.target_names[cancer.target]
    )
    regressor = LinearRegression().fit(diabetes.data, diabetes.target)
    cases: list[tuple[str, Any, list[str], np.ndarray[Any, Any]]] = [
        ("cancer", classifier, columns, cancer.data),
        ("diabetes", regressor, list(diabetes.feature_names), diabetes.data),
    ]
    exported: dict[str, list[dict[str, Any]]] = {}
    for name, model, names, rows in cases:
        joblib.dump(model, tmp_path / f"{name}.joblib")
        records = write_table(tmp_path / f"{name}.jsonl", names, rows)
        bundle = tmp_path / f"{name}-bundle"
        package(stack, tmp_path / f"{name}.joblib", *number_fields(names), "--sample", records, "-o", bundle)
        stack.read("model", "publish", str(bundle))
        ingest_id = new_id()
        told = stack.command("ingest", str(records), "--id", ingest_id)
        assert told.returncode == 0, told.stderr
        assert "A few predictions" in told.stdout
        exported[name] = [json.loads(line) for line in stack.command("results", ingest_id).stdout.splitlines()]
        assert stack.read("verify", ingest_id)["ok"]

    assert [row["label"] for row in exported["cancer"]] == list(classifier.predict(cancer.data))
    assert [row["score"] for row in exported["cancer"]] == pytest.approx(
        classifier.predict_proba(cancer.data).max(axis=1).tolist(), abs=1e-9
    )
    values = regressor.predict(diabetes.data).tolist()
    assert [row["value"] for row in exported["diabetes"]] == pytest.approx(values)
    assert set(exported["diabetes"][0]) == {"record_id", "value", "model_version", "predicted_at", "batch"}


def test_a_shadow_answers_beside_the_live_model_and_cannot_touch_it(
    stack: Stack, live: Live, three_files: tuple[Path, list[Any]], records: Path, few_records: Path, texts: list[str],
    tmp_path: Path, bundle: Bundle, new_id: Callable[[], str],
) -> None:  # fmt: skip
    # Given a challenger that was released and taken back, and a version that can answer none of these records
    folder, (vectorizer, counts, model) = three_files
    challenger = stack.read("model", "publish", str(package_three(stack, folder)))["version"]
    joblib.dump(LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0]), tmp_path / "line.joblib")
    package(stack, tmp_path / "line.joblib", "--field", "a:number", "-o", tmp_path / "line")
    misfit = stack.read("model", "publish", str(tmp_path / "line"))["version"]
    stack.read("model", "rollback", live.version)

    # When an ingest is shadowed by each
    ids = [new_id(), new_id()]
    good, bad = (
        stack.command("ingest", str(records), "--id", one, "--shadow", version, "--sample", "20%")
        for one, version in zip(ids, (challenger, misfit), strict=True)
    )

    # Then all live results are the live model's, whatever became of the shadow
    expected = [label for label, _ in bundle.predict([(text,) for text in texts])]
    for told, one in zip((good, bad), ids, strict=True):
        assert told.returncode == 0, told.stderr
        rows = [json.loads(line) for line in stack.command("results", one).stdout.splitlines()]
        assert [row["label"] for row in rows] == expected
        assert {row["model_version"] for row in rows} == {live.version}
        assert stack.read("verify", one)["ok"]

    # And the challenger's predictions lie apart, of a share of the batches, with the disagreement in the summary
    shadow = [
        json.loads(line) for line in stack.command("results", f"{ids[0]}.shadow-{challenger}").stdout.splitlines()
    ]
    assert {row["model_version"] for row in shadow} == {challenger}
    assert 100 <= len(shadow) <= 1_500
    by_hand = model.predict(counts.transform(vectorizer.transform(texts))).tolist()
    numbers = [int(row["record_id"].removeprefix("r-")) for row in shadow]
    assert [row["label"] for row in shadow] == [by_hand[number] for number in numbers]
    summary = stack.read("summary", ids[0])
    # Their labels have other names, so they disagree on all
    assert summary["shadow"]["compared"] == summary["shadow"]["disagreed"] == len(shadow)
    assert f"version {challenger} disagrees on {len(shadow):,} of {len(shadow):,} records" in good.stdout
    [comparison] = stack.read("model", "shadow", ids[0])
    assert comparison["agreement"] == 0.0
    listed = stack.deployment.cloudwatch.list_metrics(Namespace="Hundredfold", MetricName="ShadowDisagreed")
    assert [metric["Dimensions"] for metric in listed["Metrics"]] == [[{"Name": "service", "Value": "hundredfold"}]]

    # And the one that failed is said, and no more than that
    assert "the ingest itself is not affected" in bad.stderr
    assert re.search(r"missing_field: all \d+ records were rejected$", stack.read("summary", ids[1])["shadow"]["error"])
    assert stack.read("summary")["ingest_id"] == ids[1]

    # And the live model itself, by scikit-learn, agrees on every record
    same = stack.command("ingest", str(few_records), "--shadow", "scikit-learn", "--sample", "100%", "--json")
    assert same.returncode == 0, same.stderr
    engines = json.loads(same.stdout)["shadow"]
    assert (engines["compared"], engines["disagreed"]) == (250, 0)
    by_scikit_learn = stack.read("model", "show", engines["version"])
    assert names(by_scikit_learn["layers"]) == ["dependencies", "core", "model"]
    assert stack.read("model", "show")["version"] == live.version
    assert stack.read("model", "diff", live.version, engines["version"]).keys() == {"card", "engine"}


def test_a_tampered_file_is_refused_before_anything_is_opened_or_published(
    stack: Stack, live: Live, three_files: tuple[Path, list[Any]], tmp_path: Path
) -> None:
    bundle = package_three(stack, three_files[0])
    proof = tmp_path / "opened"
    joblib.dump(Trap(proof), bundle / "MyModel.joblib")
    there = [one["version"] for one in stack.read("model", "list")]

    told = stack.command("model", "publish", str(bundle))

    assert told.returncode == 2
    assert "MyModel.joblib is not the file that its card describes" in told.stderr
    assert "package the model again" in told.stderr
    assert not proof.exists()
    assert [one["version"] for one in stack.read("model", "list")] == there

    # The trap works: packaged, it is opened
    stack.command("model", "package", str(bundle / "MyModel.joblib"), "-o", str(tmp_path / "trapped"))
    assert proof.exists()


class Trap:
    """Unpickled, it creates a file: the proof that it was opened."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.proof,)


def test_what_fails_its_smoke_test_does_not_go_live_and_leaves_nothing_behind(
    stack: Stack, live: Live, three_files: tuple[Path, list[Any]], tmp_path: Path
) -> None:
    releases = Releases(stack.deployment)
    there = [version.number for version in releases.versions()]

    # Given a model of data frames, whose pandas the deployed dependencies layer lacks
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    joblib.dump(LinearRegression().fit(frame, [1.0, 2.0, 3.0]), tmp_path / "frame.joblib")
    options = ("--engine", "scikit-learn", "--field", "a:number", "--input", "dataframe", "-o", tmp_path / "framed")
    package(stack, tmp_path / "frame.joblib", *options)
    told = stack.command("model", "publish", str(tmp_path / "framed"))
    assert told.returncode == 2
    assert f"failed its smoke test, so version {live.version} stays live" in told.stderr
    assert "pandas" in told.stderr

    # And one whose card says another answer than it gives
    bundle = package_three(stack, three_files[0])
    card = json.loads((bundle / "bundle.json").read_text())
    card["sample"]["answers"][0][1] = 0.123
    (bundle / "bundle.json").write_text(json.dumps(card))
    told = stack.command("model", "publish", str(bundle))
    assert told.returncode == 2
    assert "record 1 of the sample is ['good'" in told.stderr

    # Then the live model is what it was, and there is no version more
    assert releases.live() == live
    assert [version.number for version in releases.versions()] == there


def test_a_skops_bundle_is_packaged_and_opens_only_what_is_trusted(stack: Stack, tmp_path: Path) -> None:
    skops.io.dump(LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0]), tmp_path / "line.skops")
    package(stack, tmp_path / "line.skops", "--field", "a:number", "-o", tmp_path / "bundle")

    card = json.loads((tmp_path / "bundle/bundle.json").read_text())
    assert "skops" in card["versions"]


def test_packaged_again_a_bundle_is_the_same_to_the_byte(
    stack: Stack, three_files: tuple[Path, list[Any]], tmp_path: Path
) -> None:
    bundle = package_three(stack, three_files[0])
    first = shutil.copytree(bundle, tmp_path / "first")

    package_three(stack, three_files[0])

    assert {file.name: file.read_bytes() for file in bundle.iterdir()} == {
        file.name: file.read_bytes() for file in first.iterdir()
    }


def test_a_release_that_another_one_has_overtaken_is_refused(stack: Stack, live: Live) -> None:
    releases = Releases(stack.deployment)

    with pytest.raises(ReleaseRefusedError, match="someone else has made another version live meanwhile"):
        releases.point_to(live.version, Live(live.version, live.before, "a revision of before"))

    assert releases.live() == live


def test_what_is_not_there_is_said_in_one_line(stack: Stack) -> None:
    told = stack.command("model", "show", "999")
    assert told.returncode == 3
    assert "there is no version 999 of the model; there are: " in told.stderr
    told = stack.command("model", "publish", "no-such-folder")
    assert told.returncode == 2
    assert "holds no bundle; make one with: hundredfold model package" in told.stderr


USERS_SCRIPT = """
import json, joblib, numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from my_features import Ratios

rows = np.random.default_rng(0).normal(size=(250, 3)).round(3)
classes = np.where(rows[:, 0] > 0, 20, 10) + (rows[:, 2] > 1)
rows[::7, 1] = np.nan
model = make_pipeline(Ratios(), HistGradientBoostingClassifier(max_iter=5)).fit(rows, classes)
joblib.dump(model, "model.joblib")
plain = [[None if np.isnan(value) else value for value in row] for row in rows.tolist()]
answers = [model.predict(rows).tolist(), model.predict_proba(rows).max(axis=1).tolist()]
json.dump({"rows": plain, "answers": answers}, open("data.json", "w"))
"""


def test_a_model_with_code_of_its_own_missing_values_and_integer_classes_goes_all_the_way(
    stack: Stack, live: Live, tmp_path: Path, new_id: Callable[[], str]
) -> None:
    # Given a model that a user's script has saved, which imports a module of the user's own
    shutil.copyfile(CODE, tmp_path / "my_features.py")
    (tmp_path / "fit.py").write_text(USERS_SCRIPT)
    subprocess.run([sys.executable, "fit.py"], cwd=tmp_path, check=True)
    data = json.loads((tmp_path / "data.json").read_text())
    records = [{"id": f"r{number}", **dict(zip("abc", row, strict=True))} for number, row in enumerate(data["rows"])]
    (tmp_path / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    pd.DataFrame(records).to_csv(tmp_path / "records.csv", index=False)

    # When it is packaged with a sample and its code, published, and scored from two files
    options = ("--sample", tmp_path / "records.csv", "--baseline", tmp_path / "records.csv")
    package(stack, tmp_path / "model.joblib", *options, "--code", tmp_path / "my_features.py", "-o", tmp_path / "b")
    published = stack.read("model", "publish", str(tmp_path / "b"))
    ids = {name: new_id() for name in ("records.jsonl", "records.csv")}
    summaries = [stack.read("ingest", str(tmp_path / name), "--id", id_) for name, id_ in ids.items()]

    # Then every class is the number that it was, every score is the model's own, and nothing has drifted
    for ingest_id, summary in zip(ids.values(), summaries, strict=True):
        rows = [json.loads(line) for line in stack.command("results", ingest_id).stdout.splitlines()]
        assert [row["label"] for row in rows] == data["answers"][0]
        assert [row["score"] for row in rows] == pytest.approx(data["answers"][1], abs=1e-12)
        assert (summary["rejected"], summary["predicted"]) == (0, 250)
        assert max(summary["drift"][part]["index"] for part in ("labels", "scores", "inputs")) < 0.01
    key = {"record_id": {"S": "r0"}, "ingest_id": {"S": ids["records.csv"]}}
    item = stack.deployment.dynamodb.get_item(TableName=stack.deployment.predictions_table, Key=key)["Item"]
    assert item["label"] == {"N": str(data["answers"][0][0])}
    assert stack.command("verify", ids["records.csv"], "--again").returncode == 0

    # And it is taken back
    card = stack.read("model", "show", published["version"])["card"]
    assert "code/my_features.py" in card["files"]
    assert [field.get("nullable", False) for field in card["signature"]["fields"]] == [False, True, False]
    assert stack.read("model", "rollback")["version"] == live.version
