"""A bill: what was used, times the prices of a dated list."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from hundredfold.accounting.prices import PriceList
from hundredfold.accounting.usage import UsageLine


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill: quantity x price."""

    price: str
    what: str
    quantity: float
    unit: str
    unit_usd: float
    usd: float


@dataclass(frozen=True, slots=True)
class Bill:
    """What something cost, in USD, line by line."""

    lines: tuple[Line, ...]
    region: str
    dated: str

    @property
    def usd(self) -> float:
        return math.fsum(line.usd for line in self.lines)

    def of(self, service: str) -> float:
        """Return the sum of the lines whose price's name begins with `service`."""
        return math.fsum(line.usd for line in self.lines if line.price.startswith(service))

    def as_dict(self) -> dict[str, Any]:
        return {
            "usd": self.usd,
            "region": self.region,
            "prices_dated": self.dated,
            "lines": [asdict(line) for line in self.lines],
        }


def bill(used: Iterable[UsageLine], listed: PriceList) -> Bill:
    """Multiply quantities by prices; what was not used has no line."""
    lines = []
    for use in used:
        if use.quantity:
            price = listed[use.price]
            unit_usd, usd = price.usd / price.per, price.of(use.quantity)
            lines.append(Line(use.price, use.what, use.quantity, price.unit, unit_usd, usd))
    return Bill(tuple(lines), listed.region, listed.dated)
