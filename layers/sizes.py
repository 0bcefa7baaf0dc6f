"""How large the layers are, by package, against Lambda's limit."""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAMBDA_LIMIT_BYTES = 262_144_000
"""Of a function and all its layers, unzipped.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)"""


@dataclass(frozen=True, slots=True)
class Part:
    """One package in one layer (or a whole layer that has no packages), in bytes."""

    layer: str
    package: str
    unzipped: int
    zipped: int


def unzipped_size(archive: Path) -> int:
    """Return the bytes of an archive's files, which is what Lambda's limit counts."""
    with zipfile.ZipFile(archive) as zipped:
        return sum(entry.file_size for entry in zipped.infolist())


def read_parts(layer: str, archive: Path, owners: Mapping[str, str]) -> list[Part]:
    """Add up an archive by package.

    Parameters
    ----------
    owners : the package of each entry below `python/`, in the order in which packages were asked for; what has no
        owner counts as the layer's own
    """
    sizes: dict[str, list[int]] = {package: [0, 0] for package in owners.values()}
    with zipfile.ZipFile(archive) as zipped:
        for entry in zipped.infolist():
            parts = Path(entry.filename).parts
            top = parts[2] if parts[1:2] == ("__pycache__",) else parts[1] if len(parts) > 1 else ""
            size = sizes.setdefault(owners.get(top) or owners.get(f"{top.partition('.')[0]}.py") or layer, [0, 0])
            size[0] += entry.file_size
            size[1] += entry.compress_size
    return [Part(layer, package, *size) for package, size in sizes.items()]


def over_limit(parts: Sequence[Part], limit: int = LAMBDA_LIMIT_BYTES) -> str | None:
    """Say by how much the parts together are over the limit and which one broke it; None if they are under it.

    Packages are counted last, in their order: the one that broke the limit is the first with which they are over it.
    """
    over = sum(part.unzipped for part in parts) - limit
    if over <= 0:
        return None
    running = sum(part.unzipped for part in parts if part.package == part.layer)
    broke = parts[-1]
    for broke in (part for part in parts if part.package != part.layer):
        running += broke.unzipped
        if running > limit:
            break
    return (
        f"that is {over:,} bytes over Lambda's limit of {limit:,}: {broke.package} with its {broke.unzipped:,} bytes "
        "broke it; leave out a package, or use a smaller one"
    )


def table(title: str, parts: Sequence[Part], limit: int = LAMBDA_LIMIT_BYTES) -> str:
    """Return a table of the parts, largest first in each layer, with their share of the limit."""
    lines = [f"{title:<32}{'unzipped':>14}{'of the limit':>14}{'zipped':>14}"]
    for layer in dict.fromkeys(part.layer for part in parts):
        inside = [part for part in parts if part.layer == layer]
        lines.append(_row(layer, inside, limit))
        if len(inside) > 1:
            lines += [_row(f"  {part.package}", [part], limit) for part in sorted(inside, key=lambda p: -p.unzipped)]
    lines.append(_row("together", parts, limit))
    return "\n".join(lines)


def _row(name: str, parts: Sequence[Part], limit: int) -> str:
    unzipped = sum(part.unzipped for part in parts)
    zipped = sum(part.zipped for part in parts)
    return f"{name:<32}{unzipped:>14,}{unzipped / limit:>14.1%}{zipped:>14,}"
