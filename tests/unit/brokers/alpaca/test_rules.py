"""What the venue would refuse, told beforehand, and what an order would tie up."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.alpaca import wire
from floorbroker.brokers.alpaca.mapping.account import instrument_from
from floorbroker.brokers.alpaca.mapping.rules import broken_rules, margin_for
from floorbroker.domain.errors import NotSupported
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import NewOrder, OrderLeg, StopLoss
from floorbroker.domain.values import OrderClass, OrderType, Price, Quantity, Side, TimeInForce
from tests.unit.brokers.alpaca.fakes import NOW, FakeTransport, broker, limit_order, parsed, payload, reply
from tests.unit.brokers.alpaca.test_orders import ORDERS

pytestmark = pytest.mark.asyncio


def price(text: str) -> Price:
    return Price(Decimal(text))


def qty(text: str) -> Quantity:
    return Quantity(Decimal(text))


def share(**changes: Any) -> Instrument:
    asset = wire.decode(json.dumps(parsed("asset_share") | changes).encode(), wire.Asset, what="an asset")
    return instrument_from(asset, as_of=NOW)


def coin() -> Instrument:
    return instrument_from(wire.decode(payload("asset_coin"), wire.Asset, what="an asset"), as_of=NOW)


async def test_every_kind_of_good_order_breaks_no_rule() -> None:
    for name, (order, _) in ORDERS.items():
        assert broken_rules(order) == (), name


MARKET: dict[str, Any] = {"order_type": OrderType.MARKET, "price": None}
STOP = StopLoss(stop_px=price("145"))
BAD: dict[str, tuple[NewOrder, str, str]] = {
    "no such market": (limit_order(symbol="EUR/USD"), "/symbol", "not_traded"),
    "gtd": (limit_order(tif=TimeInForce.GTD), "/time_in_force", "not_supported"),
    "day coin": (limit_order(symbol="BTC/USD"), "/time_in_force", "not_supported"),
    "coin stop": (
        limit_order(symbol="BTC/USD", order_type=OrderType.STOP, price=None, stop_px=price("1"), tif=TimeInForce.GTC),
        "/type",
        "not_supported",
    ),
    "coin bracket": (
        limit_order(
            symbol="BTC/USD",
            tif=TimeInForce.GTC,
            order_class=OrderClass.BRACKET,
            take_profit=price("160"),
            stop_loss=STOP,
        ),
        "/order_class",
        "not_supported",
    ),
    "gtc option": (
        limit_order(symbol="AAPL  260320C00150000", tif=TimeInForce.GTC),
        "/time_in_force",
        "not_supported",
    ),
    "half an option": (
        limit_order(symbol="AAPL  260320C00150000", order_qty=qty("0.5")),
        "/quantity",
        "not_whole",
    ),
    "stop in an auction": (
        limit_order(order_type=OrderType.STOP, price=None, stop_px=price("1"), tif=TimeInForce.OPG),
        "/type",
        "not_supported",
    ),
    "no size": (limit_order(order_qty=None), "/quantity", "missing"),
    "nothing": (limit_order(order_qty=qty("0")), "/quantity", "not_positive"),
    "ten decimals": (limit_order(**MARKET, order_qty=qty("0.1234567891")), "/quantity", "too_precise"),
    "small money": (limit_order(**MARKET, order_qty=None, notional=Decimal("0.99")), "/notional", "too_small"),
    "fractional gtc": (limit_order(order_qty=qty("1.5"), tif=TimeInForce.GTC), "/time_in_force", "not_supported"),
    "fractional bracket": (
        limit_order(order_qty=qty("1.5"), order_class=OrderClass.BRACKET, take_profit=price("160"), stop_loss=STOP),
        "/order_class",
        "not_supported",
    ),
    "sub-penny": (limit_order(price=price("290.123")), "/limit_price", "off_tick"),
    "sub-sub-penny": (limit_order(price=price("0.12345")), "/limit_price", "off_tick"),
    "sub-penny exit": (
        limit_order(order_class=OrderClass.OTO, take_profit=price("160.001")),
        "/take_profit/limit_price",
        "off_tick",
    ),
    "limit without price": (limit_order(price=None), "/limit_price", "missing"),
    "stop without price": (limit_order(order_type=OrderType.STOP, price=None), "/stop_price", "missing"),
    "two trails": (
        limit_order(order_type=OrderType.TRAILING_STOP, price=None, trail_percent=Decimal(1), trail_amount=price("1")),
        "/trail_percent",
        "missing",
    ),
    "tiny trail": (
        limit_order(order_type=OrderType.TRAILING_STOP, price=None, trail_percent=Decimal("0.05")),
        "/trail_percent",
        "too_small",
    ),
    "trail ioc": (
        limit_order(order_type=OrderType.TRAILING_STOP, price=None, trail_percent=Decimal(1), tif=TimeInForce.IOC),
        "/time_in_force",
        "not_supported",
    ),
    "post-only": (limit_order(post_only=True), "/post_only", "not_supported"),
    "iceberg": (limit_order(display_qty=qty("2")), "/display_quantity", "not_supported"),
    "touched": (
        limit_order(order_type=OrderType.LIMIT_IF_TOUCHED, stop_px=Price(Decimal(9))),
        "/type",
        "not_supported",
    ),
    "market after hours": (limit_order(**MARKET, extended_hours=True), "/extended_hours", "not_supported"),
    "ioc bracket": (
        limit_order(tif=TimeInForce.IOC, order_class=OrderClass.BRACKET, take_profit=price("160"), stop_loss=STOP),
        "/time_in_force",
        "not_supported",
    ),
    "one-legged bracket": (
        limit_order(order_class=OrderClass.BRACKET, take_profit=price("160")),
        "/stop_loss",
        "missing",
    ),
    "two-legged oto": (
        limit_order(order_class=OrderClass.OTO, take_profit=price("160"), stop_loss=STOP),
        "/take_profit",
        "missing",
    ),
    "upside-down bracket": (
        limit_order(order_class=OrderClass.BRACKET, take_profit=price("140"), stop_loss=STOP),
        "/take_profit/limit_price",
        "out_of_order",
    ),
    "upside-down oco": (
        limit_order(side=Side.SELL, order_class=OrderClass.OCO, price=price("140"), stop_loss=STOP),
        "/take_profit/limit_price",
        "out_of_order",
    ),
    "stop at the entry": (
        limit_order(
            order_class=OrderClass.BRACKET,
            take_profit=price("160"),
            stop_loss=StopLoss(stop_px=price("150.50")),
        ),
        "/stop_loss/stop_price",
        "out_of_order",
    ),
    "market oco": (
        limit_order(**MARKET, side=Side.SELL, order_class=OrderClass.OCO, take_profit=price("160"), stop_loss=STOP),
        "/type",
        "not_supported",
    ),
    "share leg": (
        limit_order(
            order_class=OrderClass.MULTILEG,
            legs=(
                OrderLeg(symbol="AAPL", side=Side.BUY, ratio_qty=qty("1")),
                OrderLeg(symbol="AAPL  260320C00160000", side=Side.SELL, ratio_qty=qty("1")),
            ),
        ),
        "/legs/0/symbol",
        "not_supported",
    ),
}


@pytest.mark.parametrize(("order", "pointer", "code"), BAD.values(), ids=BAD)
async def test_each_rule_names_the_member_it_is_about(order: NewOrder, pointer: str, code: str) -> None:
    assert (pointer, code) in [(found.pointer, found.code) for found in broken_rules(order)]


async def test_a_short_bracket_has_its_exits_the_other_way_round() -> None:
    order = limit_order(
        side=Side.SELL,
        order_class=OrderClass.BRACKET,
        take_profit=price("140"),
        stop_loss=StopLoss(stop_px=price("160")),
    )
    assert broken_rules(order) == ()


async def test_the_instrument_adds_its_own_rules() -> None:
    small = limit_order(symbol="BTC/USD", tif=TimeInForce.GTC, order_qty=qty("0.000001"), price=price("60000.001"))
    assert {(f.pointer, f.code) for f in broken_rules(small, coin())} == {
        ("/quantity", "too_small"),
        ("/limit_price", "off_tick"),
    }
    whole = share(fractionable=False)
    assert [f.code for f in broken_rules(limit_order(order_qty=qty("1.5")), whole)] == ["not_whole"]
    assert [f.code for f in broken_rules(limit_order(), share(tradable=False))] == ["not_tradable"]


async def test_an_unknown_symbol_is_a_broken_rule() -> None:
    missing = reply({"code": 40410000, "message": "asset not found for X"}, status=404)
    (found,) = await broker(reads=FakeTransport(missing)).validate_order(limit_order(symbol="NOPE"))
    assert (found.pointer, found.code) == ("/symbol", "not_found")


async def test_a_good_order_of_a_known_symbol_is_valid() -> None:
    assert await broker(reads=FakeTransport(reply(raw=payload("asset_share")))).validate_order(limit_order()) == ()


# -- margin -------------------------------------------------------------------------------------------------------------


def margin(order: NewOrder, *, reference: str | None = "150", has_margin: bool = True) -> tuple[Decimal, Decimal]:
    found = margin_for(
        order,
        reference=None if reference is None else Decimal(reference),
        instrument=share() if order.symbol == "AAPL" else None,
        has_margin=has_margin,
    )
    assert found.source == "computed"
    return found.initial, found.buying_power_effect


async def test_half_of_a_share_is_enough_with_margin_and_all_of_it_without() -> None:
    assert margin(limit_order()) == (Decimal("225.75"), Decimal("451.5"))
    assert margin(limit_order(), has_margin=False) == (Decimal("451.5"), Decimal("451.5"))


async def test_a_short_counts_at_a_marked_up_ask() -> None:
    assert margin(limit_order(side=Side.SELL))[1] == Decimal(3) * Decimal("154.5")


async def test_coins_and_options_are_paid_in_full() -> None:
    assert margin(limit_order(symbol="BTC/USD", price=price("60000"))) == (Decimal(180000), Decimal(180000))
    assert margin(limit_order(symbol="AAPL  260320C00150000", price=price("3.1"))) == (Decimal(930), Decimal(930))


async def test_a_notional_order_ties_up_its_money() -> None:
    assert margin(limit_order(**MARKET, order_qty=None, notional=Decimal(100)), reference=None)[1] == 100


async def test_a_debit_spread_can_lose_its_debit_and_a_credit_spread_its_width_less_the_credit() -> None:
    legs = ORDERS["mleg"][0].legs
    debit = limit_order(order_class=OrderClass.MULTILEG, legs=legs, price=price("1.25"))
    assert margin(debit)[0] == Decimal(375)
    turned = tuple(OrderLeg(symbol=leg.symbol, side=leg.side.opposite, ratio_qty=leg.ratio_qty) for leg in legs)
    credit = limit_order(order_class=OrderClass.MULTILEG, legs=turned, price=price("-4"))
    assert margin(credit)[0] == Decimal(3 * 600)


async def test_what_only_the_venue_can_tell_is_not_guessed() -> None:
    naked = (OrderLeg(symbol="AAPL  260320C00150000", side=Side.SELL, ratio_qty=qty("1")),) * 2
    for order in (
        limit_order(symbol="AAPL  260320C00150000", side=Side.SELL),
        limit_order(order_class=OrderClass.MULTILEG, legs=naked),
    ):
        with pytest.raises(NotSupported):
            margin(order)
    with pytest.raises(NotSupported):
        margin(limit_order(**MARKET), reference=None)


async def test_margin_is_computed_from_the_account_and_the_latest_quote() -> None:
    reads = FakeTransport(
        by_path={
            "/v2/account": reply(raw=payload("account")),
            "/v2/assets/AAPL": reply(raw=payload("asset_share")),
            "/v2/stocks/quotes/latest": reply(raw=payload("latest_quotes")),
        }
    )
    found = await broker(reads=reads).get_margin_requirements(limit_order(**MARKET))
    assert found.buying_power_effect == Decimal("451.56")
