"""The executions channel as execution reports.

Only the first event of an order carries its terms; a later one says what changed.  `Ledger` keeps what was told of each open
order, so that every report is whole.  A quantity filled is counted from `trade` events alone; `filled` sums up and adds nothing.
Document: docs.kraken.com/exchange/api-reference/spot-websocket-v2/executions.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from decimal import Decimal

import msgspec

from floorbroker.brokers.kraken import wire
from floorbroker.brokers.kraken.mapping.orders import LIMITED, TRIGGERED
from floorbroker.brokers.kraken.mapping.reports import ORDER_TYPES, SIDES, TIMES_IN_FORCE
from floorbroker.brokers.kraken.mapping.symbols import asset_of
from floorbroker.brokers.kraken.mapping.values import moment, number, word
from floorbroker.domain.facts import Source
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import (
    ClOrdId,
    ExecId,
    ExecType,
    Money,
    OrderId,
    OrderType,
    OrdStatus,
    Price,
    Quantity,
    TimeInForce,
)

_KEPT_MAX = 20_000
_REFILL = "iceberg_refill"

STATUSES: dict[str, OrdStatus] = {
    "pending_new": OrdStatus.PENDING_NEW,
    "new": OrdStatus.NEW,
    "partially_filled": OrdStatus.PARTIALLY_FILLED,
    "filled": OrdStatus.FILLED,
    "canceled": OrdStatus.CANCELED,
    "expired": OrdStatus.EXPIRED,
}
EVENTS: dict[str, ExecType] = {
    "pending_new": ExecType.PENDING_NEW,
    "new": ExecType.NEW,
    "trade": ExecType.TRADE,
    "filled": ExecType.ORDER_STATUS,
    _REFILL: ExecType.ORDER_STATUS,
    "canceled": ExecType.CANCELED,
    "expired": ExecType.EXPIRED,
    "amended": ExecType.REPLACED,
    "restated": ExecType.REPLACED,
    "status": ExecType.ORDER_STATUS,
}
_OVER = frozenset({OrdStatus.FILLED, OrdStatus.CANCELED, OrdStatus.EXPIRED})
# What says nothing of the order itself, only of one event.
_OF_ONE_EVENT = frozenset(
    {"exec_type", "exec_id", "last_qty", "last_price", "fees", "reason", "cancel_reason", "timestamp"}
)


class Ledger:
    """The last word on every order the stream told of; bounded, oldest forgotten first."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, wire.Execution] = OrderedDict()

    def knows(self, order_id: str) -> bool:
        return order_id in self._known

    def past(self, event: wire.Execution) -> wire.Execution:
        """An older event, of a snapshot: whole, and not the last word."""
        before = self._known.get(event.order_id)
        return event if before is None else msgspec.structs.replace(event, **_kept(before, event))

    def whole(self, event: wire.Execution) -> wire.Execution:
        """The event with what earlier ones said of its order; remembered until the order is over."""
        before = self._known.pop(event.order_id, None)
        merged = event if before is None else msgspec.structs.replace(event, **_kept(before, event))
        if STATUSES.get(merged.order_status or "") not in _OVER or merged.exec_type == "trade":
            self._known[event.order_id] = merged
            if len(self._known) > _KEPT_MAX:
                self._known.popitem(last=False)
        return merged


def _kept(before: wire.Execution, event: wire.Execution) -> dict[str, object]:
    """Members of the earlier word that the event leaves out."""
    found: dict[str, object] = {}
    for name in event.__struct_fields__:
        if name not in _OF_ONE_EVENT and getattr(event, name) is None and getattr(before, name) is not None:
            found[name] = getattr(before, name)
    return found


