"""What an execution costs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Protocol

from floorbroker.domain.values import ZERO, Price, Quantity, Side, round_step

CENT = Decimal("0.01")
_BPS = Decimal(10_000)


class FeeModel(Protocol):
    """Fee of one execution in quote currency, positive; `qty` in units, `price` of one unit (of a contract: of its shares)."""

    def fee(self, *, symbol: str, side: Side, qty: Quantity, price: Price, maker: bool) -> Decimal: ...


@dataclass(frozen=True, slots=True)
class NoFees:
    """Trading is free."""

    def fee(self, *, symbol: str, side: Side, qty: Quantity, price: Price, maker: bool) -> Decimal:
        return ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class PerShare:
    """`rate` for each unit, at least `minimum` and at most `maximum_percent` of the trade's value for each execution."""

    rate: Decimal
    minimum: Decimal = ZERO
    maximum_percent: Decimal | None = None
    step: Decimal = CENT

    def fee(self, *, symbol: str, side: Side, qty: Quantity, price: Price, maker: bool) -> Decimal:
        fee = max(self.minimum, self.rate * qty)
        if self.maximum_percent is not None:
            fee = min(fee, abs(price) * qty * self.maximum_percent / 100)
        return round_step(fee, self.step, ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bps:
    """Basis points of the trade's value, cheaper (or dearer) for the side that made the price.  A rebate is negative."""

    taker: Decimal
    maker: Decimal
    step: Decimal = Decimal("0.00000001")

    def fee(self, *, symbol: str, side: Side, qty: Quantity, price: Price, maker: bool) -> Decimal:
        rate = self.maker if maker else self.taker
        return round_step(abs(price) * qty * rate / _BPS, self.step, ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class SellSide:
    """Regulatory fees of US shares: basis points of the value and an amount for each unit, on sells alone, up to the cent."""

    value_bps: Decimal
    per_unit: Decimal

    def fee(self, *, symbol: str, side: Side, qty: Quantity, price: Price, maker: bool) -> Decimal:
        if side is Side.BUY:
            return ZERO
        return round_step(price * qty * self.value_bps / _BPS + self.per_unit * qty, CENT, "ROUND_CEILING")


NO_FEES = NoFees()
