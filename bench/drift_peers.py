"""What Evidently and NannyML say of the same arrays. Runs in an environment of its own, and imports nothing of ours.

Reads JSON from standard input, and writes JSON to standard output. Called by bench/drift.py.
"""

import json
import sys

import nannyml
import pandas as pd
from evidently.legacy.calculations.stattests import jensenshannon_stat_test, psi_stat_test


def main() -> None:
    request = json.load(sys.stdin)
    reference = _frame(request["reference"]) | {"right": request["reference"]["right"]}
    estimator = nannyml.CBPE(
        problem_type="classification_binary",
        y_pred_proba="probability",
        y_pred="predicted",
        y_true="right",
        metrics=["accuracy"],
        chunk_number=1,
    )
    estimator.fit(pd.DataFrame(reference))
    baseline = pd.Series(request["baseline_bins"]).astype(str)
    answers = []
    for sample in request["samples"]:
        estimate = estimator.estimate(pd.DataFrame(_frame(sample))).filter(period="analysis").to_df()["accuracy"]
        bins = pd.Series(sample["bins"]).astype(str)
        answers.append(
            {
                "accuracy": float(estimate["value"].iloc[0]),
                "index": float(psi_stat_test.func(baseline, bins, "cat", 0.1)[0]),
                "distance": float(jensenshannon_stat_test.func(baseline, bins, "cat", 0.1)[0]),
            }
        )
    json.dump(answers, sys.stdout)


def _frame(part: dict[str, list[float]]) -> dict[str, list[float]]:
    return {"probability": part["probability"], "predicted": part["predicted"]}


if __name__ == "__main__":
    main()
