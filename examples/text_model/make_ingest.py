"""Write the records of the example ingest as JSON Lines.

A record is one sentence of a held-out review, so the model has not been trained on it. All sentences are distinct.
"""

import argparse
import json
from itertools import islice
from pathlib import Path

from examples.text_model.example_data import read_reviews, sentences, split


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="the file to write")
    parser.add_argument("--records", type=int, default=50_000, help="number of records (default: %(default)s)")
    arguments = parser.parse_args()

    _, held_out = split(read_reviews())
    texts = list(islice(sentences(held_out), arguments.records))
    if len(texts) < arguments.records:
        parser.error(f"the held-out reviews have only {len(texts):,} distinct sentences")

    arguments.file.parent.mkdir(parents=True, exist_ok=True)
    with arguments.file.open("w", encoding="utf-8", newline="\n") as lines:
        for number, text in enumerate(texts, start=1):
            lines.write(json.dumps({"id": f"imdb-{number:05d}", "text": text}, ensure_ascii=False) + "\n")
    print(f"{len(texts):,} distinct sentences of held-out reviews in {arguments.file}")


if __name__ == "__main__":
    main()
