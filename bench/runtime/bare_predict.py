"""Prints, as JSON, the CPU milliseconds of one `predict_proba` for each batch size: the model and nothing around it."""

import json
import sys
import time
from itertools import batched
from pathlib import Path

import joblib

CALLS = 200


def main() -> None:
    model_file, records_file, *sizes = sys.argv[1:]
    model = joblib.load(model_file)
    with Path(records_file).open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    milliseconds = {}
    for size in map(int, sizes):
        chunks = [list(chunk) for chunk in batched(texts[: size * CALLS], size, strict=True)]
        model.predict_proba(chunks[0])
        started = time.process_time()
        for chunk in chunks:
            model.predict_proba(chunk)
        milliseconds[size] = (time.process_time() - started) / len(chunks) * 1000
    sys.stdout.write(json.dumps(milliseconds))


if __name__ == "__main__":
    main()
