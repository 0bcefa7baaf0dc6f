"""Price lists: dated data, never numbers in code."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Price:
    """A list price: `usd` for `per` units of `unit`."""

    usd: float
    per: float
    unit: str
    source: str
    unsure: bool = False

    def of(self, quantity: float) -> float:
        """Return what `quantity` units cost, in USD."""
        return quantity / self.per * self.usd


@dataclass(frozen=True, slots=True)
class PriceList:
    """The prices of a region, by name, and the day on which they were read."""

    region: str
    dated: str
    prices: Mapping[str, Price]

    def __getitem__(self, name: str) -> Price:
        return self.prices[name]


@cache
def prices(region: str = "us-east-1") -> PriceList:
    """Read the dated price list of `region`; raises FileNotFoundError if there is none."""
    data = json.loads(files("hundredfold.accounting").joinpath(f"data/prices-{region}.json").read_bytes())
    return PriceList(data["region"], data["dated"], {name: Price(**price) for name, price in data["prices"].items()})


def prices_or_none(region: str) -> PriceList | None:
    """Read the price list of `region`; None if there is none, because prices of another region would be wrong."""
    try:
        return prices(region)
    except FileNotFoundError:
        return None
