"""The page of a report: one ingest in charts and tables."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hundredfold.model.drift import LEAST_RECORDS, Measure
from hundredfold.records import Reason, label_text
from hundredfold.summary import Accuracy, Stability, Status
from hundredfold_cli.estimates.estimate import ADVICE, by_service
from hundredfold_cli.ingests.report import REJECTIONS_SHOWN, Report, duration, steps
from hundredfold_cli.pages.page import Chart, Page, section, table, text, tiles

LITTLE, MUCH = 0.1, 0.2
"""Drift beyond chance under the first is called none. Over the second, the template's AlarmDriftIndex, is an alarm."""

_LABELS_SHOWN = 30
"""The most labels of a chart."""
_KINDS = {
    "characters": "length in characters",
    "common_words": "share of words that are common in the baseline",
    "value": "value",
    "category": "category",
}
_WORKERS_SHOWN = 60
_BINS = 40


def report_page(report: Report) -> Page:
    """Make the page of a report. A section without content is left out."""
    summary = report.summary
    page = Page(f"Ingest {summary['ingest_id']}")
    status = str(summary["status"])
    style = "good" if status == Status.COMPLETED else "bad"
    page.add(
        f'<h1>{text(summary["ingest_id"])} <span class="badge {style}">{text(status.lower())}</span></h1>',
        f'<p class="soft">started {text(str(summary["started_at"])[:19].replace("T", " "))} UTC, '
        f"model version {text(summary['model_version'] or '-')}, "
        f"from <code>{text(summary['source'] or '-')}</code></p>",
    )
    if summary.get("cause"):
        page.add(section("Why it failed", f"<p>{text(summary['cause'])}</p>"))
    page.add(tiles(_figures(report)))
    if report.done:
        page.add(_timeline(page, report), _durations(page, report))
    if report.sketch and report.baseline:
        page.add(_drift(page, report))
    elif report.answers:
        page.add(_answers(page, report))
    if report.rejected_lines:
        page.add(_rejections(page, report))
    if report.failures:
        rows = [(f.batch, f.error, f.cause) for f in report.failures]
        page.add(section("Batches that were given up", table(("batch", "error", "cause"), rows, right=(0,))))
    if report.cost:
        page.add(_cost(page, report))
    if report.card:
        page.add(_card(report.card))
    return page


def _figures(report: Report) -> list[tuple[str, str, str]]:
    summary = report.summary
    seconds = float(summary["seconds"])
    scored = int(summary["predicted"]) + int(summary["rejected"])
    figures = [
        (f"{summary['records']:,}", "records in", ""),
        (f"{summary['predicted']:,}", "predicted", "good"),
        (f"{summary['rejected']:,}", "rejected", "warn" if summary["rejected"] else ""),
        (f"{summary['failed']:,}", "failed", "bad" if summary["failed"] else ""),
        (f"{summary['batches']:,}", "batches", ""),
        (f"{seconds:,.1f} s", "from start to end", ""),
        (f"{scored / seconds:,.0f}" if seconds else "-", "records a second", ""),
    ]
    if report.cost:
        figures.append((f"${report.cost.usd:.4f}", "by list prices", ""))
    if report.drift:
        value = report.drift.largest
        style = "good" if value < LITTLE else "warn" if value < MUCH else "bad"
        figures.append((f"{value:.3f}", "drift beyond chance", style))
    return figures


