"""What the venue would refuse, told before anything is sent."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.bybit import Options, wire
from floorbroker.brokers.bybit.mapping.instruments import Rules, rules_from
from floorbroker.brokers.bybit.mapping.rules import broken_rules, margin_for
from floorbroker.brokers.bybit.mapping.symbols import Symbols
from floorbroker.domain.errors import NotSupported
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import OrderClass, OrderType, PositionIntent, Price, Quantity, Side, TimeInForce
from tests.unit.brokers.bybit.fakes import NOW, PAIR, limit_order, parsed


def rules(symbol: str) -> Rules:
    category = "linear" if ":" in symbol else "spot"
    raw = json.dumps(parsed(f"instrument_{category}")).encode()
    return rules_from(wire.decode(raw, wire.Instrument, what="x"), category, Symbols(), as_of=NOW)


def broken(order: NewOrder, options: Options | None = None) -> list[tuple[str, str]]:
    found = broken_rules(order, options or Options(), rules(order.symbol))
    return [(error.pointer, error.code) for error in found]


def qty(text: str) -> Quantity:
    return Quantity(Decimal(text))


def px(text: str) -> Price:
    return Price(Decimal(text))


MARKET: dict[str, Any] = {"order_type": OrderType.MARKET, "price": None}


@pytest.mark.parametrize(
    "order",
    [
        limit_order(),
        limit_order(symbol=PAIR),
        limit_order(**MARKET),
        limit_order(symbol=PAIR, **MARKET, order_qty=None, notional=Decimal(5)),
        limit_order(order_type=OrderType.STOP, price=None, stop_px=px("65000")),
        limit_order(post_only=True),
        limit_order(reduce_only=True, order_qty=qty("0.001"), price=px("100")),
        limit_order(symbol=PAIR, reduce_only=True, side=Side.SELL),
        limit_order(symbol=PAIR, position_intent=PositionIntent.SELL_TO_CLOSE, side=Side.SELL),
    ],
)
def test_what_the_venue_takes_breaks_no_rule(order: NewOrder) -> None:
    assert broken(order) == []


BROKEN: list[tuple[NewOrder, list[tuple[str, str]]]] = [
    (limit_order(order_qty=qty("0.0105")), [("/quantity", "off_lot")]),
    (
        limit_order(order_qty=qty("0")),
        [("/quantity", "not_positive"), ("/quantity", "too_small"), ("/quantity", "too_small")],
    ),
    (limit_order(order_qty=qty("1191")), [("/quantity", "too_large")]),
    (limit_order(**MARKET, order_qty=qty("501")), [("/quantity", "too_large")]),
    (limit_order(symbol=PAIR, **MARKET, order_qty=qty("42")), [("/quantity", "too_large")]),
    (limit_order(price=px("100"), order_qty=qty("0.001")), [("/quantity", "too_small")]),
    (limit_order(symbol=PAIR, price=px("100"), order_qty=qty("0.01")), [("/quantity", "too_small")]),
    (limit_order(price=px("64000.15")), [("/limit_price", "off_tick")]),
    (limit_order(price=px("3000000")), [("/limit_price", "out_of_range")]),
    (
        limit_order(price=px("0")),
        [("/quantity", "too_small"), ("/limit_price", "not_positive"), ("/limit_price", "out_of_range")],
    ),
    (limit_order(price=None), [("/limit_price", "missing")]),
    (limit_order(stop_px=px("65000")), [("/stop_price", "not_supported")]),
    (limit_order(tif=TimeInForce.DAY), [("/time_in_force", "not_supported")]),
    (limit_order(**MARKET, tif=TimeInForce.FOK), [("/time_in_force", "not_supported")]),
    (limit_order(order_class=OrderClass.BRACKET), [("/order_class", "not_supported")]),
    (limit_order(order_type=OrderType.TRAILING_STOP, price=None), [("/type", "not_supported")]),
    (limit_order(display_qty=qty("0.001")), [("/display_quantity", "not_supported")]),
    (limit_order(extended_hours=True), [("/extended_hours", "not_supported")]),
    (limit_order(post_only=True, tif=TimeInForce.IOC), [("/post_only", "not_supported")]),
    (
        limit_order(symbol=PAIR, reduce_only=True, side=Side.SELL, order_qty=qty("0.00002")),
        [("/quantity", "too_small")],
    ),
    (limit_order(symbol=PAIR, reduce_only=True), [("/reduce_only", "not_supported")]),
    (limit_order(symbol=PAIR, position_intent=PositionIntent.BUY_TO_CLOSE), [("/position_intent", "not_supported")]),
    (
        limit_order(symbol=PAIR, side=Side.SELL, position_intent=PositionIntent.SELL_TO_OPEN),
        [("/position_intent", "not_supported")],
    ),
    (limit_order(order_qty=None), [("/quantity", "missing")]),
    (limit_order(**MARKET, order_qty=None, notional=Decimal(50)), [("/notional", "not_supported")]),
    (limit_order(symbol=PAIR, **MARKET, order_qty=None, notional=Decimal("4.99")), [("/notional", "too_small")]),
    (
        limit_order(symbol=PAIR, **MARKET, order_qty=None, notional=Decimal("5.00000001")),
        [("/notional", "too_precise")],
    ),
]


@pytest.mark.parametrize(("order", "expected"), BROKEN)
def test_each_rule_is_told_by_the_member_that_breaks_it(order: NewOrder, expected: list[tuple[str, str]]) -> None:
    assert broken(order) == expected


def test_in_hedge_mode_a_perpetual_needs_an_intent() -> None:
    hedged = Options(position_mode="hedge")
    assert broken(limit_order(), hedged) == [("/position_intent", "missing")]
    assert broken(limit_order(position_intent=PositionIntent.BUY_TO_OPEN), hedged) == []
    assert broken(limit_order(symbol=PAIR), hedged) == []


def test_shares_are_not_traded_here() -> None:
    (error,) = broken_rules(limit_order(symbol="AAPL"), Options())
    assert (error.pointer, error.code) == ("/symbol", "not_traded")


def margin(order: NewOrder, reference: str | None = "64000"):
    return margin_for(
        order,
        reference=None if reference is None else Decimal(reference),
        currency="USDT",
        leverage=Decimal(10),
        fee_rate=Decimal("0.001"),
    )


def test_a_perpetual_ties_up_its_value_by_the_leverage_and_spot_all_of_it() -> None:
    perpetual = margin(limit_order(order_qty=qty("1"), price=px("60000")))
    assert (perpetual.initial, perpetual.fees, perpetual.buying_power_effect) == (6000, 60, 6060)
    spot = margin(limit_order(symbol=PAIR, order_qty=qty("1"), price=px("60000")))
    assert (spot.initial, spot.currency) == (60000, "USDT")
    assert margin(limit_order(**MARKET, order_qty=qty("1"))).initial == 6400
    assert margin(limit_order(symbol=PAIR, **MARKET, order_qty=None, notional=Decimal(50))).initial == 50


def test_what_reduces_ties_up_nothing_and_without_a_price_nothing_can_be_said() -> None:
    assert margin(limit_order(reduce_only=True)).initial == 0
    with pytest.raises(NotSupported):
        margin(limit_order(**MARKET), reference=None)
