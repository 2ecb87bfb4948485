"""Wishes to trade as bodies, and what would be refused."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from floorbroker.brokers.upstox import Options, wire
from floorbroker.brokers.upstox.mapping.orders import change_body, place_body
from floorbroker.brokers.upstox.mapping.rules import broken_rules
from floorbroker.domain.errors import InvalidRequest, NotSupported
from floorbroker.domain.orders import NewOrder, OrderChanges, StopLoss
from floorbroker.domain.values import OrderClass, OrderType, PositionIntent, Price, Quantity, Side, TimeInForce
from tests.unit.brokers.upstox.fakes import CL_ORD_ID, KEY, data, limit_order, listed

STOP = {"order_type": OrderType.STOP, "price": None, "stop_px": Price(Decimal("1400.05"))}
STOP_LIMIT = {**STOP, "order_type": OrderType.STOP_LIMIT, "price": Price(Decimal("1400.1"))}
MARKET = {"order_type": OrderType.MARKET, "price": None}


def body(order: NewOrder | None = None, **options: str) -> dict[str, Any]:
    return json.loads(place_body(order or limit_order(), CL_ORD_ID, key=KEY, options=Options(**options)))


def test_a_limit_order_has_every_member_that_the_venue_requires() -> None:
    assert body() == {
        "quantity": 30,
        "product": "D",
        "validity": "DAY",
        "price": 1410.5,
        "tag": CL_ORD_ID,
        "instrument_token": KEY,
        "order_type": "LIMIT",
        "transaction_type": "BUY",
        "disclosed_quantity": 0,
        "trigger_price": 0,
        "is_amo": False,
        "market_protection": 0,
        "slice": False,
    }


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (MARKET, ("MARKET", 0, 0)),
        (STOP, ("SL-M", 0, 1400.05)),
        (STOP_LIMIT, ("SL", 1400.1, 1400.05)),
    ],
)
def test_each_type_has_its_word_and_its_prices(terms: dict[str, Any], words: tuple[str, float, float]) -> None:
    found = body(limit_order(**terms))
    assert (found["order_type"], found["price"], found["trigger_price"]) == words


def test_prices_are_written_exactly() -> None:
    raw = place_body(limit_order(price=Price(Decimal("1E+3"))), CL_ORD_ID, key=KEY, options=Options())
    assert b'"price":1000,' in raw


def test_product_and_protection_are_the_profiles() -> None:
    found = body(limit_order(**MARKET), product="I", market_protection="5")
    assert (found["product"], found["market_protection"]) == ("I", 5)
    assert body(limit_order(**STOP), market_protection="auto")["market_protection"] == -1
    assert body(market_protection="5")["market_protection"] == 0  # a limit protects itself
    assert body(limit_order(side=Side.SELL, tif=TimeInForce.IOC))["validity"] == "IOC"


@pytest.mark.parametrize(
    "terms",
    [
        {"order_qty": None, "notional": Decimal(100)},
        {"order_qty": Quantity(Decimal("0.5"))},
        {"tif": TimeInForce.GTC},
        {"order_type": OrderType.TRAILING_STOP},
        {"post_only": True},
        {"extended_hours": True},
        {"display_qty": Quantity(Decimal(1))},
        {"order_class": OrderClass.OCO, "stop_loss": StopLoss(stop_px=Price(Decimal(1)))},
    ],
)
def test_what_the_venue_has_no_words_for_is_not_sent(terms: dict[str, Any]) -> None:
    with pytest.raises(NotSupported):
        body(limit_order(**terms))


def test_a_limit_order_without_a_price_is_none() -> None:
    with pytest.raises(InvalidRequest):
        body(limit_order(price=None))


def change(**changes: Any) -> dict[str, Any]:
    standing = msgspec.convert(data("orders")[1], wire.Order)
    return json.loads(change_body(OrderChanges(**changes), standing))


def test_a_change_tells_what_stands_and_never_a_quantity() -> None:
    assert change(price=Price(Decimal("1394.95"))) == {
        "order_id": "260302000000002",
        "validity": "DAY",
        "price": 1394.95,
        "order_type": "SL",
        "trigger_price": 1395.5,
    }
    assert change(stop_px=Price(Decimal(1396)), tif=TimeInForce.IOC)["validity"] == "IOC"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({}, InvalidRequest),
        ({"order_qty": Quantity(Decimal(5))}, NotSupported),
        ({"trail": Decimal(1)}, NotSupported),
        ({"tif": TimeInForce.GTC}, NotSupported),
    ],
)
def test_what_cannot_be_changed_is_refused(changes: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        change(**changes)


@pytest.mark.parametrize(
    ("terms", "pointer", "code"),
    [
        ({"price": Price(Decimal("1410.52"))}, "/limit_price", "off_tick"),
        ({**STOP, "stop_px": Price(Decimal("1400.01"))}, "/stop_price", "off_tick"),
        ({"price": None}, "/limit_price", "missing"),
        ({**STOP, "stop_px": None}, "/stop_price", "missing"),
        ({"order_qty": Quantity(Decimal("1.5"))}, "/quantity", "not_whole"),
        ({"order_qty": Quantity(Decimal(100_001))}, "/quantity", "too_large"),
        ({"order_qty": None, "notional": Decimal(5)}, "/notional", "not_supported"),
        ({"tif": TimeInForce.GTC}, "/time_in_force", "not_supported"),
        ({**STOP, "tif": TimeInForce.IOC}, "/time_in_force", "not_supported"),
        ({"order_type": OrderType.TRAILING_STOP}, "/type", "not_supported"),
        ({"post_only": True}, "/order_class", "not_supported"),
        ({**STOP_LIMIT, "price": Price(Decimal(1400))}, "/limit_price", "wrong_side"),
        ({**STOP_LIMIT, "side": Side.SELL}, "/limit_price", "wrong_side"),
        ({"side": Side.SELL, "position_intent": PositionIntent.SELL_TO_OPEN}, "/position_intent", "not_supported"),
    ],
)
def test_what_would_be_refused_is_told_by_the_member_it_is_about(
    terms: dict[str, Any], pointer: str, code: str
) -> None:
    (found,) = broken_rules(limit_order(**terms), listed().of("RELIANCE.NSE"), Options())
    assert (found.pointer, found.code) == (pointer, code)


@pytest.mark.parametrize("terms", [{}, MARKET, STOP, STOP_LIMIT, {"order_qty": Quantity(Decimal(100_000))}])
def test_a_sound_order_breaks_no_rule(terms: dict[str, Any]) -> None:
    assert broken_rules(limit_order(**terms), listed().of("RELIANCE.NSE"), Options()) == ()


def test_an_intraday_profile_may_sell_short() -> None:
    short = limit_order(side=Side.SELL, position_intent=PositionIntent.SELL_TO_OPEN)
    assert broken_rules(short, listed().of("RELIANCE.NSE"), Options(product="I")) == ()
