"""How a kill closes a position: the one order for it, or why there is none.  Pure; `gateway/flattening.py` acts.

The order is a limit at the touch and a collar beyond it, for as much of the position as the venue's steps allow, taken at once
where the venue has such orders.  What is too small to be sold is dust, and is said.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from floorbroker.domain.capability import BrokerInfo, Can
from floorbroker.domain.frozen import frozen
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import MarketHours, Position, Quote
from floorbroker.domain.values import (
    AssetClass,
    OrderType,
    PositionIntent,
    Price,
    Quantity,
    Side,
    TimeInForce,
    round_to_lot,
    round_to_tick,
    text_of,
)

COLLAR_BPS = Decimal(200)
REASON = "kill switch, level 3"
_BPS = Decimal(10_000)
_TIFS = (TimeInForce.IOC, TimeInForce.DAY, TimeInForce.GTC)  # what is left of an IOC goes by itself
_ROUND_THE_CLOCK = frozenset({AssetClass.CRYPTO, AssetClass.PERPETUAL})


@frozen
class Left:
    """A position that no order closes, and why.  `for_good`: looking again soon is of no use."""

    detail: str
    for_good: bool = True


def side_of(position: Position) -> Side:
    """The side that lowers it."""
    return Side.SELL if position.qty > 0 else Side.BUY


def closing(
    position: Position, instrument: Instrument, quote: Quote | None, info: BrokerInfo, *, collar_bps: Decimal
) -> tuple[NewOrder, ...] | Left:
    """The order that closes a position, or as much of it as the venue takes at once, in each time in force the venue has, the
    best first; or why none does.
    """
    side, kind = side_of(position), instrument.asset_class
    most = abs(position.qty) if instrument.max_qty is None else min(abs(position.qty), instrument.max_qty)
    qty = round_to_lot(Quantity(most), instrument.fraction or instrument.lot)
    if qty <= 0 or qty < instrument.min_qty:
        least = max(instrument.min_qty, instrument.fraction or instrument.lot)
        return Left(detail=f"dust: {text_of(abs(position.qty))} is below the venue's smallest order, {text_of(least)}")
    price = collared(side, instrument, quote, collar_bps=collar_bps)
    if price is None:
        return Left(detail="the venue tells no price", for_good=False)
    value = qty * price * instrument.multiplier
    if value < instrument.min_notional:
        return Left(
            detail=f"dust: {text_of(value)} is below the venue's smallest order, {text_of(instrument.min_notional)}"
        )
    if OrderType.LIMIT not in info.order_types.get(kind, ()):
        return Left(detail=f"{info.name} takes no limit orders in {kind.value}")
    return tuple(
        NewOrder(
            symbol=position.symbol,
            side=side,
            order_type=OrderType.LIMIT,
            order_qty=qty,
            price=price,
            tif=tif,
            position_intent=_intent(side) if kind is AssetClass.OPTION else None,
            reduce_only=Can.REDUCE_ONLY in info.can and kind is AssetClass.PERPETUAL,
            reason=REASON,
            allow_duplicate=True,
        )
        for tif in _TIFS
        if tif in info.tifs.get(kind, ())
    ) or Left(detail=f"{info.name} takes no order in {kind.value} that a kill may send")


def collared(side: Side, instrument: Instrument, quote: Quote | None, *, collar_bps: Decimal) -> Price | None:
    """The worst price that is taken: the opposite touch and the collar beyond it, on the tick inside it."""
    touch = None if quote is None else (quote.ask if side is Side.BUY else quote.bid) or quote.last
    if touch is None or touch <= 0:
        return None
    worst = Price(touch + side.sign * touch * collar_bps / _BPS)
    return round_to_tick(worst, instrument.tick_at(worst), side)


def _intent(side: Side) -> PositionIntent:
    return PositionIntent.BUY_TO_CLOSE if side is Side.BUY else PositionIntent.SELL_TO_CLOSE


def asks_hours(instrument: Instrument, info: BrokerInfo) -> bool:
    """Whether its market may be closed, and the venue tells when."""
    return instrument.asset_class not in _ROUND_THE_CLOCK and Can.MARKET_HOURS in info.can


def is_closed(hours: MarketHours, now: datetime) -> bool:
    """Whether the market is closed now, by the venue's word, else by its core session."""
    if hours.is_open_now is not None:
        return not hours.is_open_now
    if not hours.is_open_day:
        return True
    return hours.open is not None and hours.close is not None and not hours.open <= now < hours.close
