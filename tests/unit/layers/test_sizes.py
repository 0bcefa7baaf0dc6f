"""The size of layers: by package, against Lambda's limit; and the locks that they are built from."""

import zipfile
from pathlib import Path

import pytest

from hundredfold_cli.stack.checkout import ROOT
from layers.build import build_model
from layers.packages import named_by_extra, pins
from layers.sizes import Part, over_limit, read_parts, table

PARTS = [
    Part("dependencies", "numpy", 40, 10),
    Part("dependencies", "scipy", 50, 20),
    Part("dependencies", "lightgbm", 25, 5),
    Part("core", "core", 6, 2),
    Part("model", "model", 4, 1),
]


def test_under_the_limit_nothing_is_said() -> None:
    assert over_limit(PARTS, limit=125) is None


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (124, "that is 1 bytes over Lambda's limit of 124: lightgbm with its 25 bytes broke it"),
        (100, "that is 25 bytes over Lambda's limit of 100: lightgbm with its 25 bytes broke it"),
        (99, "that is 26 bytes over Lambda's limit of 99: scipy with its 50 bytes broke it"),
        (49, "that is 76 bytes over Lambda's limit of 49: numpy with its 40 bytes broke it"),
    ],
)
def test_the_package_that_broke_the_limit_is_named_and_by_how_much(limit: int, message: str) -> None:
    assert message in str(over_limit(PARTS, limit))


def test_the_table_has_every_package_and_its_share() -> None:
    lines = [line.split() for line in table("arm64", PARTS, limit=250).splitlines()]

    assert lines[0] == ["arm64", "unzipped", "of", "the", "limit", "zipped"]
    assert lines[1:] == [
        ["dependencies", "115", "46.0%", "35"],
        ["scipy", "50", "20.0%", "20"],
        ["numpy", "40", "16.0%", "10"],
        ["lightgbm", "25", "10.0%", "5"],
        ["core", "6", "2.4%", "2"],
        ["model", "4", "1.6%", "1"],
        ["together", "125", "50.0%", "38"],
    ]


def test_every_file_is_counted_for_its_package(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "layer.zip", "w") as archive:
        for name, size in {
            "python/numpy/core.py": 3,
            "python/numpy.libs/blas.so": 5,
            "python/six.py": 7,
            "python/__pycache__/six.cpython-313.pyc": 11,
            "python/ours/x.py": 13,
        }.items():
            archive.writestr(name, b"x" * size)
    owners = {"numpy": "numpy", "numpy.libs": "numpy", "six.py": "six"}

    assert read_parts("l", tmp_path / "layer.zip", owners) == [
        Part("l", "numpy", 8, 8),
        Part("l", "six", 18, 18),
        Part("l", "l", 13, 13),
    ]


def test_the_locks_of_the_layers_agree_with_that_of_development() -> None:
    requirements = ROOT / "requirements"
    development = pins([requirements / "dev.txt"])

    names = ("core", "dependencies", "numpy", "decoder")
    locks = [*(requirements / f"{name}.txt" for name in names), *(requirements / "extras").glob("*.txt")]
    layers = pins(locks)

    assert len(locks) >= 6
    # Development has no extras that only some models need, such as LightGBM.
    assert {name: development.get(name, version) for name, version in layers.items()} == layers
    always = pins([requirements / f"{name}.txt" for name in names])
    assert {name: development.get(name) for name in always} == always


def test_what_an_extra_brought_along_is_named_by_it(tmp_path: Path) -> None:
    for name, pinned in {"dependencies": ["numpy"], "skops": ["numpy", "skops", "wcwidth"]}.items():
        (tmp_path / f"{name}.txt").write_text("".join(f"{one}==1.0\n" for one in pinned))
    owners = {"numpy": "numpy", "numpy.libs": "numpy", "skops": "skops", "wcwidth": "wcwidth"}

    assert named_by_extra(owners, [tmp_path / "dependencies.txt", tmp_path / "skops.txt"]) == {
        "numpy": "numpy",
        "numpy.libs": "numpy",
        "skops": "skops",
        "wcwidth": "wcwidth (for skops)",
    }


def test_pins_of_another_system_are_left_out(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("six==1.17.0 \\\n    --hash=sha256:aa\ntzdata==2026.6 ; sys_platform == 'win32' \\\n    --hash=x\n")

    assert pins([lock]) == {"six": "1.17.0"}


def test_locks_that_disagree_end_the_build(tmp_path: Path) -> None:
    for number, version in enumerate(("1.0", "2.0")):
        (tmp_path / f"{number}.txt").write_text(f"six=={version}\n")

    with pytest.raises(SystemExit, match=r"pins six 2\.0, and another lock 1\.0: run make lock"):
        pins([tmp_path / "0.txt", tmp_path / "1.txt"])


def test_a_model_layer_holds_what_its_card_names_and_is_the_same_to_the_byte(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "m.joblib").write_bytes(b"model")
    (bundle / "notes.txt").write_text("not on the card")
    (bundle / "bundle.json").write_text('{"files": {"m.joblib": ""}}')

    first, second = (build_model(bundle, tmp_path / name).read_bytes() for name in ("one.zip", "two.zip"))

    assert first == second
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        inside = [name for name in archive.namelist() if "/bundle/" in name]
    assert inside == [
        "python/hundredfold_model/bundle/bundle.json",
        "python/hundredfold_model/bundle/m.joblib",
    ]
