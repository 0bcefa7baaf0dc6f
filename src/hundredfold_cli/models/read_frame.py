"""Writes the first rows of a pickled DataFrame as JSON Lines. `hundredfold_cli.models.sample` runs it."""

import argparse
from pathlib import Path

import joblib
import pandas as pd


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frame", type=Path)
    parser.add_argument("lines", type=Path)
    parser.add_argument("rows", type=int)
    arguments = parser.parse_args()
    frame = joblib.load(arguments.frame)
    if not isinstance(frame, pd.DataFrame):
        raise SystemExit(f"it holds a {type(frame).__name__}, and no DataFrame")
    lines = frame.head(arguments.rows).to_json(orient="records", lines=True, force_ascii=False, double_precision=15)
    arguments.lines.write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    main()
