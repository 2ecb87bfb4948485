"""Between the venue's spelling and the matching engine's: symbols, orders, and the words on the control door."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from msgspec import UNSET

from floorbroker.domain.instrument import Instrument, OptionContract
from floorbroker.domain.orders import NewOrder, OrderLeg, StopLoss
from floorbroker.domain.values import (
    AssetClass,
    OrderClass,
    OrderType,
    PositionIntent,
    Price,
    Quantity,
    Side,
    TimeInForce,
    text_of,
    time_text,
)
from floorbroker_sim.alpaca import wire
from floorbroker_sim.alpaca.rest.records import Record

_NAMESPACE = uuid.UUID("6f6d1c4e-0a53-4c0e-9b3f-5a1f0e6a7c11")
_AVERAGE_STEP = Decimal("0.000000001")

ASSET_CLASS = {AssetClass.EQUITY: "us_equity", AssetClass.OPTION: "us_option", AssetClass.CRYPTO: "crypto"}

# Ours on the control door -> the venue's; a word that is missing is the same in both.
PUBLIC_STATUS = {
    "accepted": "pending_new",
    "accepted_for_bidding": "pending_new",
    "stopped": "new",
    "suspended": "new",
    "calculated": "new",
    "done_for_day": "new",
    "replaced": "canceled",
}


@lru_cache(maxsize=4096)
def asset_id(symbol: str) -> str:
    """The id of an asset: the same in every run, so that clients may keep it."""
    return str(uuid.uuid5(_NAMESPACE, symbol))


def inside(symbol: str) -> str:
    """Our canonical spelling of a venue symbol: options padded; a coin pair without its slash gets it."""
    symbol = symbol.strip().upper()
    contract = OptionContract.parse(symbol)
    if contract is not None:
        return contract.symbol
    if "/" not in symbol and symbol.endswith("USD") and len(symbol) > 5:
        return f"{symbol[:-3]}/USD"
    return symbol


def outside(symbol: str) -> str:
    """The venue's spelling of a canonical symbol, as orders and market data use it."""
    return symbol.replace(" ", "")


def position_symbol(symbol: str) -> str:
    """Positions spell coins without the slash."""
    return outside(symbol).replace("/", "")


def class_of(instrument: Instrument) -> str:
    return ASSET_CLASS[instrument.asset_class]


def text(value: Decimal | None) -> str | None:
    return None if value is None else text_of(value)


def moment(at: datetime | None) -> str | None:
    return None if at is None else time_text(at)


def new_order(request: wire.OrderRequest, *, symbol: str, intent: str | None) -> NewOrder:
    """The engine's order.  The request has passed every check, so its members are there."""
    assert request.type is not None
    assert request.time_in_force is not None
    return NewOrder(
        symbol=symbol,
        side=Side(request.side or "buy"),
        order_type=OrderType(request.type),
        order_qty=_quantity(request.qty),
        notional=request.notional,
        price=_price(oco_price(request)),
        stop_px=_price(request.stop_price),
        trail_amount=_price(request.trail_price),
        trail_percent=request.trail_percent,
        tif=TimeInForce(request.time_in_force),
        order_class=OrderClass(request.order_class or "simple"),
        take_profit=_price(request.take_profit.limit_price) if request.take_profit else None,
        stop_loss=_stop_loss(request.stop_loss),
        legs=tuple(_leg(leg) for leg in request.legs or ()),
        position_intent=None if intent is None else PositionIntent(intent),
        extended_hours=bool(request.extended_hours),
    )


def oco_price(request: wire.OrderRequest) -> Decimal | None:
    """The limit of the order itself; of an OCO that is its take-profit, which heads the pair."""
    if request.order_class == "oco" and request.take_profit is not None:
        return request.take_profit.limit_price
    return request.limit_price


def _stop_loss(stop: wire.StopLoss | None) -> StopLoss | None:
    if stop is None or stop.stop_price is None:
        return None
    return StopLoss(stop_px=Price(stop.stop_price), price=_price(stop.limit_price))


def _leg(leg: wire.LegRequest) -> OrderLeg:
    intent = PositionIntent(leg.position_intent) if leg.position_intent else None
    side = leg.side or (leg.position_intent or "buy").partition("_")[0]
    return OrderLeg(
        symbol=inside(leg.symbol), side=Side(side), ratio_qty=Quantity(leg.ratio_qty), position_intent=intent
    )


def _price(value: Decimal | None) -> Price | None:
    return None if value is None else Price(value)


def _quantity(value: Decimal | None) -> Quantity | None:
    return None if value is None else Quantity(value)


def order_object(record: Record, legs: list[wire.Order] | None = None) -> wire.Order:
    """The Order object as it stands now.  A multi-leg head names no symbol, side or asset, a leg no type."""
    order, head = record.order, record.is_mleg_head
    intent = order.position_intent
    kind = "" if record.order_class == "mleg" and not head else order.order_type.value
    return wire.Order(
        id=record.id,
        client_order_id=record.client_order_id,
        created_at=time_text(record.created_at),
        updated_at=time_text(record.updated_at),
        submitted_at=time_text(record.created_at),
        filled_at=moment(record.filled_at),
        expired_at=moment(record.expired_at),
        expires_at=UNSET if record.expires_at is None else time_text(record.expires_at),
        canceled_at=moment(record.canceled_at),
        failed_at=moment(record.failed_at),
        replaced_at=moment(record.replaced_at),
        replaced_by=record.replaced_by,
        replaces=record.replaces,
        asset_id="" if head else asset_id(outside(order.symbol)),
        symbol="" if head else outside(order.symbol),
        asset_class="" if head else record.asset_class,
        notional=text(order.notional),
        qty=None if order.notional is not None else text(record.qty),
        filled_qty=text_of(record.filled_qty),
        filled_avg_price=text(average(record)),
        order_class=record.order_class,
        order_type=kind,
        type=kind,
        side="" if head else order.side.value,
        position_intent="" if head else UNSET if intent is None else intent.value,
        time_in_force=order.tif.value,
        limit_price=text(order.price),
        stop_price=text(record.stop_px if record.stop_px is not None else order.stop_px),
        status=record.status,
        extended_hours=order.extended_hours,
        legs=legs,
        trail_percent=text(order.trail_percent),
        trail_price=text(order.trail_amount),
        hwm=text(record.hwm),
        ratio_qty=text(record.ratio_qty),
    )


def average(record: Record) -> Decimal | None:
    """The average fill price, to nine decimals."""
    if not record.filled_qty:
        return None
    exact = record.spent / record.filled_qty
    rounded = exact.quantize(_AVERAGE_STEP, rounding=ROUND_HALF_EVEN)
    return exact if rounded == exact else rounded
