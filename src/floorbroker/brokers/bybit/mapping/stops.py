"""Take-profit, stop-loss and trailing stop of a position.  Document: bybit-exchange.github.io/docs/v5/position/trading-stop.

They belong to the position and not to an order: the venue makes orders of its own from them, which are told as a stranger's.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.mapping.orders import LONG_SIDE, ONE_WAY, SHORT_SIDE
from floorbroker.brokers.bybit.mapping.symbols import LINEAR, to_wire
from floorbroker.brokers.bybit.mapping.values import text
from floorbroker.domain.errors import InvalidRequest, NotSupported
from floorbroker.domain.values import Price, Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionStops:
    """What a position shall have; None leaves a stop as it is, 0 takes it away.

    `qty` is for a part of the position (None: all of it).  `take_profit_px` and `stop_loss_px` are limits of the orders that
    the stops become (None: market), which only a part may have.  `trailing_stop` is a distance in quote units, `active_px`
    where it begins.  `position_idx` is 0 in one-way mode, 1 or 2 for the long or the short side of a hedge.
    """

    take_profit: Price | None = None
    stop_loss: Price | None = None
    trailing_stop: Decimal | None = None
    active_px: Price | None = None
    qty: Quantity | None = None
    take_profit_px: Price | None = None
    stop_loss_px: Price | None = None
    position_idx: int = ONE_WAY


def trading_stop_request(symbol: str, stops: PositionStops) -> wire.TradingStopRequest:
    """The body of POST /v5/position/trading-stop.  Raises an `OwnRefusal` (NOT_SENT)."""
    place = to_wire(symbol)
    _check(place.category, stops)
    part = stops.qty is not None
    size = text(stops.qty)
    return wire.TradingStopRequest(
        category=place.category,
        symbol=place.symbol,
        tpsl_mode="Partial" if part else "Full",
        position_idx=stops.position_idx,
        take_profit=text(stops.take_profit),
        stop_loss=text(stops.stop_loss),
        trailing_stop=text(stops.trailing_stop),
        active_price=text(stops.active_px),
        tp_size=size if stops.take_profit is not None else None,
        sl_size=size if stops.stop_loss is not None else None,
        tp_order_type="Limit" if stops.take_profit_px is not None else None,
        sl_order_type="Limit" if stops.stop_loss_px is not None else None,
        tp_limit_price=text(stops.take_profit_px),
        sl_limit_price=text(stops.stop_loss_px),
    )


def _check(category: str, stops: PositionStops) -> None:
    if category != LINEAR:
        raise NotSupported("spot has no positions: a stop is an order there")
    if stops.take_profit is None and stops.stop_loss is None and stops.trailing_stop is None:
        raise InvalidRequest("a trading stop changes at least one of take-profit, stop-loss and trailing stop")
    if stops.position_idx not in (ONE_WAY, LONG_SIDE, SHORT_SIDE):
        raise InvalidRequest("a position index is 0 (one-way), 1 (long side) or 2 (short side)")
    has_limit = stops.take_profit_px is not None or stops.stop_loss_px is not None
    if has_limit and stops.qty is None:
        raise InvalidRequest("limit prices are for stops of a part of the position: give a quantity")
