"""What the venue refuses, and in which words.  Pure: the rules that need no money; `rest.py` adds those that do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.errors import FieldError, InsufficientFunds, OrderNotFound, OrderRejected, SymbolNotFound
from floorbroker.domain.instrument import Instrument, OptionContract
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import OrderClass, Price, text_of
from floorbroker.matching import MatchOrder

BROKER = "PAPER"


def rejected(text: str) -> OrderRejected:
    return OrderRejected("the paper venue turned the order down", broker=BROKER, venue_text=text)


def no_funds(*, needed: Decimal, available: Decimal) -> InsufficientFunds:
    text = f"insufficient buying power: {text_of(needed)} needed, {text_of(available)} available"
    return InsufficientFunds("not enough buying power", broker=BROKER, venue_text=text)


def no_holdings(symbol: str) -> InsufficientFunds:
    return InsufficientFunds(
        f"{symbol} cannot be sold short", broker=BROKER, venue_text=f"insufficient balance for {symbol}"
    )


def no_rate(currency: str, *, into: str) -> OrderRejected:
    return rejected(
        f"the account is in {into}, and nothing here tells what {currency} is worth in it: {currency}/{into} has no price"
    )


def no_symbol(symbol: str) -> SymbolNotFound:
    return SymbolNotFound(
        f"the paper venue does not list {symbol!r}", broker=BROKER, venue_text=f"asset {symbol} not found"
    )


def no_order(name: str) -> OrderNotFound:
    return OrderNotFound(f"the paper venue has no order {name}", broker=BROKER, venue_text="order not found")


def not_open(order: MatchOrder) -> OrderRejected:
    """The refusal of a cancel or replace."""
    return OrderRejected(
        f"order {order.order_id} is {order.status.value}",
        broker=BROKER,
        venue_text=f"order is already in {order.status.value} state",
    )


def broken_rules(order: NewOrder, instrument: Instrument, *, now: datetime) -> Iterator[FieldError]:
    """Every rule of the venue that an order breaks, as far as the order and the instrument tell."""
    contract = OptionContract.parse(order.symbol)
    if contract is not None and contract.expiry < now.date():
        yield FieldError(pointer="/symbol", code="expired", detail=f"{order.symbol} expired on {contract.expiry}")
    if order.expire_at is not None and order.expire_at <= now:
        yield FieldError(pointer="/expire_at", code="past", detail="the order would already have expired")
    yield from _quantities(order, instrument)
    for pointer, price in _prices(order):
        if price <= 0:
            yield FieldError(pointer=pointer, code="not_positive", detail="a price is positive")
        elif not instrument.is_on_tick(price):
            tick = text_of(instrument.tick_at(price))
            yield FieldError(pointer=pointer, code="off_tick", detail=f"{text_of(price)} is no multiple of {tick}")


def _quantities(order: NewOrder, instrument: Instrument) -> Iterator[FieldError]:
    qty, notional = order.order_qty, order.notional
    if qty is not None and not instrument.is_on_lot(qty):
        step = text_of(instrument.fraction or instrument.lot)
        yield FieldError(pointer="/quantity", code="off_lot", detail=f"{text_of(qty)} is no multiple of {step}")
    if qty is not None and qty < instrument.min_qty:
        yield FieldError(pointer="/quantity", code="too_small", detail=f"at least {text_of(instrument.min_qty)}")
    if order.display_qty is not None and not instrument.is_on_lot(order.display_qty):
        step = text_of(instrument.fraction or instrument.lot)
        yield FieldError(
            pointer="/display_quantity", code="off_lot", detail=f"{text_of(order.display_qty)} is no multiple of {step}"
        )
    if notional is not None and instrument.fraction is None:
        yield FieldError(pointer="/notional", code="not_supported", detail=f"{order.symbol} takes quantities alone")
    if notional is not None and notional < instrument.min_notional:
        yield FieldError(pointer="/notional", code="too_small", detail=f"at least {text_of(instrument.min_notional)}")


def _prices(order: NewOrder) -> Iterator[tuple[str, Price]]:
    """Prices that must lie on the instrument's steps; the net price of a multi-leg order is no such price."""
    named = {"/stop_price": order.stop_px, "/take_profit/limit_price": order.take_profit}
    if order.order_class is not OrderClass.MULTILEG:
        named["/limit_price"] = order.price
    if order.stop_loss is not None:
        named |= {"/stop_loss/stop_price": order.stop_loss.stop_px, "/stop_loss/limit_price": order.stop_loss.price}
    yield from ((pointer, price) for pointer, price in named.items() if price is not None)
