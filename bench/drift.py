"""How often does drift cry wolf, and does the expected accuracy hold the true one? With the example's model and texts.

Resamples of the baseline have not drifted, so an alarm about one is false. Texts of another kind have drifted. Held-out
sentences have known labels, so the expected accuracy of a sample is held against the true one. With --peers, Evidently
and NannyML judge the same arrays.
"""

import argparse
import json
import subprocess
from bisect import bisect_right
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from examples.text_model.example_data import labelled_sentences, read_reviews, split
from examples.text_model.train import BASELINE_SENTENCES
from hundredfold.batches import Sketch
from hundredfold.model.bundle import Bundle, load
from hundredfold.model.drift import Baseline
from hundredfold.model.score_accuracy import ScoreAccuracy
from hundredfold.model.stability import jensen_shannon_distance, stability_index
from hundredfold.records import Prediction
from hundredfold_cli.pages.report import MUCH

SIZES = (500, 5_000, 50_000)
SAMPLES = 200
GERMAN = (
    "Der Film war viel zu lang und die Handlung ergab keinen Sinn.",
    "Ein wunderbares Werk, das ich jedem empfehlen kann.",
    "Die Schauspieler sind gut, doch das Drehbuch ist schwach.",
    "Selten habe ich mich im Kino so gelangweilt.",
    "Großartige Bilder und eine Musik, die lange nachklingt.",
)


class Scored:
    """Records with what the model answers, counted once, so that a sample of them is only added up."""

    def __init__(self, bundle: Bundle, baseline: Baseline, texts: Sequence[str]) -> None:
        values = [(text,) for text in texts]
        self.answers = [(str(label), float(str(score))) for label, score in bundle.predict(values)]
        sketches = [
            baseline.sketch(bundle.card.signature, [row], [Prediction("", label, score)])
            for row, (label, score) in zip(values, self.answers, strict=True)
        ]
        self._shape = sketches[0]
        self._rows = np.array([_flat(sketch) for sketch in sketches], dtype=np.int32)

    def sketch(self, positions: Sequence[int]) -> Sketch:
        """Return the sketch of the records at these positions."""
        times = np.bincount(positions, minlength=len(self._rows))
        counts = iter((times @ self._rows).tolist())
        labels = tuple(islice(counts, len(self._shape.labels)))
        scores = tuple(islice(counts, len(self._shape.scores)))
        inputs = tuple(tuple(islice(counts, len(bins))) for bins in self._shape.inputs)
        return Sketch(labels, scores, inputs, next(counts))


def _flat(sketch: Sketch) -> list[int]:
    return [*sketch.labels, *sketch.scores, *(count for bins in sketch.inputs for count in bins), sketch.unseen]


def false_alarms(baseline: Baseline, scored: Scored, size: int, random: np.random.Generator) -> tuple[int, int, float]:
    """Return how many resamples are beyond chance, how many raise the alarm, and the largest index of all."""
    beyond = alarms = 0
    largest = 0.0
    for _ in range(SAMPLES):
        drift = baseline.drift(scored.sketch(random.integers(len(scored.answers), size=size).tolist()))
        assert drift is not None
        beyond += drift.largest > 0
        alarms += drift.largest > MUCH
        largest = max(largest, drift.labels.index, drift.scores.index, drift.inputs.index)
    return beyond, alarms, largest


def missed_alarms(baseline: Baseline, scored: Scored, size: int, random: np.random.Generator) -> int:
    """Return how many samples of other records raise no alarm."""
    missed = 0
    for _ in range(SAMPLES):
        drift = baseline.drift(scored.sketch(random.integers(len(scored.answers), size=size).tolist()))
        missed += drift is None or drift.largest <= MUCH
    return missed


def intervals(
    baseline: Baseline, scored: Scored, right: Sequence[bool], size: int, random: np.random.Generator
) -> tuple[int, float, float]:
    """Return how many intervals hold the true accuracy, and the mean and the largest error of what is expected."""
    inside, errors = 0, []
    is_right = np.array(right)
    for _ in range(SAMPLES):
        positions = random.integers(len(right), size=size)
        drift = baseline.drift(scored.sketch(positions.tolist()))
        assert drift is not None
        assert drift.accuracy is not None
        truth = float(is_right[positions].mean())
        inside += drift.accuracy.low <= truth <= drift.accuracy.high
        errors.append(abs(drift.accuracy.expected - truth))
    return inside, float(np.mean(errors)), max(errors)


