"""How much worse than the touch a taker fares.  The engine never lets a model pass an order's limit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Protocol

from floorbroker.domain.values import Price, Quantity, Side, round_step


class Slippage(Protocol):
    """The price a taker of `qty` gets where `price` was shown for `displayed` units; `tick` is the price step there."""

    def price(self, *, side: Side, price: Price, qty: Quantity, displayed: Decimal, tick: Decimal) -> Price: ...


def _worse(side: Side, price: Price, by: Decimal, tick: Decimal) -> Price:
    """`price` moved against the taker by whole ticks, rounded away from him; never to zero or below."""
    rounding = "ROUND_CEILING" if side is Side.BUY else "ROUND_FLOOR"
    return Price(max(tick, round_step(price + side.sign * by, tick, rounding)))


@dataclass(frozen=True, slots=True)
class NoSlippage:
    """The touch is the price."""

    def price(self, *, side: Side, price: Price, qty: Quantity, displayed: Decimal, tick: Decimal) -> Price:
        return price


@dataclass(frozen=True, slots=True)
class Ticks:
    """A fixed number of price steps."""

    ticks: int

    def price(self, *, side: Side, price: Price, qty: Quantity, displayed: Decimal, tick: Decimal) -> Price:
        return _worse(side, price, tick * self.ticks, tick)


@dataclass(frozen=True, slots=True)
class BpsSlippage:
    """Basis points of the price."""

    bps: Decimal

    def price(self, *, side: Side, price: Price, qty: Quantity, displayed: Decimal, tick: Decimal) -> Price:
        return _worse(side, price, price * self.bps / 10_000, tick)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeImpact:
    """Basis points of the price for each time the displayed size is taken: a large order moves the market."""

    bps: Decimal

    def price(self, *, side: Side, price: Price, qty: Quantity, displayed: Decimal, tick: Decimal) -> Price:
        times = qty / displayed if displayed > 0 else Decimal(1)
        return _worse(side, price, price * self.bps * times / 10_000, tick)


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomTicks:
    """From none to `most` price steps, drawn from the handed-in source."""

    random: Random
    most: int

    def price(self, *, side: Side, price: Price, qty: Quantity, displayed: Decimal, tick: Decimal) -> Price:
        return _worse(side, price, tick * self.random.randint(0, self.most), tick)


NO_SLIPPAGE = NoSlippage()
