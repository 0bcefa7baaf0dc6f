"""Train a regressor on a table with categories and numbers, and write what it takes to release and to try it.

The table is scikit-learn's diabetes data set: 442 patients, and how far the disease has gone a year later.
Efron, Hastie, Johnstone and Tibshirani (2004), "Least Angle Regression".
"""

import argparse
import json
from pathlib import Path

import joblib
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

CATEGORIES = ["sex", "weight_class"]
NUMBERS = ["age", "blood_pressure", "hdl", "log_triglycerides", "glucose"]

# Bounds of the body mass index in kg/m2: WHO, https://www.who.int/news-room/fact-sheets/detail/obesity-and-overweight
WEIGHT_CLASSES = {"underweight": 0, "normal": 18.5, "overweight": 25, "obese": 30}

SAMPLE = (
    {"age": 41, "sex": "1", "weight_class": "normal", "blood_pressure": 92, "hdl": 55,
     "log_triglycerides": 4.3, "glucose": 88},
    {"age": 63, "sex": "2", "weight_class": "obese", "blood_pressure": 110, "hdl": 40,
     "log_triglycerides": 5.2, "glucose": 104},
)  # fmt: skip
"""Patients whom we made up, for the smoke test of a release: whoever reads the layer reads them."""


def read_patients() -> tuple[pd.DataFrame, pd.Series]:
    """Return the patients, a row each, and their disease progression (25 to 346, no unit)."""
    table = load_diabetes(as_frame=True, scaled=False)
    names = {"bp": "blood_pressure", "s3": "hdl", "s5": "log_triglycerides", "s6": "glucose"}
    patients = table.data.rename(columns=names)
    patients["sex"] = patients["sex"].astype(int).astype(str)  # the data set's codes, 1 and 2
    bounds = [*WEIGHT_CLASSES.values(), float("inf")]
    patients["weight_class"] = pd.cut(patients["bmi"], bounds, right=False, labels=list(WEIGHT_CLASSES)).astype(str)
    return patients[[*CATEGORIES, *NUMBERS]], table.target


def train(patients: pd.DataFrame, progression: pd.Series) -> Pipeline:
    """Fit a pipeline that takes the columns by their names."""
    columns = ColumnTransformer(
        [("categories", OneHotEncoder(handle_unknown="ignore"), CATEGORIES), ("numbers", StandardScaler(), NUMBERS)]
    )
    return make_pipeline(columns, Ridge()).fit(patients, progression)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder to write into")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)

    patients, progression = read_patients()
    training, held_out, training_target, held_out_target = train_test_split(
        patients, progression, test_size=0.2, random_state=0
    )
    regressor = train(training, training_target)
    joblib.dump(regressor, folder / "regressor.joblib")
    (folder / "sample.jsonl").write_text("".join(json.dumps(record) + "\n" for record in SAMPLE))
    held_out.to_csv(folder / "patients.csv", index_label="id")
    r2 = regressor.score(held_out, held_out_target)
    print(f"R2 {r2:.2f} on {len(held_out)} held-out patients, who are in {folder / 'patients.csv'}")


if __name__ == "__main__":
    main()