def _timeline(page: Page, report: Report) -> str:
    """Return the timeline: a row for each environment, with its start and its batches, in the order of the starts."""
    first: dict[str, int] = {}
    for entry in report.done:
        if entry.stats:
            began = entry.stats.started_at - entry.stats.init_milliseconds
            first[entry.stats.environment] = min(first.get(entry.stats.environment, began), began)
    if not first:
        return ""
    workers = sorted(first, key=lambda worker: first[worker])[:_WORKERS_SHOWN]
    rows = {worker: row for row, worker in enumerate(workers)}
    zero = min(report.started_ms, *first.values())
    items: list[list[Any]] = []
    for entry in report.done:
        stats = entry.stats
        if stats is None or stats.environment not in rows:
            continue
        row, starts_at = rows[stats.environment], (stats.started_at - zero) / 1000
        if stats.cold_start:
            items.append([row, starts_at - stats.init_milliseconds / 1000, starts_at, "start", None])
        kind = "slow" if report.is_straggler(entry) else "rejected" if entry.rejected else "batch"
        items.append([row, starts_at, starts_at + duration(entry) / 1000, kind, entry.batch])
    starts = sum(bool(entry.stats and entry.stats.cold_start) for entry in report.done)
    slow = sum(report.is_straggler(entry) for entry in report.done)
    names = [f"worker {number}" for number in range(1, len(workers) + 1)]
    more = f", the first {len(workers)} shown" if len(first) > len(workers) else ""
    note = (
        f"{_count(len(report.done), 'batch', 'batches')} on {_count(len(first), 'environment')}{more}: "
        f"{_count(starts, 'cold start')}, {_count(slow, 'straggler')} (over three times the median). Amber: an "
        "environment starts; blue: a batch; violet: with rejections; red: a straggler."
    )
    last = max(float(report.summary["seconds"]), *(item[2] for item in items))
    chart: Chart = {"kind": "gantt", "workers": names, "items": items, "seconds": math.ceil(last * 10) / 10}
    return section("Timeline", page.chart(chart, height=60 + max(26 * len(workers), 70)), note=note)


def _durations(page: Page, report: Report) -> str:
    rows = [
        (s.step, f"{s.p50:,.0f}", f"{s.p95:,.0f}", f"{s.longest:,.0f}", f"{s.share:.0%}") for s in steps(report.done)
    ]
    counts, labels = _histogram([duration(entry) for entry in report.done])
    chart: Chart = {
        "kind": "bars",
        "categories": labels,
        "series": [{"name": "batches", "values": counts, "colour": "main"}],
    }
    return section(
        "How long a batch took",
        '<div class="two"><div>',
        "<h3>batches by milliseconds</h3>",
        page.chart(chart, height=210),
        "</div><div><h3>milliseconds by step</h3>",
        table(("step", "median", "95 %", "longest", "share"), rows, right=(1, 2, 3, 4)),
        "</div></div>",
        note="As the function measured it, without its start, its entry into the ledger and what Lambda adds.",
    )


def _drift(page: Page, report: Report) -> str:
    baseline, sketch, drift = report.baseline, report.sketch, report.drift
    assert baseline  # noqa: S101 - the caller has checked both
    assert sketch  # noqa: S101
    labels = list(baseline.labels)
    numbers = "scores" if labels else "numbers"
    charts = []
    if labels:
        shares = _against(labels, tuple(baseline.labels.values()), sketch.labels, every=True)
        charts.append("<h3>predicted labels</h3>" + page.chart(shares, height=210))
    if baseline.scores:
        shares = _against(_ranges(baseline.score_edges, 2 if labels else 4), baseline.scores, sketch.scores)
        charts.append(f"<h3>{numbers}</h3>" + page.chart(shares, height=210))
    for measure, counts in zip(baseline.inputs, sketch.inputs, strict=True):
        name = f"{measure.field}: {_KINDS.get(measure.kind, measure.kind)}"
        shares = _against(_bins_of(measure), measure.shares, counts)
        charts.append(f"<h3>{text(name)}</h3>" + page.chart(shares, height=210))
    if drift:
        rows = [
            *([_index_row("labels", drift.labels)] if labels else []),
            *([_index_row(numbers, drift.scores)] if baseline.scores else []),
            _index_row(f"inputs: {drift.input}", drift.inputs),
            _index_row(f"unknown or out of range: {drift.unseen_share:.1%}", drift.unseen),
            _index_row("rejected", drift.rejected),
        ]
        heads = ("", "stability index", "by chance, under", "distance", "")
        indices = table(heads, rows, right=(1, 2, 3)) + _accuracy(drift.accuracy)
    else:
        indices = f"<p>Fewer than {LEAST_RECORDS} records were scored: too few to tell drift from chance.</p>"
    columns = "".join(f"<div>{chart}</div>" for chart in charts)
    return section(
        "Against the model's baseline",
        indices,
        f'<div class="two">{columns}</div>',
        note=f"Shares of this ingest (blue) beside those of {baseline.on} (grey), in percent.",
    )


