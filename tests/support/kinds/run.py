"""Takes every kind of model the whole way on a local stack of its own, and prints what came of each.

`make model-kinds` runs it: packaged with a sample only (and its code), published, scored from JSON Lines, CSV and
Parquet, every answer held against the estimator's own, and rolled back; or refused with a message.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hundredfold_cli.models.environment import inference_python
from hundredfold_cli.stack.artefacts import provide_extras
from hundredfold_cli.stack.checkout import BUILD
from tests.support.deployed import Stack, deployed
from tests.support.kinds.check import CODE, FORMATS, REFUSED, WITH_CODE, Kind, differences, fit

PACKAGES = ("lightgbm", "pandas", "xgboost-cpu")
KINDS = (
    "digits", "three_files", "sgd_hinge", "houses_regressor", "houses_with_missing", "boosted_with_nan_and_categories",
    "several_labels", "several_numbers", "isolation_forest", "k_means", "nearest_neighbours", "lightgbm", "xgboost",
    "own_transformer", "named_function", "integer_classes", "true_or_false", "another_version", "of_the_script",
    "code_inside",
    "raises_on_one_in_a_hundred",
)  # fmt: skip


@dataclass
class Outcome:
    """What came of a kind.

    Attributes
    ----------
    fields : how many fields were inferred
    alike : records that were answered as by the estimator, of each format; those that both refuse count
    rejected : of each format
    problems : what went wrong; empty if all is well
    refused : the message, if it was refused when it was packaged
    """

    kind: str
    fields: int = 0
    records: int = 0
    alike: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    refused: str = ""

    @property
    def is_as_expected(self) -> bool:
        if self.kind in REFUSED:
            return REFUSED[self.kind] in self.refused
        return not self.problems and not self.refused and all(count == self.records for count in self.alike.values())


def take(stack: Stack, kind: Kind) -> Outcome:
    """Take a kind the whole way."""
    outcome = Outcome(kind.name, records=len(kind.answers))
    bundle = kind.folder / "bundle"
    code = ["--code", str(CODE)] if kind.name in WITH_CODE else []
    sample = ["--sample", str(kind.folder / "sample.csv")]
    packaged = stack.command("model", "package", *map(str, kind.files), *sample, *code, "-o", str(bundle))
    if packaged.returncode:
        outcome.refused = " ".join(packaged.stderr.split()).partition("error: ")[2]
        return outcome
    outcome.fields = len(json.loads((bundle / "bundle.json").read_text())["signature"]["fields"])
    published = stack.command("model", "publish", str(bundle))
    if published.returncode:
        outcome.problems.append(published.stderr.strip()[-300:])
        return outcome
    for format_ in FORMATS:
        ingest_id = f"{kind.name}-{format_}"
        stack.command("ingest", str(kind.records(format_)), "--id", ingest_id)
        rows = [json.loads(line) for line in stack.command("results", ingest_id).stdout.splitlines()]
        answers = {row["record_id"]: answer_of(row) for row in rows}
        wrong = differences(kind, answers)
        outcome.alike[format_] = outcome.records - len(wrong)
        outcome.rejected[format_] = outcome.records - len(answers)
        outcome.problems += [f"{format_}: {problem}" for problem in wrong[:2]]
    back = stack.command("model", "rollback")
    if back.returncode:
        outcome.problems.append(back.stderr.strip()[-300:])
    return outcome


def answer_of(row: dict[str, Any]) -> list[Any]:
    """Return label and score of a row of results, as a bundle gives them."""
    if "label" in row or "value" in row:
        return [row.get("label", row.get("value")), row.get("score")]
    outputs = sorted({name.rpartition("_")[0] for name in row if name.endswith(("_label", "_value"))})
    labels = {output: row.get(f"{output}_label", row.get(f"{output}_value")) for output in outputs}
    return [labels, {output: row.get(f"{output}_score") for output in outputs}]


@contextmanager
def dependencies_with(packages: tuple[str, ...]) -> Iterator[None]:
    """Build the dependencies layer with more packages while the context lasts."""
    files = [BUILD / "layers/dependencies.zip", BUILD / "layers/dependencies.packages.json"]
    with tempfile.TemporaryDirectory() as folder:
        kept = [Path(shutil.copy2(file, folder)) for file in files]
        try:
            provide_extras(packages, "x86_64", lambda line: print(line, flush=True))
            yield
        finally:
            for file, copy in zip(files, kept, strict=True):
                shutil.copy2(copy, file)


def print_table(outcomes: list[Outcome]) -> None:
    print(f"\n{'kind':34}{'fields':>7}{'records':>8}  {'alike: jsonl, csv, parquet':28}{'rejected':>9}  outcome")
    for outcome in outcomes:
        alike = ", ".join(str(outcome.alike.get(format_, "-")) for format_ in FORMATS)
        rejected = max(outcome.rejected.values(), default=0)
        words = outcome.refused[:60] or (outcome.problems[0][:60] if outcome.problems else "rolled back")
        mark = "ok" if outcome.is_as_expected else "NOT OK"
        print(f"{outcome.kind:34}{outcome.fields:>7}{outcome.records:>8}  {alike:28}{rejected:>9}  {mark}: {words}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=KINDS)
    kinds = parser.parse_args().kinds
    outcomes = []
    with tempfile.TemporaryDirectory() as folder, dependencies_with(PACKAGES):
        fitted = fit(inference_python(PACKAGES), Path(folder), kinds)
        with deployed("model-kinds") as stack:
            for kind in fitted.values():
                outcomes.append(take(stack, kind))
                print(f"{kind.name}: {'ok' if outcomes[-1].is_as_expected else outcomes[-1]}", flush=True)
    print_table(outcomes)
    sys.exit(not all(outcome.is_as_expected for outcome in outcomes))


if __name__ == "__main__":
    main()
