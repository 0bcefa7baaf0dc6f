"""A bill: usage lines times the prices of a dated list."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from hundredfold.accounting.prices import PriceList
from hundredfold.accounting.usage import UsageLine


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill: `usd` is `quantity` times `unit_usd`."""

    price: str
    what: str
    quantity: float
    unit: str
    unit_usd: float
    usd: float


@dataclass(frozen=True, slots=True)
class Bill:
    """A cost in USD, line by line, with the region and the date of its prices."""

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


def bill_of(usage_lines: Iterable[UsageLine], price_list: PriceList) -> Bill:
    """Multiply quantities by prices. A quantity of 0 has no line in the bill."""
    lines = []
    for used in usage_lines:
        if used.quantity:
            price = price_list[used.price]
            unit_usd, usd = price.usd / price.per, price.of(used.quantity)
            lines.append(Line(used.price, used.what, used.quantity, price.unit, unit_usd, usd))
    return Bill(tuple(lines), price_list.region, price_list.dated)