def _answers(page: Page, report: Report) -> str:
    """Show what was predicted, without a baseline to compare it with."""
    charts = []
    for counts in report.answers:
        prefix = f"{counts.output}: " if counts.output else ""
        if counts.labels:
            labels = counts.labels.most_common(_LABELS_SHOWN)
            charts.append((f"{prefix}predicted labels", [name for name, _ in labels], [count for _, count in labels]))
        for name, numbers in (("scores", counts.scores), ("numbers", counts.values)):
            if numbers:
                charts.append((prefix + name, *_tenths(numbers)))
    columns = "".join(
        f"<div><h3>{text(title)}</h3>{page.chart(_shares(names, numbers), height=210)}</div>"
        for title, names, numbers in charts
    )
    counted = sum(report.answers[0].labels.values()) or len(report.answers[0].values)
    return section(
        "What was predicted",
        f'<div class="two">{columns}</div>',
        note=f"Shares of {counted:,} predictions, in percent. To compare them with what the model was made for, "
        "package it with --baseline FILE.",
    )


def _tenths(numbers: Sequence[float]) -> tuple[list[str], list[int]]:
    """Count numbers in ten bins of equal width, from the smallest to the largest."""
    low, high = min(numbers), max(numbers)
    if low == high:
        return [f"{low:,.4g}"], [len(numbers)]
    counts = [0] * 10
    for number in numbers:
        counts[min(9, int(10 * (number - low) / (high - low)))] += 1
    edges = [low + (high - low) * tenth / 10 for tenth in range(11)]
    return [f"{first:,.4g} to {second:,.4g}" for first, second in pairwise(edges)], counts


def _shares(names: Sequence[str], counts: Sequence[int]) -> Chart:
    total = sum(counts) or 1
    values = [round(100 * count / total, 2) for count in counts]
    return {
        "kind": "bars",
        "percent": True,
        "all": len(names) < 8,
        "categories": list(names),
        "series": [{"name": "this ingest", "values": values, "colour": "main"}],
    }