def execution_report(event: wire.Execution, at: datetime) -> ExecutionReport:
    """What happened, and where the order stands after it; `event` is whole.  Raises `ApiError` for a number that is none."""
    odd = unknown_words(event)
    exec_type = EVENTS.get(event.exec_type, ExecType.ORDER_STATUS)
    kind = ORDER_TYPES.get(event.order_type or "")
    order_id = OrderId(event.order_id)
    trail_amount, trail_percent = _trail(event, kind)
    return ExecutionReport(
        exec_type=ExecType.ORDER_STATUS if odd else exec_type,
        source=Source.STREAM,
        at=at,
        ord_status=None if odd else STATUSES.get(event.order_status or ""),
        unrecognised=odd,
        text=_text(event),
        cl_ord_id=ClOrdId(event.cl_ord_id) if event.cl_ord_id else None,
        order_id=order_id,
        symbol=event.symbol or "",
        side=SIDES.get(event.side or ""),
        order_type=kind,
        tif=_tif(event),
        order_qty=_quantity(event.order_qty),
        notional=number(event.cash_order_qty, what="an amount"),
        price=_price(event.limit_price) if kind in LIMITED else None,
        stop_px=_trigger(event, kind),
        trail_amount=trail_amount,
        trail_percent=trail_percent,
        cum_qty=_quantity(event.cum_qty),
        avg_px=number(event.avg_price, what="a price") or None,
        replaces=order_id if exec_type is ExecType.REPLACED and not odd else None,
        last_qty=_quantity(event.last_qty) if exec_type is ExecType.TRADE else None,
        last_px=_price(event.last_price) if exec_type is ExecType.TRADE else None,
        exec_id=ExecId(event.exec_id) if event.exec_id else None,
        fee=_fee(event) if exec_type is ExecType.TRADE else None,
        transact_time=moment(event.timestamp),
    )


def unknown_words(event: wire.Execution) -> str | None:
    """The first word that stands in no table; an absent one is not unknown."""
    for name, value, known in (
        ("exec_type", event.exec_type, event.exec_type in EVENTS),
        ("order_status", event.order_status, (event.order_status or "new") in STATUSES),
        ("side", event.side, (event.side or "buy") in SIDES),
        ("order_type", event.order_type, (event.order_type or "limit") in ORDER_TYPES),
        ("time_in_force", event.time_in_force, (event.time_in_force or "GTC").upper() in TIMES_IN_FORCE),
    ):
        if value and not known:
            return f"{name} {word(value)}"
    return None


def _text(event: wire.Execution) -> str | None:
    told = event.reason or event.cancel_reason or (event.exec_type if event.exec_type == _REFILL else "")
    return word(told) or None


def _tif(event: wire.Execution) -> TimeInForce | None:
    return TIMES_IN_FORCE.get((event.time_in_force or "").upper())


def _trigger(event: wire.Execution, kind: OrderType | None) -> Price | None:
    triggers = event.triggers
    is_price = triggers is not None and (triggers.price_type or "static") == "static"
    return _price(triggers.price) if triggers is not None and is_price and kind in TRIGGERED else None


def _trail(event: wire.Execution, kind: OrderType | None) -> tuple[Price | None, Decimal | None]:
    """The distance of a trailing stop, as an amount or as a percentage."""
    triggers = event.triggers
    if kind is not OrderType.TRAILING_STOP or triggers is None:
        return None, None
    distance = number(triggers.price, what="a distance")
    is_percent = triggers.price_type == "pct"
    amount = None if is_percent or triggers.price_type != "quote" or distance is None else Price(distance)
    return amount, distance if is_percent else None


def _quantity(value: Decimal | None) -> Quantity | None:
    checked = number(value, what="a quantity")
    return None if checked is None else Quantity(checked)


def _price(value: Decimal | None) -> Price | None:
    checked = number(value, what="a price")
    return None if checked is None else Price(checked)


def _fee(event: wire.Execution) -> Money | None:
    for fee in event.fees or ():
        qty = number(fee.qty, what="a fee")
        if qty:
            return Money(qty, asset_of(fee.asset).currency)
    return None
