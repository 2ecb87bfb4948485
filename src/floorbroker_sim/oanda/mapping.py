"""Between the venue's spelling and the simulator's own: symbols, times, numbers, and how orders and trades are shown."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, cast

import msgspec

from floorbroker_sim.oanda import info, wire
from floorbroker_sim.oanda.rest.records import Order, Trade

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_UNIX = re.compile(r"(\d{1,11})(?:\.(\d{1,9}))?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_EXPIRED = "TIME_IN_FORCE_EXPIRED"


def inside(instrument: str) -> str:
    """`EUR_USD` as `EUR/USD`, our canonical spelling."""
    return instrument.replace("_", "/")


def outside(symbol: str) -> str:
    """The venue's spelling of a canonical symbol."""
    return symbol.replace("/", "_")


def quote_currency(instrument: str) -> str:
    """`USD` of `EUR_USD`."""
    return instrument.partition("_")[2]


def time_text(at: datetime, *, unix: bool = False) -> str:
    """Nine digits after the second: RFC 3339 in UTC, or seconds since 1970."""
    nanos = f"{at.microsecond * 1000:09d}"
    if unix:
        return f"{(at - _EPOCH) // timedelta(seconds=1)}.{nanos}"
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{nanos}Z"


def time_of(text: str) -> datetime | None:
    """A time in either form, UTC to the microsecond; None when it is neither."""
    if found := _UNIX.fullmatch(text):
        micros = int((found[2] or "").ljust(6, "0")[:6])
        return _EPOCH + timedelta(seconds=int(found[1]), microseconds=micros)
    if (found := _TIME.fullmatch(text)) is None:
        return None
    try:
        moment = datetime.fromisoformat(f"{found[1]}T{found[2]}").replace(tzinfo=_zone(found[4]))
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(microsecond=int((found[3] or "").ljust(6, "0")[:6]))


def _zone(text: str) -> timezone:
    if text == "Z":
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[4:6])))


def render(value: object, *, unix: bool) -> bytes:
    """JSON as the venue writes it: decimals are text, times in the form that was asked for."""
    return msgspec.json.encode(_spelled(msgspec.to_builtins(value, builtin_types=(datetime, Decimal)), unix=unix))


def _spelled(value: Any, *, unix: bool) -> Any:
    match value:
        case dict():
            members = cast("dict[str, Any]", value)
            return {name: _spelled(one, unix=unix) for name, one in members.items()}
        case list():
            return [_spelled(one, unix=unix) for one in cast("list[Any]", value)]
        case Decimal():
            return f"{value:f}"
        case datetime():
            return time_text(value, unix=unix)
        case _:
            return value


def members_of(wish: wire.Wish, **changed: Any) -> dict[str, Any]:
    """The terms of an order by our names, some of them `changed`, for another struct that has them too."""
    return {name: getattr(wish, name) for name in wire.Wish.__struct_fields__} | changed


def order_object(order: Order) -> wire.Order:
    """An order as it is shown."""
    return wire.Order(
        **members_of(order.wish), id=order.id, create_time=order.created, state=order.state,
        initial_market_price=order.initial_price, trailing_stop_value=order.trailing,
        guaranteed_execution_premium=order.premium, filling_transaction_id=order.filling_id, filled_time=order.filled_at,
        trade_opened_id=order.opened_id, trade_reduced_id=order.reduced_id, trade_closed_ids=order.closed_ids or None,
        cancelling_transaction_id=order.cancelling_id, cancelled_time=order.cancelled_at, replaces_order_id=order.replaces_id,
        replaced_by_order_id=order.replaced_by_id,
    )  # fmt: skip


def public_status(order: Order, *, at_once: bool) -> str:
    """Our word on the control door.  What could not fill `at_once`, in the batch that made it, was turned away."""
    if order.state != "CANCELLED":
        return "new" if order.state == "PENDING" else order.state.lower()
    if order.replaced_by_id is not None:
        return "replaced"
    if order.cancel_reason == _EXPIRED:
        return "expired"
    return "rejected" if at_once and not order.filled_units else "canceled"


def trade_object(trade: Trade, *, unrealized: Decimal, margin: Decimal, orders: dict[str, Order] | None) -> wire.Trade:
    """A trade as it is shown: with whole dependent orders where `orders` are given, else with their ids."""
    shown = wire.Trade(
        id=trade.id, instrument=trade.instrument, price=trade.price, open_time=trade.opened,
        state="OPEN" if trade.is_open else "CLOSED", initial_units=trade.initial,
        initial_margin_required=trade.margin_at_open, current_units=trade.units, unrealized_pl=unrealized,
        realized_pl=trade.realized.quantize(info.MONEY), margin_used=margin,
        average_close_price=average(trade.average_close, trade.price),
        closing_transaction_ids=trade.closing_ids or None, financing=trade.financing.quantize(info.MONEY),
        close_time=trade.closed_at, client_extensions=trade.client,
    )  # fmt: skip
    for kind, order_id in trade.orders.items():
        name = f"{kind.lower()}_order"
        if orders is None:
            setattr(shown, f"{name}_id", order_id)
        else:
            setattr(shown, name, order_object(orders[order_id]))
    return shown


def average(value: Decimal | None, like: Decimal) -> Decimal | None:
    """An average price with one decimal more than prices have; None stays."""
    if value is None:
        return None
    places = -int(like.as_tuple().exponent) + 1
    rounded = round(value, places)
    return rounded if rounded != round(value, places - 1) else round(value, places - 1)
