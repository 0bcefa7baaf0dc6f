"""A chart of a comparison, as SVG: the confusion matrix, and a histogram of the score differences."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from hundredfold_cli.models.comparison import Comparison

_CELL, _LEFT, _TOP, _WIDTH, _HEIGHT, _BINS = 74, 150, 96, 420, 240, 41
_AGREE, _DIFFER, _INK, _PALE = "#1b7f5c", "#c2452d", "#1c2430", "#8a94a3"


def draw_comparisons(comparisons: Sequence[Comparison], first: str, second: str) -> str:
    """Return an SVG document with a row for each output.

    Parameters
    ----------
    first, second : what the two models are called
    """
    rows: list[str] = []
    bottom, right = 0.0, 0.0
    for comparison in comparisons:
        content, width, height = _row(comparison, first, second)
        rows.append(f'<g transform="translate(0,{bottom:.0f})">{content}</g>')
        bottom, right = bottom + height, max(right, width)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{right:.0f}" height="{bottom:.0f}" '
        f'viewBox="0 0 {right:.0f} {bottom:.0f}" font-family="system-ui, sans-serif" font-size="13" fill="{_INK}">'
        f'<rect width="100%" height="100%" fill="white"/>{"".join(rows)}</svg>\n'
    )


def _row(comparison: Comparison, first: str, second: str) -> tuple[str, float, float]:
    title = f"{first} (down) and {second} (across)" + (f", {comparison.output}" if comparison.output else "")
    agreement = f"{comparison.compared:,} records, {comparison.agreement:.2%} agree"
    elements = [_text(20, 30, title, size=17, weight="bold"), _text(20, 52, agreement, fill=_PALE)]
    labels = list(comparison.matrix)
    side = _CELL * len(labels)
    elements.append(_matrix(comparison, labels))
    left = (_LEFT + side if labels else 0) + 60
    elements.append(_histogram(comparison, left))
    return "".join(elements), left + _WIDTH + 30, max(_TOP + side, _TOP + _HEIGHT + 40) + 30


def _matrix(comparison: Comparison, labels: list[str]) -> str:
    most = max((count for row in comparison.matrix.values() for count in row.values()), default=1) or 1
    elements = []
    for down, label in enumerate(labels):
        y = _TOP + down * _CELL
        elements.append(_text(_LEFT - 10, y + _CELL / 2 + 5, _short(label), anchor="end"))
        elements.append(_text(_LEFT + down * _CELL + _CELL / 2, _TOP - 10, _short(label, 10), anchor="middle"))
        for across, (name, count) in enumerate(comparison.matrix[label].items()):
            x = _LEFT + across * _CELL
            colour = _AGREE if name == label else _DIFFER
            share = count / most
            elements.append(
                f'<rect x="{x}" y="{y}" width="{_CELL - 3}" height="{_CELL - 3}" rx="4" fill="{colour}" '
                f'fill-opacity="{0.06 + 0.9 * share:.3f}"/>'
            )
            ink = "white" if share > 0.5 else _INK  # noqa: PLR2004, RUF100 - dark enough for white on it
            elements.append(_text(x + (_CELL - 3) / 2, y + _CELL / 2 + 4, f"{count:,}", anchor="middle", fill=ink))
    return "".join(elements)


def _histogram(comparison: Comparison, left: float) -> str:
    differences = comparison.differences
    quantity = "score" if comparison.matrix else "number"
    if not differences:
        return _text(left, _TOP + 20, f"no {quantity} differences to show", fill=_PALE)
    reach = max(map(abs, differences)) or 1.0
    counts = [0] * _BINS
    for difference in differences:
        counts[min(_BINS - 1, int((difference / reach + 1) / 2 * _BINS))] += 1
    most = max(counts)
    bar = _WIDTH / _BINS
    elements = [_text(left, _TOP - 10, f"{quantity} of the second less that of the first", fill=_PALE)]
    for number, count in enumerate(counts):
        height = _HEIGHT * count / most
        elements.append(
            f'<rect x="{left + number * bar:.1f}" y="{_TOP + _HEIGHT - height:.1f}" width="{bar - 1.5:.1f}" '
            f'height="{height:.1f}" fill="#3c6fb5"/>'
        )
    base = _TOP + _HEIGHT
    elements.append(f'<line x1="{left}" x2="{left + _WIDTH}" y1="{base}" y2="{base}" stroke="{_PALE}"/>')
    for place, value, anchor in ((0.0, -reach, "start"), (0.5, 0.0, "middle"), (1.0, reach, "end")):
        elements.append(_text(left + place * _WIDTH, base + 20, f"{value:+.3g}" if value else "0", anchor=anchor))
    elements.append(_text(left + _WIDTH, _TOP + 12, f"highest bar: {most:,}", anchor="end", fill=_PALE))
    return "".join(elements)


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", fill: str = _INK, size: int = 13, weight: str = "normal"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}" font-size="{size}" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )


def _short(text: str, length: int = 18) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