def _rejections(page: Page, report: Report) -> str:
    reasons: dict[str, int] = report.summary["reasons"]
    known = {reason.value: reason.value.replace("_", " ") for reason in Reason}
    by_reason: Chart = {
        "kind": "bars",
        "lying": True,
        "categories": [known.get(reason, reason) for reason in reasons],
        "series": [{"name": "records", "values": list(reasons.values()), "colour": "warn"}],
    }
    last = max(int(report.summary["records"]), max(report.rejected_lines))
    width = -(-last // _BINS)
    counts = [0] * -(-last // width)
    for line in report.rejected_lines:
        counts[(line - 1) // width] += 1
    places = [f"{1 + place * width:,}" for place in range(len(counts))]
    by_place: Chart = {
        "kind": "bars",
        "categories": places,
        "series": [{"name": f"rejected in {width:,} lines", "values": counts, "colour": "warn"}],
    }
    several = any("source" in rejection for rejection in report.rejections)
    rows = [
        (r["line"], r["offset"], known.get(r["reason"], r["reason"]), r["detail"], *([r["source"]] if several else []))
        for r in report.rejections
    ]
    shown = (
        f"The first {REJECTIONS_SHOWN}; all: hundredfold results --rejected" if len(rows) == REJECTIONS_SHOWN else ""
    )
    return section(
        "Rejected records",
        '<div class="two"><div><h3>by reason</h3>',
        page.chart(by_reason, height=60 + 30 * len(reasons)),
        f"</div><div><h3>by line of {'its object' if several else 'the source'}</h3>",
        page.chart(by_place, height=200),
        "</div></div>",
        f'<p class="note">{text(shown)}</p>' if shown else "",
        table(("line", "byte offset", "reason", "detail", *(["object"] if several else [])), rows, right=(0, 1)),
    )


def _cost(page: Page, report: Report) -> str:
    cost = report.cost
    assert cost  # noqa: S101 - the caller has checked it
    services = {name: usd for name, usd in by_service(cost).items() if usd}
    chart: Chart = {
        "kind": "bars",
        "lying": True,
        "categories": list(services),
        "series": [{"name": "USD", "values": [round(usd, 6) for usd in services.values()], "colour": "main"}],
    }
    rows: list[Sequence[object]] = [
        (line.what, f"{line.quantity:,.6g}" if line.quantity % 1 else f"{line.quantity:,.0f}", line.unit,
         f"{line.unit_usd * 1e6:,.3f}", f"{line.usd:.6f}")
        for line in cost.lines
    ]  # fmt: skip
    rows.append(("together", "", "", "", f"{cost.usd:.6f}"))
    first = next(iter(services))
    return section(
        "What it cost",
        f"<p>{text(first)} is {services[first] / cost.usd:.0%} of it: {text(ADVICE[first])}</p>",
        page.chart(chart, height=40 + 34 * len(services)),
        table(("", "quantity", "unit", "$ a million", "$"), rows, right=(1, 3, 4), sum_row=True),
        note=f"What was used, times the list prices of {cost.region}, {cost.dated}, without free tiers.",
    )


def _card(card: dict[str, Any]) -> str:
    score, training = card.get("score", {}), card.get("training", {})
    fields = ", ".join(f"{field['name']} ({field['type']})" for field in card["signature"]["fields"])
    rows: list[tuple[str, object]] = [
        ("name", card["name"]),
        ("reads", fields),
        ("answers", ", ".join(map(label_text, card["classes"]))),
        *((f"score: {name}", value) for name, value in score.items()),
        *((f"training: {name}", value) for name, value in training.items()),
        *((name, version) for name, version in card["versions"].items()),
        *((name, f"SHA-256 {digest}") for name, digest in card["files"].items()),
    ]
    return section("The model's card", table(("", ""), rows))


def _against(names: Sequence[str], shares: Sequence[float], counts: Sequence[int], *, every: bool = False) -> Chart:
    total = sum(counts) or 1
    return {
        "kind": "bars",
        "percent": True,
        "all": every and len(names) < 8,
        "categories": list(names),
        "series": [
            {"name": "baseline", "values": [round(100 * share, 2) for share in shares], "colour": "mute"},
            {"name": "this ingest", "values": [round(100 * count / total, 2) for count in counts], "colour": "main"},
        ],
    }


def _bins_of(measure: Measure) -> list[str]:
    missing = ["missing"] if measure.missing else []
    if measure.kind == "category":
        return [*measure.known, "any other", *missing]
    return [
        *_ranges(measure.edges, 2 if measure.kind == "common_words" else 0 if measure.kind == "characters" else 4),
        *missing,
    ]


def _ranges(edges: Sequence[float], places: int) -> list[str]:
    def shown(value: float) -> str:
        return f"{value:,.{places}f}" if places < 4 else f"{value:,.4g}"

    between = [f"{shown(low)} to {shown(high)}" for low, high in pairwise(edges)]
    return [f"under {shown(edges[0])}", *between, f"from {shown(edges[-1])}"] if edges else ["any"]


def _count(number: int, singular: str, plural: str = "") -> str:
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def _index_row(name: str, part: Stability) -> tuple[str, str, str, str, str]:
    return name, f"{part.index:.3f}", f"{part.chance:.3f}", f"{part.distance:.3f}", _verdict(part)


def _verdict(part: Stability) -> str:
    if not part.beyond_chance:
        return "no more than by chance"
    if part.beyond_chance > MUCH:
        return "much: over the alarm's threshold"
    return "a little" if part.beyond_chance > LITTLE else "none to speak of"


def _accuracy(accuracy: Accuracy | None) -> str:
    if accuracy is None:
        return ""
    return (
        f"<p>About <strong>{accuracy.expected:.1%}</strong> of the predictions are right ({accuracy.low:.1%} to "
        f"{accuracy.high:.1%} with 95 % confidence). The scores alone say so. In the baseline it was "
        f"{accuracy.baseline:.1%}.</p>"
    )


def _histogram(values: Sequence[float]) -> tuple[list[int], list[str]]:
    """Count values in bins whose width is a round number; the last bin takes all that is far out."""
    far = sorted(values)[int(0.99 * (len(values) - 1))]
    width = next((w for w in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000) if far / w <= _BINS), 5000)
    last = int(far // width) + 1
    counts = [0] * (last + 1)
    for value in values:
        counts[min(last, int(value // width))] += 1
    names = [f"{place * width:,}" for place in range(last)] + [f"≥ {last * width:,}"]
    first = next(place for place, count in enumerate(counts) if count)
    return counts[first:], names[first:]
