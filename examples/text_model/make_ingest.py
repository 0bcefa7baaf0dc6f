"""Makes the example ingest: distinct sentences of held-out reviews, which the model has not seen, as JSON Lines."""

import argparse
import json
import sys
from itertools import islice
from pathlib import Path

from examples.text_model.example_data import read_reviews, sentences, split


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="where the records go")
    parser.add_argument("--records", type=int, default=50_000, help="how many (default: %(default)s)")
    arguments = parser.parse_args()
    _, held_out = split(read_reviews())
    texts = list(islice(sentences(held_out), arguments.records))
    if len(texts) < arguments.records:
        parser.error(f"the held-out reviews have only {len(texts):,} distinct sentences")
    arguments.file.parent.mkdir(parents=True, exist_ok=True)
    with arguments.file.open("w", encoding="utf-8", newline="\n") as records:
        for number, text in enumerate(texts, start=1):
            records.write(json.dumps({"id": f"imdb-{number:05d}", "text": text}, ensure_ascii=False) + "\n")
    sys.stdout.write(f"{len(texts):,} distinct sentences of held-out reviews in {arguments.file}\n")


if __name__ == "__main__":
    main()
