"""What an installed wheel does where a checkout has its files: they are copied once, and kept up to date."""

from pathlib import Path

import pytest

from hundredfold_cli.stack import checkout


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Return the folder that a wheel's files are in, and the one that they are copied to."""
    packaged, root = tmp_path / "site-packages/_project", tmp_path / "cache"
    (packaged / "infra").mkdir(parents=True)
    (packaged / "infra/template.yaml").write_text("first")
    (packaged / "layers/__pycache__").mkdir(parents=True)
    (packaged / "layers/__pycache__/build.pyc").write_text("compiled")
    monkeypatch.setattr(checkout, "PACKAGED", packaged)
    monkeypatch.setattr(checkout, "IN_CHECKOUT", False)
    monkeypatch.setattr(checkout, "ROOT", root)
    return packaged, root


def test_the_wheel_s_files_are_copied_and_nothing_compiled(installed: tuple[Path, Path]) -> None:
    _, root = installed

    assert checkout.unpack() == root
    assert [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()] == ["infra/template.yaml"]


def test_only_what_has_changed_is_copied_again(installed: tuple[Path, Path]) -> None:
    packaged, root = installed
    (packaged / "infra/samconfig.toml").write_text("kept")
    checkout.unpack()
    (root / "build").mkdir()
    before = (root / "infra/samconfig.toml").stat().st_mtime_ns

    (packaged / "infra/template.yaml").write_text("second")
    checkout.unpack()

    assert (root / "infra/template.yaml").read_text() == "second"
    assert (root / "infra/samconfig.toml").stat().st_mtime_ns == before
    assert (root / "build").is_dir()


def test_this_is_a_checkout_and_is_left_alone() -> None:
    assert checkout.IN_CHECKOUT
    assert checkout.unpack() == checkout.ROOT == Path(__file__).parents[4]
    assert (checkout.ROOT / "pyproject.toml").exists()
