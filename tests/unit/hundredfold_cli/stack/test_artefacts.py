"""What is built before a deployment: in an installed wheel only what its inputs changed of."""

from pathlib import Path

import pytest

from hundredfold.model.card import CARD, Card
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold_cli.errors import NotThereError
from hundredfold_cli.stack import artefacts


class Wheel:
    """An installed wheel whose builder only notes what it was asked to build."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.model, self.built = folder / "cache", folder / "model", list[str]()
        build = self.root / "build"
        self.archives = {
            name: build / f"{name}.zip"
            for name in ("dependencies", "numpy", "decoder", "readers", "core", "model", "functions")
        }
        for path in ("layers/build.py", "functions/infer_batch/handler.py", "requirements/extras/pandas.txt"):
            self.write(path, "first")
        for name in ("core", "dependencies", "numpy", "decoder", "readers"):
            self.write(f"requirements/{name}.txt", "first")
        self.model.mkdir()
        self.package("first")
        for name, value in {
            "IN_CHECKOUT": False,
            "ROOT": self.root,
            "BUNDLE": build / "bundle",
            "BUILT": tuple(self.archives.values()),
            "_STAMPS": build / "built.json",
            "unpack": lambda: self.root,
            "run_builder": self.build,
        }.items():
            monkeypatch.setattr(artefacts, name, value)

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def package(self, name: str, requires: tuple[str, ...] = ()) -> None:
        signature = Signature((Field("text", FieldType.TEXT),))
        versions = dict.fromkeys(("python", *requires), "1")
        card = Card(name, ("model.joblib",), signature, ("no", "yes"), versions, {"model.joblib": "0" * 64})
        (self.model / CARD).write_bytes(card.to_json())

    def build(self, *arguments: str) -> None:
        self.built.append(" ".join(arguments).replace(str(self.root), "").strip())
        for name in set(arguments) & set(self.archives):
            self.archives[name].write_text(name)

    def provide(self, bundle: Path | None = None, architecture: str = "x86_64") -> list[str]:
        self.built.clear()
        artefacts.provide(bundle, architecture, lambda _: None)
        assert self.built.pop() == "check"
        return self.built


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheel:
    return Wheel(tmp_path, monkeypatch)


ALL = [
    "--architecture x86_64 dependencies --extras",
    "--architecture x86_64 numpy",
    "--architecture x86_64 decoder",
    "--architecture x86_64 readers",
    "core",
    "model /build/bundle",
    "functions",
]


def test_everything_is_built_once(wheel: Wheel) -> None:
    assert wheel.provide(wheel.model) == ALL
    assert wheel.provide() == []
    assert wheel.provide(wheel.model) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("requirements/readers.txt", ALL[3:4]),
        ("requirements/decoder.txt", ALL[2:3]),
        ("requirements/dependencies.txt", ALL[:1]),
        ("requirements/extras/pandas.txt", []),
        ("functions/infer_batch/handler.py", ALL[6:]),
        ("layers/build.py", ALL),
    ],
)
def test_what_has_changed_is_built_again(wheel: Wheel, changed: str, expected: list[str]) -> None:
    wheel.provide(wheel.model)
    wheel.write(changed, "second")

    assert wheel.provide() == expected


def test_another_model_and_another_architecture_are_built(wheel: Wheel) -> None:
    wheel.provide(wheel.model)
    wheel.package("second")

    assert wheel.provide(wheel.model) == [ALL[5]]
    assert wheel.provide(architecture="arm64") == [
        "--architecture arm64 dependencies --extras",
        "--architecture arm64 numpy",
        "--architecture arm64 decoder",
        "--architecture arm64 readers",
    ]


def test_packages_that_the_model_needs_are_in_its_layer_if_they_are_locked(wheel: Wheel) -> None:
    wheel.package("frames", requires=("numpy-financial", "pandas"))

    assert wheel.provide(wheel.model)[0] == "--architecture x86_64 dependencies --extras pandas"


def test_all_is_built_again_if_an_archive_is_gone(wheel: Wheel) -> None:
    wheel.provide(wheel.model)
    wheel.archives["core"].unlink()

    assert wheel.provide() == ALL


def test_without_a_model_it_says_what_to_name(wheel: Wheel, tmp_path: Path) -> None:
    with pytest.raises(NotThereError, match="no model was named yet: --bundle FOLDER"):
        wheel.provide()
    with pytest.raises(NotThereError, match="holds no bundle; make one with: hundredfold model package"):
        wheel.provide(tmp_path)


def test_a_checkout_that_was_not_built_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artefacts, "ROOT", tmp_path)
    monkeypatch.setattr(artefacts, "BUILT", (tmp_path / "build/layers/core.zip",))

    with pytest.raises(NotThereError, match=r"build/layers/core\.zip is not there yet; run make build"):
        artefacts.provide(None, "x86_64", lambda _: None)


def test_the_extras_that_models_need_join_those_of_the_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    for name in ("lightgbm", "pandas", "skops"):
        (tmp_path / f"requirements/extras/{name}.txt").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"requirements/extras/{name}.txt").write_text("")
    monkeypatch.setattr(artefacts, "ROOT", tmp_path)
    monkeypatch.setattr(artefacts, "BUILD", tmp_path / "build")
    monkeypatch.setattr(artefacts, "run_builder", lambda *arguments: built.append(" ".join(arguments)))

    artefacts.provide_extras(["lightgbm"], "arm64", lambda _: None)
    assert built == []  # nothing is built yet

    (tmp_path / "build/layers").mkdir(parents=True)
    packages = tmp_path / "build/layers/dependencies.packages.json"
    packages.write_text('{"numpy": "numpy", "pandas": "pandas", "six.py": "six (for pandas)"}')
    artefacts.provide_extras(["pandas", "without-a-lock"], "arm64", lambda _: None)
    assert built == []  # it has all of them

    artefacts.provide_extras(["lightgbm", "pandas"], "arm64", lambda _: None)
    archive = tmp_path / "build/layers/dependencies.zip"
    assert built == [f"--architecture arm64 dependencies --extras lightgbm pandas --output {archive}"]