def peers(baseline: Baseline, own: Scored, held: Scored, right: Sequence[bool], random: np.random.Generator) -> None:
    """Print what we and the peers say of the same samples: accuracy by scores, stability index, distance."""
    half = len(right) // 2
    positive = next(iter(baseline.labels))
    is_right = np.array(right)
    reference = range(half)
    score_edges = baseline.score_edges
    counted = ScoreAccuracy.from_answers(
        score_edges,
        [held.answers[n] for n in reference],
        [held.answers[n][0] if right[n] else "" for n in reference],
    )
    ours, samples = [], []
    for size in (500, 5_000, 20_000):
        positions = (half + random.integers(len(right) - half, size=size)).tolist()
        sketch = held.sketch(positions)
        shift = stability_index(baseline.scores, sketch.scores), jensen_shannon_distance(baseline.scores, sketch.scores)
        ours.append((size, float(is_right[positions].mean()), counted.of(sketch.scores), *shift))
        bins = [bisect_right(score_edges, held.answers[n][1]) for n in positions]
        samples.append(_probabilities([held.answers[n] for n in positions], positive) | {"bins": bins})
    labels = [(held.answers[n][0] == positive) == right[n] for n in reference]
    request = {
        "reference": _probabilities([held.answers[n] for n in reference], positive) | {"right": list(map(int, labels))},
        "baseline_bins": [bisect_right(score_edges, score) for _, score in own.answers],
        "samples": samples,
    }
    command = [".venvs/monitors/bin/python", "-W", "ignore", "-m", "bench.drift_peers"]
    done = subprocess.run(command, input=json.dumps(request), text=True, stdout=subprocess.PIPE, check=True)
    print()
    print("| records | true accuracy | ours | NannyML | index: ours | Evidently | distance: ours | Evidently |")
    print("|---|---|---|---|---|---|---|---|")
    for (size, truth, accuracy, index, distance), peer in zip(ours, json.loads(done.stdout), strict=True):
        print(
            f"| {size:,} | {truth:.4f} | {accuracy.expected:.4f} | {peer['accuracy']:.4f} | {index:.5f} | "
            f"{peer['index']:.5f} | {distance:.5f} | {peer['distance']:.5f} |"
        )


def _probabilities(answers: Sequence[tuple[str, float]], positive: str) -> dict[str, list[float]]:
    return {
        "probability": [score if label == positive else 1 - score for label, score in answers],
        "predicted": [float(label == positive) for label, _ in answers],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, nargs="?", default=Path("build/bundle"), help="the example's bundle")
    parser.add_argument("--peers", action="store_true", help="ask Evidently and NannyML too: make bench-drift")
    arguments = parser.parse_args()
    folder = arguments.bundle
    baseline = Baseline.from_dict(json.loads((folder / "bundle.json").read_text())["baseline"])
    bundle = load(folder)
    random = np.random.default_rng(20261124)

    training, held_out = split(read_reviews())
    own = Scored(bundle, baseline, [text for text, _ in islice(labelled_sentences(training), BASELINE_SENTENCES)])
    labelled = list(labelled_sentences(held_out))
    held = Scored(bundle, baseline, [text for text, _ in labelled])
    right = [label == answer for (_, label), (answer, _) in zip(labelled, held.answers, strict=True)]
    german = Scored(bundle, baseline, [f"{first} {second}" for first in GERMAN for second in GERMAN])
    reviews = Scored(bundle, baseline, [review.text for review in held_out if review.source == "imdb"])

    print(f"{SAMPLES} samples of each size; the alarm is at {MUCH} beyond chance")
    print("| records | own: beyond chance | own: alarms | own: largest index | German: missed | reviews: missed |")
    print("|---|---|---|---|---|---|")
    for size in SIZES:
        beyond, alarms, largest = false_alarms(baseline, own, size, random)
        missed = [missed_alarms(baseline, other, size, random) for other in (german, reviews)]
        print(f"| {size:,} | {beyond} | {alarms} | {largest:.3f} | {missed[0]} | {missed[1]} |")
    print()
    print("| records | intervals with the true accuracy | mean error | largest error |")
    print("|---|---|---|---|")
    for size in SIZES:
        inside, mean, largest = intervals(baseline, held, right, size, random)
        print(f"| {size:,} | {inside / SAMPLES:.0%} | {mean:.4f} | {largest:.4f} |")
    if arguments.peers:
        peers(baseline, own, held, right, random)


if __name__ == "__main__":
    main()
