"""The page of a report: one ingest in charts and tables."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from hundredfold.model.drift import LEAST_RECORDS, Measure
from hundredfold.records import Reason, label_text
from hundredfold.summary import Accuracy, Stability, Status
from hundredfold_cli.estimates.estimate import ADVICE, by_service
from hundredfold_cli.ingests.display import batch_ranges
from hundredfold_cli.ingests.report import Report, duration, steps
from hundredfold_cli.pages.page import Chart, Page, code, section, slug, table, text, tiles

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
_REJECTIONS_LISTED = 20
"""How many rejections the page lists. It groups all, and a command lists them."""
_BINS = 40


def report_page(report: Report) -> Page:
    """Make the page of a report. The first screen answers whether the ingest was good. An empty section is left out."""
    summary = report.summary
    page = Page(f"Ingest {summary['ingest_id']}")
    status = str(summary["status"])
    style = {Status.COMPLETED: "good", Status.FAILED: "bad"}.get(Status(status), "warn")
    page.add(
        f'<h1>{text(summary["ingest_id"])} <span class="badge {style}">{text(status.lower())}</span></h1>',
        f'<p class="soft">began {text(_first_start(summary)[:19].replace("T", " "))} UTC, '
        f"model version {text(summary['model_version'] or '-')}, "
        f"from <code>{text(summary['source'] or '-')}</code></p>",
    )
    sections = [*_first_screen(page, report), *_details(page, report)]
    links = "".join(f'<a href="#{slug(title)}">{text(title)}</a>' for title, markup in sections if title and markup)
    page.add(f'<nav aria-label="sections">{links}</nav>', *(markup for _, markup in sections))
    return page


type Section = tuple[str, str]
"""The title of a section, and its markup. The figures have no title."""


def _first_screen(page: Page, report: Report) -> list[Section]:
    """Return what says whether the ingest was good, and what to do if it was not."""
    sections: list[Section] = []

    def add(title: str, *markup: str, note: str = "") -> None:
        sections.append((title, section(title, *markup, note=note)))

    match report.summary["status"]:
        case Status.FAILED:
            add("Why it failed", *_failure(report))
        case Status.RUNNING:
            add("How far it is", _how_far(report.summary))
    sections.append(("", tiles(_figures(report))))
    if report.sketch and report.baseline:
        add("Predictions", *_predictions(page, report), note=_series_note(report))
    elif report.answers:
        sections.append(("What was predicted", _answers(page, report)))
    if report.rejection_groups:
        add("Rejected, by what is wrong", *_rejection_groups(report))
    columns = [f"<div>{column}</div>" for column in (_dearest(report), _changes(report)) if column]
    if columns:
        add("Cost and changes", '<div class="two">', *columns, "</div>")
    if report.examples.among:
        add("Examples", *_examples(report), note=_examples_note(report))
    return sections


def _details(page: Page, report: Report) -> list[Section]:
    """Return what explains an ingest: its time, its inputs, its rejections, its cost and its model."""
    sections: list[Section] = []
    if report.done:
        sections += [("Timeline", _timeline(page, report)), ("How long a batch took", _durations(page, report))]
    if report.sketch and report.baseline:
        sections.append(("Inputs against the baseline", _inputs(page, report)))
    if report.rejected_lines:
        sections.append(("Where records were rejected", _rejections(page, report)))
    if report.cost:
        sections.append(("What it cost", _cost(page, report)))
    if report.card:
        sections.append(("The model's card", _card(report.card)))
    return sections


def _first_start(summary: Mapping[str, Any]) -> str:
    return str(summary.get("began_at") or summary["started_at"])


def _failure(report: Report) -> list[str]:
    """Return why an ingest failed: the cause, the batches by cause, and the command to type."""
    summary = report.summary
    ingest_id = summary["ingest_id"]
    markup = [f'<p class="lead">{text(summary.get("cause") or "unknown")}</p>']
    if report.failed_batches:
        rows = [(cause, f"{len(batches):,}", batch_ranges(batches)) for cause, batches in report.failed_batches.items()]
        markup.append(
            table(("cause", "batches", "which"), rows, right=(1,), label="batches that are not done, by cause")
        )
    if summary["batches_failed"] or not summary["batches"]:
        markup.append("<p>Mend the cause. Then this does what is missing, and nothing else:</p>")
        markup.append(code(f"hundredfold resume {ingest_id}"))
    elif summary["rejected"]:
        markup.append(
            "<p>No batch is missing. Mend the records or the model; then this does the rejected ones again:</p>"
        )
        markup.append(code(f"hundredfold resume {ingest_id} --rejected --model live"))
    else:
        markup.append("<p>No batch is missing. This sums it up again:</p>")
        markup.append(code(f"hundredfold resume {ingest_id} --force"))
    return [*markup, "<p>What the functions logged about it:</p>", code(f"hundredfold logs {ingest_id} --errors")]


def _how_far(summary: Mapping[str, Any]) -> str:
    progress = summary.get("progress")
    if not progress:
        return '<p class="lead">It is being planned.</p>'
    done, batches = progress["batches_done"], progress["batches"]
    ends = f"; it will end at about {progress['ends_at'][11:19]} UTC" if progress["ends_at"] else ""
    rate = f", {progress['records_a_second']:,.0f} records a second" if progress["records_a_second"] else ""
    share = done / batches if batches else 0
    failed = f", {progress['batches_failed']:,} failed so far" if progress["batches_failed"] else ""
    return (
        f'<p class="lead">{done:,} of {batches:,} batches ({share:.0%}){failed}{text(rate)}{text(ends)}.</p>'
        f'<progress max="{batches}" value="{done}" aria-label="batches that are done" style="width:100%"></progress>'
    )


def _figures(report: Report) -> list[tuple[str, str, str]]:
    summary = report.summary
    seconds = float(summary["seconds"])
    scored = int(summary["predicted"]) + int(summary["rejected"])
    records = int(summary["records"]) or 1
    ended = summary["status"] != Status.RUNNING
    figures = [
        (f"{summary['records']:,}", "records in", ""),
        (f"{summary['predicted']:,}", "predicted", "good"),
        (
            f"{summary['rejected']:,}",
            f"rejected, {summary['rejected'] / records:.2%}",
            "warn" if summary["rejected"] else "",
        ),
    ]
    if ended:
        figures.append((f"{summary['failed']:,}", "failed", "bad" if summary["failed"] else ""))
    figures += [
        (
            f"{seconds:,.1f} s",
            "so far" if not ended else "of all executions" if _executions(summary) > 1 else "to its end",
            "",
        ),
        (f"{scored / seconds:,.0f}" if seconds else "-", "records a second", ""),
    ]
    if report.cost:
        figures.append((f"${report.cost.usd:.4f}", "by list prices", ""))
    if report.drift:
        value = report.drift.largest
        style = "good" if value < LITTLE else "warn" if value < MUCH else "bad"
        figures.append((f"{value:.3f}", "drift beyond chance", style))
    return figures


def _executions(summary: Mapping[str, Any]) -> int:
    return max(len(summary.get("executions", [])), 1)


def _series_note(report: Report) -> str:
    assert report.baseline  # noqa: S101 - the caller has checked it
    count = len(report.earlier)
    ingests = "ingest" if count == 1 else f"{count} ingests"
    last = f", and of the last {ingests} of this model (violet)" if report.earlier_sketch else ""
    return f"Shares of this ingest (blue) beside those of the baseline, {report.baseline.on} (grey){last}, in percent."


def _predictions(page: Page, report: Report) -> list[str]:
    baseline, sketch, drift = report.baseline, report.sketch, report.drift
    assert baseline  # noqa: S101 - the caller has checked both
    assert sketch  # noqa: S101
    earlier = report.earlier_sketch
    earlier_labels, earlier_scores = (earlier.labels, earlier.scores) if earlier else ((), ())
    labels = [str(label) for label in baseline.labels]
    numbers = "scores" if labels else "numbers"
    charts, verdicts = [], []
    if labels:
        shares = _against(labels, tuple(baseline.labels.values()), sketch.labels, earlier_labels, every=True)
        total = sum(sketch.labels) or 1
        shares_text = ", ".join(
            f"{name} {count / total:.1%}" for name, count in zip(labels, sketch.labels, strict=True)
        )
        charts.append(f"<h3>labels</h3>{page.chart(shares, height=150, label=f'labels of this ingest: {shares_text}')}")
        verdicts += [_drift_sentence("labels", drift.labels)] if drift else []
    if baseline.scores:
        ranges = _ranges(baseline.score_edges, 2 if labels else 4)
        shares = _against(ranges, baseline.scores, sketch.scores, earlier_scores)
        label = f"{numbers} of this ingest beside the baseline's, in percent by range"
        charts.append(f"<h3>{numbers}</h3>{page.chart(shares, height=150, label=label)}")
        verdicts += [_drift_sentence(numbers, drift.scores)] if drift else []
    if not drift:
        verdicts = [f"fewer than {LEAST_RECORDS} records were scored: too few to tell drift from chance"]
    columns = "".join(f"<div>{chart}</div>" for chart in charts)
    accuracy = _accuracy(drift.accuracy) if drift else ""
    return [f"<p>{text('; '.join(verdicts))}</p>", accuracy, f'<div class="two">{columns}</div>']


def _examples(report: Report) -> list[str]:
    columns = []
    for title, chosen in (
        ("the model is sure", report.examples.sure),
        ("the model is not sure", report.examples.unsure),
    ):
        if not chosen:
            continue
        heads = ("id", "prediction", "score", *(["record"] if any(example.record for example in chosen) else []))
        rows = [
            (example.record_id, example.label, f"{example.score:.3f}", *([example.record] if len(heads) == 4 else []))
            for example in chosen
        ]
        columns.append(f"<div><h3>{title}</h3>{table(heads, rows, right=(2,), label=title)}</div>")
    return ['<div class="two">', *columns, "</div>"]


def _examples_note(report: Report) -> str:
    hint = "" if any(example.record for example in report.examples.sure) else "; --examples shows their records"
    return f"Of {report.examples.among:,} predictions of a few batches{hint}."


def _rejection_groups(report: Report) -> list[str]:
    ingest_id = report.summary["ingest_id"]
    rows = [(f"{group.records:,}", group.detail, _reason_text(group.reason)) for group in report.rejection_groups]
    shown = sum(group.records for group in report.rejection_groups)
    if (others := len(report.rejected_lines) - shown) > 0:
        rows.append((f"{others:,}", "something else", "other"))
    reasons = {group.reason for group in report.rejection_groups}
    advice = [_TAKES[reason] for reason in _TAKES if reason in reasons]
    return [
        table(("records", "what is wrong", "reason"), rows, right=(0,), label="rejected records by what is wrong"),
        *(f"<p>{text(why)}:</p>{code(command.format(ingest=ingest_id))}" for why, command in advice),
        f"<p>All of them, with line and offset:</p>{code(f'hundredfold results {ingest_id} --rejected')}",
    ]


_AGAIN = "hundredfold resume {ingest} --rejected --model live"
_TAKES = {
    Reason.WRONG_TYPE.value: ("A model whose fields take what is there (nullable, another type) scores them", _AGAIN),
    Reason.MISSING_FIELD.value: (
        "If the field has another name in the source",
        "hundredfold ingest SOURCE --map FIELD=COLUMN",
    ),
    Reason.NOT_PREDICTABLE.value: ("Once a model that takes them is live", _AGAIN),
}
"""For a reason, when its records can be taken, and the command for it."""


def _dearest(report: Report) -> str:
    if not report.cost or not report.cost.usd:
        return ""
    lines = sorted(report.cost.lines, key=lambda line: -line.usd)[:2]
    rows = [(line.what, f"{line.usd / report.cost.usd:.0%}", f"{line.usd:.4f}") for line in lines]
    rest = report.cost.usd - sum(line.usd for line in lines)
    rows += [("all else", f"{rest / report.cost.usd:.0%}", f"{rest:.4f}"), ("together", "", f"{report.cost.usd:.4f}")]
    return "<h3>what cost most</h3>" + table(
        ("", "share", "$"), rows, right=(1, 2), sum_row=True, label="the two largest lines of the cost"
    )


def _changes(report: Report) -> str:
    """Return what has changed since the last ingest of the same model."""
    if not report.earlier or report.summary["status"] == Status.RUNNING:
        return ""
    last, summary = report.earlier[0], report.summary
    rows = [
        ("records", _change(int(summary["records"]), last.records, "{:,.0f}")),
        (
            "rejected",
            _change(
                _percent(summary["rejected"], summary["records"]), _percent(last.rejected, last.records), "{:.2f} %"
            ),
        ),
        ("seconds", _change(float(summary["seconds"]), last.seconds, "{:,.1f}")),
        ("cost, by the ledger, $", _change(summary.get("usd"), last.usd, "{:.4f}")),
        (
            "largest drift",
            _change(
                report.drift.largest if report.drift else None, last.drift.largest if last.drift else None, "{:.3f}"
            ),
        ),
    ]
    cells = [(name, *change) for name, change in rows if change]
    return f"<h3>since the last, {text(last.ingest_id)}</h3>" + table(
        ("", "then", "now", "change"), cells, right=(1, 2, 3), label="changes since the last ingest of this model"
    )


def _percent(part: int | None, whole: int) -> float | None:
    return None if part is None or not whole else 100 * part / whole


def _change(now: float | None, then: float | None, form: str) -> tuple[str, str, str] | None:
    if now is None or then is None:
        return None
    percent = "-" if not then else f"{(now - then) / then:+.0%}"
    return form.format(then), form.format(now), percent


def _reason_text(reason: str) -> str:
    return reason.replace("_", " ")


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
        f"{_count(starts, 'cold start')}, {_count(slow, 'straggler')} (over three times the median). Blue: a batch; "
        "amber: with rejections; teal: an environment starts; pink: a straggler."
    )
    last = max(float(report.summary["seconds"]), *(item[2] for item in items))
    chart: Chart = {"kind": "gantt", "workers": names, "items": items, "seconds": math.ceil(last * 10) / 10}
    label = f"a bar for each batch, in a row for each of {len(workers)} workers"
    return section("Timeline", page.chart(chart, height=60 + max(26 * len(workers), 70), label=label), note=note)


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
        page.chart(chart, height=210, label=f"batches by milliseconds; the median is {report.median_ms:,.0f}"),
        "</div><div><h3>milliseconds by step</h3>",
        table(("step", "median", "95 %", "longest", "share"), rows, right=(1, 2, 3, 4), label="milliseconds by step"),
        "</div></div>",
        note="As the function measured it, without its start, its entry into the ledger and what Lambda adds.",
    )


def _inputs(page: Page, report: Report) -> str:
    baseline, sketch, drift = report.baseline, report.sketch, report.drift
    assert baseline  # noqa: S101 - the caller has checked both
    assert sketch  # noqa: S101
    charts = []
    for position, (measure, counts) in enumerate(zip(baseline.inputs, sketch.inputs, strict=True)):
        name = f"{measure.field}: {_KINDS.get(measure.kind, measure.kind)}"
        earlier = report.earlier_sketch.inputs[position] if report.earlier_sketch else ()
        shares = _against(_bins_of(measure), measure.shares, counts, earlier)
        charts.append(f"<h3>{text(name)}</h3>" + page.chart(shares, height=210, label=f"{name}, in percent by range"))
    indices = ""
    if drift:
        rows = [
            _index_row(f"inputs: {drift.input}", drift.inputs),
            _index_row(f"unknown or out of range: {drift.unseen_share:.1%}", drift.unseen),
            _index_row("rejected", drift.rejected),
        ]
        heads = ("", "stability index", "by chance, under", "distance", "")
        indices = table(heads, rows, right=(1, 2, 3), wide=(3,), label="drift of the inputs")
    columns = "".join(f"<div>{chart}</div>" for chart in charts)
    return section(
        "Inputs against the baseline", indices, f'<div class="two">{columns}</div>', note=_series_note(report)
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
        f"<div><h3>{text(title)}</h3>{page.chart(_shares(names, numbers), height=210, label=title)}</div>"
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
        for r in report.rejections[:_REJECTIONS_LISTED]
    ]
    heads = ("line", "byte offset", "reason", "detail", *(["object"] if several else []))
    return section(
        "Where records were rejected",
        '<div class="two"><div><h3>by reason</h3>',
        page.chart(
            by_reason,
            height=60 + 30 * len(reasons),
            label=", ".join(f"{_reason_text(reason)} {count:,}" for reason, count in reasons.items()),
        ),
        f"</div><div><h3>by line of {'its object' if several else 'the source'}</h3>",
        page.chart(by_place, height=200, label="rejected records by their line"),
        "</div></div>",
        f"<h3>the first {len(rows):,}</h3>" if len(report.rejected_lines) > len(rows) else "",
        table(heads, rows, right=(0, 1), wide=(1,), label="rejected records"),
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
        page.chart(
            chart,
            height=40 + 34 * len(services),
            label=", ".join(f"{name} ${usd:.4f}" for name, usd in services.items()),
        ),
        table(
            ("", "quantity", "unit", "$ a million", "$"),
            rows,
            right=(1, 3, 4),
            sum_row=True,
            wide=(2, 3),
            label="the cost, line by line",
        ),
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
    return section("The model's card", table(("", ""), rows, label="the model's card"))


def _against(
    names: Sequence[str],
    shares: Sequence[float],
    counts: Sequence[int],
    earlier: Sequence[int] = (),
    *,
    every: bool = False,
) -> Chart:
    """Return a chart of shares: of the baseline, of the last ingests if there are any, and of this one."""
    series = [{"name": "baseline", "values": [round(100 * share, 2) for share in shares], "colour": "mute"}]
    if len(earlier) == len(counts):
        series.append({"name": "last ingests", "values": _percents(earlier), "colour": "last"})
    series.append({"name": "this ingest", "values": _percents(counts), "colour": "main"})
    return {
        "kind": "bars",
        "percent": True,
        "all": every and len(names) < 8,
        "categories": list(names),
        "series": series,
    }


def _percents(counts: Sequence[int]) -> list[float]:
    total = sum(counts) or 1
    return [round(100 * count / total, 2) for count in counts]


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


def _drift_sentence(name: str, part: Stability) -> str:
    return f"{name}: drift {part.index:.3f} (chance: under {part.chance:.3f}), {_verdict(part)}"


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
