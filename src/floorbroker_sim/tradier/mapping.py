"""Between the venue's spelling and the matching engine's: symbols, orders, times, and the words on the control door."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from math import gcd

import msgspec

from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.orders import NewOrder, OrderLeg
from floorbroker.domain.values import OrderClass, OrderType, PositionIntent, Price, Quantity, Side, TimeInForce
from floorbroker_sim.tradier import wire
from floorbroker_sim.tradier.info import PRICED
from floorbroker_sim.tradier.rest.records import Record

_NET_SIGN = {"debit": 1, "credit": -1, "even": 0}
_LIMITS = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "stop": OrderType.STOP,
    "stop_limit": OrderType.STOP_LIMIT,
}
_PLACES = Decimal("0.00000001")

# Ours on the control door -> a word that is missing is the same in both.
PUBLIC_STATUS = {"pending": "pending_new", "open": "new", "error": "rejected"}


def inside(symbol: str) -> str:
    """Our canonical spelling: options padded."""
    symbol = symbol.strip().upper()
    contract = OptionContract.parse(symbol)
    return symbol if contract is None else contract.symbol


def outside(symbol: str) -> str:
    """The venue's spelling of a canonical symbol: options without spaces."""
    return symbol.replace(" ", "")


def time_text(at: datetime) -> str:
    """ISO 8601 with milliseconds and Z."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def side_of(record: Record) -> Side:
    return Side.BUY if record.sign > 0 else Side.SELL


def net_limit(record: Record) -> Decimal | None:
    """The most one unit of a strategy may cost, a share; negative for a credit, None for a market order."""
    sign = _NET_SIGN.get(record.type)
    return None if sign is None else sign * (record.price or Decimal(0))


def units(record: Record) -> int:
    """How many times a strategy is wanted: the greatest common divisor of its legs, shares counted in hundreds."""
    return gcd(*(int(leg.quantity) if leg.option_symbol else max(1, int(leg.quantity) // 100) for leg in record.legs))


def single_terms(record: Record, *, expire_at: datetime | None) -> NewOrder:
    """What the engine works for a single order: the open rest.  `expire_at` is the end of an early or late session."""
    return NewOrder(
        symbol=inside(record.traded), side=side_of(record), order_type=_LIMITS[record.type],
        order_qty=Quantity(record.quantity - record.filled),
        price=Price(record.price) if record.price is not None and record.type in PRICED else None,
        stop_px=None if record.stop is None else Price(record.stop),
        tif=_tif(record, expire_at), expire_at=expire_at, extended_hours=record.duration in {"pre", "post"},
    )  # fmt: skip


def strategy_terms(record: Record, *, at_market: bool) -> NewOrder:
    """What the engine works for legs that trade together; `at_market` once somebody else has looked at the net price."""
    count = units(record)
    limit = None if at_market else net_limit(record)
    return NewOrder(
        symbol=inside(record.legs[0].traded), side=Side.BUY, order_class=OrderClass.MULTILEG,
        order_type=OrderType.MARKET if limit is None else OrderType.LIMIT, price=None if limit is None else Price(limit),
        order_qty=Quantity(Decimal(count)), tif=_tif(record, None),
        legs=tuple(
            OrderLeg(
                symbol=inside(leg.traded), side=side_of(leg), ratio_qty=Quantity(leg.quantity / count),
                position_intent=PositionIntent(leg.side) if leg.option_symbol else None,
            )
            for leg in record.legs
        ),
    )  # fmt: skip


def _tif(record: Record, expire_at: datetime | None) -> TimeInForce:
    if record.duration == "gtc":
        return TimeInForce.GTC
    return TimeInForce.DAY if expire_at is None else TimeInForce.GTD


def order_object(record: Record, *, tags: bool) -> dict[str, object]:
    """The order object with its legs.  What was canceled or has expired has nothing remaining, as the document's sample shows."""
    unset = msgspec.UNSET
    answer = wire.Order(
        id=record.id, type=record.type, symbol=record.symbol, side=record.side, quantity=_exact(record.quantity),
        status=record.status, duration=record.duration, price=unset if record.price is None else record.price,
        stop_price=unset if record.stop is None else record.stop, avg_fill_price=_exact(record.average),
        exec_quantity=_exact(record.filled), last_fill_price=_exact(record.last_px),
        last_fill_quantity=_exact(record.last_qty), remaining_quantity=_exact(record.leaves),
        create_date=time_text(record.created_at), transaction_date=time_text(record.updated_at), kind=record.kind,
        option_symbol=record.option_symbol or unset, reason_description=record.reason or unset,
        tag=record.tag if tags and record.tag else unset,
    )  # fmt: skip
    if record.legs:
        answer.num_legs = len(record.legs)
        answer.leg = [order_object(leg, tags=tags) for leg in record.legs]
    if record.strategy:
        answer.strategy = record.strategy
    members: dict[str, object] = msgspec.to_builtins(answer, builtin_types=(Decimal,))
    return members


def _exact(value: Decimal) -> Decimal:
    """Eight decimals, as the document's sample shows them."""
    return value.quantize(_PLACES)


def order_event(record: Record, account: str) -> wire.OrderEvent:
    """What the account stream says about an order now."""
    none = Decimal(0)
    event = wire.OrderEvent(
        id=record.id, event="order", status=record.status, type=record.type, price=record.price or none,
        stop_price=record.stop or none, avg_fill_price=record.average, exec_quantity=record.filled,
        last_fill_quantity=record.last_qty, remaining_quantity=record.leaves, account=account,
        transaction_date=time_text(record.updated_at), create_date=time_text(record.created_at),
    )  # fmt: skip
    if record.parent is not None:
        event.parent_id = record.parent.id
    if record.tag:
        event.tag = record.tag
    return event
