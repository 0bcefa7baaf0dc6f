"""Scores records with a bundle: one line of answers for each line of records.

`hundredfold model compare` and `verify --again` run this module on the Python of the inference environment. A record
that the model would reject gets `null` as its answer.
"""

import argparse
import json
from collections.abc import Iterator
from itertools import batched
from pathlib import Path

from hundredfold.inference.decode import Record
from hundredfold.inference.predict import predict_records
from hundredfold.model.bundle import Bundle, load
from hundredfold.model.signature import UnfitValueError

_BATCH_RECORDS = 1000


def score(bundle: Bundle, lines: list[bytes], *, converts: bool = False) -> Iterator[list[object] | None]:
    """Yield a label and its score for each line, or None if the model would reject it.

    Parameters
    ----------
    converts : whether values are converted to the signature's types, as those of CSV are
    """
    signature = bundle.card.signature.converting() if converts else bundle.card.signature
    records = []
    for number, line in enumerate(lines):
        try:
            records.append(Record("", signature.read(json.loads(line)), number, 0))
        except (UnfitValueError, ValueError, AttributeError):
            continue
    answers: dict[int, list[object]] = {}
    for batch in batched(records, _BATCH_RECORDS, strict=False):
        predictions, rejections = predict_records(batch, bundle.predict)
        rejected = {rejection.line for rejection in rejections}
        scored_lines = [record.line for record in batch if record.line not in rejected]
        answers |= {
            line: [prediction.label, prediction.score]
            for line, prediction in zip(scored_lines, predictions, strict=True)
        }
    return (answers.get(number) for number in range(len(lines)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("records", type=Path)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--converts", action="store_true")
    arguments = parser.parse_args()
    # Only a line feed ends a line: JSON may have a carriage return between its members.
    lines = arguments.records.read_bytes().removesuffix(b"\n").split(b"\n")
    with arguments.answers.open("w") as answers:
        for answer in score(load(arguments.bundle), lines, converts=arguments.converts):
            answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
