"""Train a classifier whose features are computed from the fields, in a step of their own.

The features are scikit-learn's parts around functions of numpy. So whoever has these two packages can open the file.
The table is scikit-learn's wine data set: 178 wines of three cultivars.
"""

import argparse
import json
from pathlib import Path

import joblib
import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

FIELDS = ["flavanoids", "total_phenols", "proline", "alcohol", "color_intensity"]

SAMPLE = (
    {"flavanoids": 2.9, "total_phenols": 2.8, "proline": 1100, "alcohol": 13.7, "color_intensity": 5.5},
    {"flavanoids": 2.1, "total_phenols": 2.2, "proline": 500, "alcohol": 12.2, "color_intensity": 3.0},
    {"flavanoids": 0.8, "total_phenols": 1.6, "proline": 630, "alcohol": 13.1, "color_intensity": 7.5},
)
"""Wines that we made up, for the smoke test of a release: whoever reads the layer reads them."""


def features() -> ColumnTransformer:
    """Return the step that computes the features; its columns are positions in `FIELDS`.

    Each function is one that numpy has under a public name. A lambda or a function of this script would be pickled by
    a name that only this script knows.
    """
    share = FunctionTransformer(np.divide.reduce, kw_args={"axis": 1, "keepdims": True})
    return ColumnTransformer(
        [
            ("share_of_flavanoids", make_pipeline(share, StandardScaler()), [0, 1]),
            ("log_proline", make_pipeline(FunctionTransformer(np.log1p), StandardScaler()), [2]),
            ("scaled", StandardScaler(), [3, 4]),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder to write into")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)

    table = load_wine()
    wines = table.data[:, [table.feature_names.index(name) for name in FIELDS]]
    cultivars = table.target_names[table.target]
    training, held_out, training_labels, held_out_labels = train_test_split(
        wines, cultivars, test_size=0.4, random_state=0, stratify=cultivars
    )
    step = features().fit(training)
    classifier = LogisticRegression().fit(step.transform(training), training_labels)
    joblib.dump(step, folder / "features.joblib")
    joblib.dump(classifier, folder / "classifier.joblib")

    (folder / "sample.jsonl").write_text("".join(json.dumps(record) + "\n" for record in SAMPLE))
    with (folder / "wines.jsonl").open("w") as lines:
        for number, wine in enumerate(held_out.tolist()):
            lines.write(json.dumps({"id": f"wine-{number}", **dict(zip(FIELDS, wine, strict=True))}) + "\n")
    accuracy = classifier.score(step.transform(held_out), held_out_labels)
    print(f"accuracy {accuracy:.2f} on {len(held_out)} held-out wines, which are in {folder / 'wines.jsonl'}")


if __name__ == "__main__":
    main()
