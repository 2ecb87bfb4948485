"""Positions in contracts: average entry, realised profit, leverage and mode.  Quantities in base units, money in USDT."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from floorbroker.domain.values import ZERO, Side, round_step
from floorbroker_sim.bybit import info
from floorbroker_sim.bybit.info import Product

ONE_WAY, HEDGE = 0, 3
_COST_STEP = Decimal("1e-12")


@dataclass(slots=True, kw_only=True)
class Stop:
    """What a position carries for its whole size: exits, and a trail once the price has passed `active`."""

    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    trailing: Decimal | None = None
    active: Decimal | None = None
    best: Decimal | None = None  # the best price since the trail is active


@dataclass(slots=True, kw_only=True)
class Position:
    """One position: `size` and `cost` (size x price) are signed.  Index 0 is one-way, 1 long and 2 short of a hedge."""

    product: Product
    idx: int
    created_at: datetime
    updated_at: datetime
    size: Decimal = ZERO
    cost: Decimal = ZERO
    open_fees: Decimal = ZERO
    realised: Decimal = ZERO  # of this round, fees included
    realised_ever: Decimal = ZERO
    seq: int = 0
    stop: Stop = field(default_factory=Stop)

    @property
    def avg_px(self) -> Decimal:
        return self.cost / self.size if self.size else ZERO

    @property
    def side(self) -> Side | None:
        return None if not self.size else Side.BUY if self.size > 0 else Side.SELL

    def closable(self, side: Side) -> Decimal:
        """How much an order of `side` can close."""
        return abs(self.size) if self.size and self.side is not side else ZERO

    def trade(self, side: Side, qty: Decimal, price: Decimal, fee: Decimal) -> Traded:
        """Book a fill.  The closing part realises profit at average cost; what is left opens the other side."""
        closing = min(qty, self.closable(side))
        entry = pnl = open_fee = ZERO
        if closing:
            is_all = closing == abs(self.size)
            entry = abs(self.cost) if is_all else _share(abs(self.cost), closing, abs(self.size))
            open_fee = self.open_fees if is_all else _share(self.open_fees, closing, abs(self.size))
            pnl = (closing * price - entry) * -side.sign
            self.cost += side.sign * entry
            self.size += side.sign * closing
            self.open_fees -= open_fee
        opening = qty - closing
        if opening:
            if not self.size:
                self.realised = ZERO
            self.size += side.sign * opening
            self.cost += side.sign * opening * price
            self.open_fees += fee * opening / qty if closing else fee
        self.realised += pnl - fee
        self.realised_ever += pnl - fee
        return Traded(closed=closing, pnl=pnl, entry_value=entry, open_fee=open_fee)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """What a fill did to a position: units closed, their profit before fees, their value and fees at entry."""

    closed: Decimal
    pnl: Decimal
    entry_value: Decimal
    open_fee: Decimal


def _share(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
    return round_step(whole * part / of, _COST_STEP, ROUND_HALF_EVEN)


class Holdings:
    """All positions of the account with their leverage and mode, by contract."""

    def __init__(self, opened_at: datetime) -> None:
        self._opened_at = opened_at
        self._positions: dict[tuple[str, int], Position] = {}
        self._modes: dict[str, int] = {}
        self._leverage: dict[str, Decimal] = {}

    def mode(self, product: Product) -> int:
        return self._modes.get(product.canonical, ONE_WAY)

    def set_mode(self, product: Product, mode: int) -> None:
        self._modes[product.canonical] = mode

    def leverage(self, product: Product) -> Decimal:
        return self._leverage.get(product.canonical, info.START_LEVERAGE)

    def set_leverage(self, product: Product, leverage: Decimal) -> None:
        self._leverage[product.canonical] = leverage

    def indexes(self, product: Product) -> tuple[int, ...]:
        return (0,) if self.mode(product) == ONE_WAY else (1, 2)

    def at(self, product: Product, idx: int) -> Position:
        """The position, flat when there never was one."""
        found = self._positions.get((product.canonical, idx))
        if found is None:
            found = self._positions[product.canonical, idx] = Position(
                product=product, idx=idx, created_at=self._opened_at, updated_at=self._opened_at
            )
        return found

    def open(self) -> list[Position]:
        """Positions that are not flat, by symbol."""
        return [self._positions[key] for key in sorted(self._positions) if self._positions[key].size]

    def all_of(self, product: Product) -> list[Position]:
        return [self.at(product, idx) for idx in self.indexes(product)]
