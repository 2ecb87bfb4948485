"""The last day of an option on shares: a cent in the money it is exercised or assigned at the close, else worth nothing.

The exchanges' rule of exercise by exception; the shares are delivered at the strike.
https://www.theocc.com/clearance-and-settlement/exercise-by-exception
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from floorbroker.domain.options import SHARES, Ending, OptionContract
from floorbroker.domain.values import ZERO, Price, Quantity, Side
from floorbroker.matching.calendar import XNYS

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Units that change hands without an order, at a price each."""

    symbol: str
    side: Side
    qty: Quantity
    price: Price


def last_moment(contract: OptionContract) -> datetime:
    """The close of its last trading day, UTC; an expiry on a holiday is the trading day before."""
    day = contract.expiry
    while (session := XNYS.session(day)) is None:
        day -= timedelta(days=1)
    return session.close


def settled(
    contract: OptionContract, qty: Decimal, *, spot: Decimal, underlying: str
) -> tuple[Ending, tuple[Moved, ...]]:
    """How `qty` signed contracts end when a share costs `spot`; what moves: contracts at nothing, shares at the strike."""
    gone = Moved(
        symbol=contract.symbol, side=Side.SELL if qty > 0 else Side.BUY, qty=Quantity(abs(qty)), price=Price(ZERO)
    )
    if contract.inner(spot) < CENT:
        return Ending.EXPIRED, (gone,)
    shares = contract.delivers(qty, SHARES)
    delivered = Moved(
        symbol=underlying,
        side=Side.BUY if shares > 0 else Side.SELL,
        qty=Quantity(abs(shares)),
        price=Price(contract.strike),
    )
    return (Ending.EXERCISED if qty > 0 else Ending.ASSIGNED), (gone, delivered)
