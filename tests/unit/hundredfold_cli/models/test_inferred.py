"""What a model reads is inferred from the model and a sample; what does not fit together is refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from hundredfold.errors import BundleRefusedError
from hundredfold.model.card import Card, Input
from hundredfold.model.signature import Field, FieldType, Missing
from hundredfold_cli.models.describe import DescribeRequest, describe

NUMBER, TEXT, CATEGORY = FieldType.NUMBER, FieldType.TEXT, FieldType.CATEGORY
X = np.array([[0.0, 0.0], [0.0, 1.0], [4.0, 4.0], [4.0, 5.0]])
Y = ["near", "near", "far", "far"]
TABLE = pd.DataFrame({"area": [50.0, 60.0, 90.0, 120.0], "town": ["Chur", "Thun", "Chur", "Thun"]})
TABLE_RECORDS = tuple(TABLE.to_dict(orient="records"))


def described(folder: Path, model: Any, *records: Mapping[str, Any], **attributes: Any) -> Card:
    joblib.dump(model, folder / "m.joblib")
    return describe(folder, DescribeRequest("m", ("m.joblib",), records=records, **attributes))


def columns_model(**encoder: Any) -> Any:
    columns = ColumnTransformer([("town", OneHotEncoder(**encoder), ["town"]), ("area", StandardScaler(), ["area"])])
    return make_pipeline(columns, LinearRegression()).fit(TABLE, [1.0, 2.0, 3.0, 4.0])


def test_an_array_of_numbers_takes_its_names_from_the_sample(tmp_path: Path) -> None:
    card = described(tmp_path, SVC().fit(X, Y), {"a": 1.0, "b": 2}, {"a": 4.0, "b": 4})

    assert card.signature.fields == (Field("a", NUMBER), Field("b", NUMBER))
    assert (card.input, card.classes) == (Input.ARRAY, ("far", "near"))
    assert "2 fields from the columns of the sample" in card.inferred


def test_values_of_csv_are_numbers_if_all_of_them_are(tmp_path: Path) -> None:
    card = described(tmp_path, SVC().fit(X, Y), {"a": "1.0", "b": "2"}, {"a": "", "b": "4"}, converts=True)

    assert card.signature.fields == (Field("a", NUMBER), Field("b", NUMBER))
    assert card.sample["records"] == [{"a": 1.0, "b": 2.0}]
    assert "missing values are rejected in a: the sample has some, and the model does not answer without them" in (
        card.inferred
    )


def test_without_a_sample_the_model_is_asked_and_the_card_says_that_its_records_are_made_up(tmp_path: Path) -> None:
    card = described(tmp_path, SVC().fit(X, Y))

    assert card.signature.fields == (Field("x0", NUMBER), Field("x1", NUMBER))
    assert card.sample["made_up"] is True
    assert card.sample["records"][0] == {"x0": 0.0, "x1": 0.0}
    assert card.sample["answers"][0] == ["near", None]
    assert "their names are made up" in card.inferred[0]


def test_a_text_model_takes_the_only_text_of_the_sample(tmp_path: Path) -> None:
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(["good fine", "bad poor"], ["pos", "neg"])

    assert described(tmp_path, model, {"review": "good", "stars": 3}).signature.fields == (Field("review", TEXT),)
    assert described(tmp_path, model).signature.fields == (Field("text", TEXT),)
    with pytest.raises(BundleRefusedError, match=r"reads one text, and the sample has several \(title, body\)"):
        described(tmp_path, model, {"title": "good", "body": "fine"})


def test_a_column_transformer_says_names_and_types_and_gets_a_data_frame(tmp_path: Path) -> None:
    for card in (described(tmp_path, columns_model(), *TABLE_RECORDS), described(tmp_path, columns_model())):
        assert [(field.name, field.type) for field in card.signature.fields] == [("area", NUMBER), ("town", CATEGORY)]
        assert card.input is Input.DATAFRAME
    assert card.sample["records"][0] == {"area": 0.0, "town": "Chur"}


def test_columns_that_are_encoded_as_numbers_are_numbers_and_text_columns_are_text(tmp_path: Path) -> None:
    table = pd.DataFrame({"rooms": [1, 2, 3, 2], "review": ["good", "bad", "good", "so"]})
    columns = ColumnTransformer([("rooms", OneHotEncoder(), ["rooms"]), ("review", TfidfVectorizer(), "review")])
    model = make_pipeline(columns, LinearRegression()).fit(table, [1.0, 2.0, 3.0, 4.0])

    card = described(tmp_path, model, *table.to_dict(orient="records"))

    assert card.signature.fields == (Field("rooms", NUMBER), Field("review", TEXT))
    assert card.sample["answers"][0][0] == pytest.approx(model.predict(table)[0])


# ---------------------------------------------------------------- missing values


def test_a_model_that_imputes_reads_missing_values_where_the_sample_has_some(tmp_path: Path) -> None:
    table = TABLE.assign(town=["Chur", np.nan, "Chur", "Thun"])
    columns = ColumnTransformer(
        [
            ("town", make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), ["town"]),
            ("area", make_pipeline(SimpleImputer(), StandardScaler()), ["area"]),
        ]
    )
    model = make_pipeline(columns, LinearRegression()).fit(table, [1.0, 2.0, 3.0, 4.0])

    card = described(tmp_path, model, TABLE_RECORDS[0], {"area": None, "town": "Thun"}, {"town": None, "area": 3.0})

    assert card.signature.fields == (
        Field("area", NUMBER, nullable=True),
        Field("town", CATEGORY, nullable=True, missing=Missing.NAN),
    )
    own = model.predict(pd.DataFrame({"area": [50.0, np.nan, 3.0], "town": ["Chur", "Thun", np.nan]}))
    assert [label for label, _ in card.sample["answers"]] == pytest.approx(own.tolist())
    assert card.sample["records"][1] == {"area": None, "town": "Thun"}


def test_boosting_reads_nan_by_its_tag_and_a_scaler_before_it_would_not_hide_a_model_that_does_not(
    tmp_path: Path,
) -> None:
    boosted = HistGradientBoostingClassifier(max_iter=2).fit(X, Y)
    scaled = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)

    assert all(field.nullable for field in described(tmp_path, boosted).signature.fields)
    assert not any(field.nullable for field in described(tmp_path, scaled).signature.fields)


def test_a_category_that_was_missing_at_fit_comes_as_it_was_then(tmp_path: Path) -> None:
    for value, missing in ((None, Missing.NONE), (np.nan, Missing.NAN)):
        table = pd.DataFrame(
            {"area": [50.0, 60.0, 90.0, 120.0], "town": pd.Series(["Chur", value, "Chur", "Thun"], dtype=object)}
        )
        model = make_pipeline(
            ColumnTransformer([("town", OneHotEncoder(), ["town"]), ("area", "passthrough", ["area"])]),
            LinearRegression(),
        ).fit(table, [1.0, 9.0, 3.0, 4.0])

        card = described(tmp_path, model, TABLE_RECORDS[0], {"area": 60.0, "town": None})

        assert card.signature.fields[1] == Field("town", CATEGORY, nullable=True, missing=missing)
        assert card.sample["answers"][1][0] == pytest.approx(9.0)


def test_a_field_that_the_sample_leaves_out_is_optional_and_one_that_is_asked_for_too(tmp_path: Path) -> None:
    boosted = HistGradientBoostingClassifier(max_iter=2).fit(X, Y)

    card = described(tmp_path, boosted, {"a": 1.0, "b": 1.0}, {"a": 4.0})
    assert card.signature.fields[1] == Field("b", NUMBER, nullable=True, optional=True)
    assert card.signature.fields[0] == Field("a", NUMBER, nullable=True)

    card = described(tmp_path, boosted, {"a": 1.0, "b": 1.0}, optional=("a",))
    assert card.signature.fields[0] == Field("a", NUMBER, nullable=True, optional=True)
    with pytest.raises(BundleRefusedError, match="there is no field c to be nullable or optional; there are a, b"):
        described(tmp_path, boosted, {"a": 1.0, "b": 1.0}, nullable=("c",))


# ---------------------------------------------------------------- what is refused


def test_another_number_of_columns_is_refused_by_both_numbers(tmp_path: Path) -> None:
    model = SVC().fit(X, Y)

    with pytest.raises(BundleRefusedError, match=r"fitted on 2 columns, and the sample has 3 beside id \(a, b, target"):
        described(tmp_path, model, {"a": 1.0, "b": 2.0, "target": "far"})
    with pytest.raises(BundleRefusedError, match="fitted on 2 columns, and the signature names 1"):
        described(tmp_path, model, signature={"fields": [{"name": "text", "type": "text"}]})


def test_a_sample_without_a_column_of_the_fit_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(BundleRefusedError, match=r"the sample has no column town, .*; its columns are area, city"):
        described(tmp_path, columns_model(), {"area": 50.0, "city": "Chur"})


def test_what_nothing_speaks_of_is_refused(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(np.asarray), LinearRegression())
    model.steps[-1][1].fit(X, [1.0] * 4)

    with pytest.raises(BundleRefusedError, match=r"does not say what it reads: .*--sample FILE"):
        described(tmp_path, model)


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({"area": True, "town": "Chur"}, "area of the sample is true or false"),
        ({"area": [1.0], "town": "Chur"}, "area of the sample holds a list"),
        ({"area": "large", "town": "Chur"}, "cannot predict the sample"),
        ({"area": 1.0, "town": "Bern"}, "cannot predict the sample"),
    ],
)
def test_a_sample_of_other_types_is_refused(tmp_path: Path, record: Mapping[str, Any], why: str) -> None:
    with pytest.raises(BundleRefusedError, match=why):
        described(tmp_path, columns_model(), record)


def test_a_model_that_answers_otherwise_for_integers_is_refused(tmp_path: Path) -> None:
    table = pd.DataFrame({"rooms": [1, 2, 3, 4]})
    model = make_pipeline(FunctionTransformer(written_length), LinearRegression()).fit(table, [1.0, 2.0, 3.0, 4.0])
    model.steps[-1][1].coef_ = np.array([1.0])

    with pytest.raises(BundleRefusedError, match=r"when whole numbers are floats.*astype\(float\)"):
        described(tmp_path, model, {"rooms": 1}, {"rooms": 12})


def written_length(table: Any) -> Any:
    return table.astype(str).map(len)
