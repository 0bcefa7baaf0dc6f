"""What a model's owner says of it, in model.toml or in options."""

from pathlib import Path

import pytest

from hundredfold.errors import BundleRefusedError
from hundredfold_cli.models.recipe import parse_fields, read_recipe


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with two files and a recipe."""
    for name in ("first.joblib", "second.joblib"):
        (tmp_path / name).write_bytes(b"not looked into")
    (tmp_path / "sample.jsonl").write_text('{"id": "a", "height": 1.5, "colour": "red"}\n\n' * 7)
    (tmp_path / "model.toml").write_text(
        """
        name = "signs"
        steps = ["second.joblib", "first.joblib"]
        fields = [{name = "height", type = "number"}, {name = "colour", type = "category"}]
        input = "dataframe"
        sample = "sample.jsonl"
        saved_with = {numpy = "2.5.5"}
        score = {metric = "r2", value = 0.5}
        """
    )
    return tmp_path


def test_a_folder_with_a_recipe_says_everything(model: Path) -> None:
    for path in (model, model / "model.toml"):
        recipe = read_recipe([path], {})

        assert recipe.name == "signs"
        assert recipe.files == (model / "second.joblib", model / "first.joblib")
        assert recipe.fields == ({"name": "height", "type": "number"}, {"name": "colour", "type": "category"})
        assert recipe.packages == ("pandas",)
        assert recipe.sample.records == ({"height": 1.5, "colour": "red"},) * 7
        assert recipe.saved_with == {"numpy": "2.5.5"}
        assert recipe.score == {"metric": "r2", "value": 0.5}


def test_options_go_before_the_recipe_and_files_may_be_named_in_another_order(model: Path) -> None:
    recipe = read_recipe(
        [model / "first.joblib", model / "second.joblib"],
        {"name": "other", "fields": parse_fields(["review", "stars:number"]), "input": "array", "requires": None},
    )

    assert recipe.files == (model / "first.joblib", model / "second.joblib")
    assert (recipe.name, recipe.input) == ("other", "array")
    assert recipe.fields == ({"name": "review", "type": "text"}, {"name": "stars", "type": "number"})
    assert recipe.score == {"metric": "r2", "value": 0.5}


def test_without_a_word_the_fields_are_inferred(tmp_path: Path) -> None:
    (tmp_path / "sentiment.skops").write_bytes(b"")

    recipe = read_recipe([tmp_path / "sentiment.skops"], {})

    assert (recipe.name, recipe.fields, recipe.packages) == ("sentiment", (), ("skops",))


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("name = ", "cannot be read"),
        ("steps = []", "must name the model's files in order"),
        ('steps = ["missing.joblib"]', r"there is no file .*missing\.joblib"),
        ('steps = ["first.joblib"]\nfeilds = []', "unknown key feilds; known are baseline, code, fields, input"),
        ('steps = ["first.joblib"]\ninput = "matrix"', "input 'matrix' is unknown: use array, dataframe"),
        ('steps = ["first.joblib"]\nfields = [{name = "a", type = "image"}]', "type 'image' is unknown: use text"),
        ('steps = ["first.joblib"]\nfields = ["a"]', "a field is written {name"),
        ('steps = ["first.joblib"]\nsample = "no.jsonl"', r"sample .*no\.jsonl cannot be read"),
        ('steps = ["first.joblib", "first.joblib"]', "must have different names"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(model: Path, toml: str, message: str) -> None:
    (model / "model.toml").write_text(toml)

    with pytest.raises(BundleRefusedError, match=message):
        read_recipe([model], {})


def test_a_folder_without_a_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleRefusedError, match=r"name the model's files, or a folder with a model\.toml"):
        read_recipe([tmp_path], {})
