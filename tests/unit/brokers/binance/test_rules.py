"""What the venue would refuse, rule by rule; and money: what is held, what it is worth, what an order costs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.mapping import account as accounts
from floorbroker.brokers.binance.mapping.rules import Working, broken_rules, smallest
from floorbroker.brokers.binance.mapping.symbols import instrument_from
from floorbroker.domain.errors import NotSupported
from floorbroker.domain.orders import StopLoss
from floorbroker.domain.values import OrderClass, OrderType, Price, Quantity, Side, TimeInForce
from tests.unit.brokers.binance.fakes import NOW, limit_order, payload, rules, symbols

REFERENCE = Decimal(64000)


def found(
    *, reference: Decimal | None = REFERENCE, working: Working | None = None, **terms: Any
) -> list[tuple[str, str]]:
    broken = broken_rules(limit_order(**terms), rules(), reference=reference, working=working)
    return [(one.pointer, one.code) for one in broken]


MARKET: dict[str, Any] = {"order_type": OrderType.MARKET, "price": None}
TRAIL: dict[str, Any] = {"order_type": OrderType.TRAILING_STOP, "price": None}
BRACKET: dict[str, Any] = {
    "order_class": OrderClass.BRACKET,
    "take_profit": Price(Decimal(70000)),
    "stop_loss": StopLoss(stop_px=Price(Decimal(60000))),
}


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"tif": TimeInForce.IOC},
        {"side": Side.SELL, "reduce_only": True},
        {"post_only": True},
        {"display_qty": Quantity(Decimal("0.005"))},
        MARKET,
        MARKET | {"order_qty": None, "notional": Decimal(50)},
        {"order_type": OrderType.STOP, "price": None, "stop_px": Price(Decimal(65000))},
        {"order_type": OrderType.LIMIT_IF_TOUCHED, "stop_px": Price(Decimal(63000))},
        TRAIL | {"trail_percent": Decimal("1.5")},
        BRACKET,
        {"order_class": OrderClass.OTO, "take_profit": Price(Decimal(70000))},
        BRACKET | {"order_class": OrderClass.OCO, "side": Side.SELL, "price": None},
    ],
    ids=repr,
)
def test_an_order_within_the_rules_breaks_none(terms: dict[str, Any]) -> None:
    assert found(**terms) == []


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({"price": Price(Decimal("64000.001"))}, ("/limit_price", "off_step")),
        ({"price": Price(Decimal("0.001"))}, ("/limit_price", "too_small")),
        ({"price": Price(Decimal(1_000_001))}, ("/limit_price", "too_large")),
        ({"price": Price(Decimal(80000))}, ("/limit_price", "out_of_range")),
        ({"side": Side.SELL, "price": Price(Decimal(50000))}, ("/limit_price", "out_of_range")),
        ({"price": None}, ("/limit_price", "missing")),
        ({"order_type": OrderType.STOP, "price": None}, ("/stop_price", "missing")),
        ({"order_qty": Quantity(Decimal("0.000015"))}, ("/quantity", "off_step")),
        ({"order_qty": Quantity(Decimal("0.000001"))}, ("/quantity", "too_small")),
        ({"order_qty": Quantity(Decimal(9001))}, ("/quantity", "too_large")),
        ({"order_qty": Quantity(Decimal("0.00001"))}, ("/quantity", "too_small")),  # worth less than five
        (MARKET | {"order_qty": Quantity(Decimal(51))}, ("/quantity", "too_large")),
        (MARKET | {"order_qty": None, "notional": Decimal(1)}, ("/notional", "too_small")),
        (MARKET | {"order_qty": None, "notional": Decimal("10.123456789")}, ("/notional", "too_precise")),
        ({"order_qty": None, "notional": Decimal(50)}, ("/notional", "not_supported")),
        ({"order_qty": None}, ("/quantity", "missing")),
        ({"tif": TimeInForce.DAY}, ("/time_in_force", "not_supported")),
        (MARKET | {"tif": TimeInForce.FOK}, ("/time_in_force", "not_supported")),
        (TRAIL | {"trail_percent": Decimal(1), "tif": TimeInForce.IOC}, ("/time_in_force", "not_supported")),
        ({"post_only": True, "tif": TimeInForce.IOC}, ("/time_in_force", "not_supported")),
        (MARKET | {"post_only": True}, ("/post_only", "not_supported")),
        ({"reduce_only": True}, ("/reduce_only", "not_supported")),  # to buy; a sale is fine
        ({"extended_hours": True}, ("/extended_hours", "not_supported")),
        ({"order_class": OrderClass.MULTILEG}, ("/order_class", "not_supported")),
        ({"display_qty": Quantity(Decimal("0.001"))}, ("/display_quantity", "too_small")),  # twenty parts
        ({"display_qty": Quantity(Decimal("0.03"))}, ("/display_quantity", "too_large")),
        ({"display_qty": Quantity(Decimal("0.0000051"))}, ("/display_quantity", "off_step")),
        ({"display_qty": Quantity(Decimal("0.005")), "tif": TimeInForce.IOC}, ("/time_in_force", "not_supported")),
        (MARKET | {"display_qty": Quantity(Decimal("0.005"))}, ("/display_quantity", "not_supported")),
        (TRAIL | {"trail_percent": Decimal(21)}, ("/trail_percent", "out_of_range")),
        (TRAIL | {"trail_percent": Decimal("0.05")}, ("/trail_percent", "out_of_range")),
        (TRAIL | {"trail_percent": Decimal("1.005")}, ("/trail_percent", "too_precise")),
        (TRAIL | {"trail_amount": Price(Decimal(5))}, ("/trail_percent", "missing")),
        (BRACKET | {"take_profit": Price(Decimal(59000))}, ("/take_profit/limit_price", "out_of_order")),
        (BRACKET | {"take_profit": None}, ("/take_profit", "missing")),
        (BRACKET | {"stop_loss": None}, ("/stop_loss", "missing")),
        (BRACKET | MARKET, ("/type", "not_supported")),
        (BRACKET | {"order_class": OrderClass.OTO}, ("/take_profit", "missing")),
        (BRACKET | {"stop_loss": StopLoss(stop_px=Price(Decimal("60000.001")))}, ("/stop_loss/stop_price", "off_step")),
        (
            BRACKET | {"order_class": OrderClass.OCO, "side": Side.SELL, "price": None, "tif": TimeInForce.IOC},
            ("/time_in_force", "not_supported"),
        ),
    ],
    ids=repr,
)
def test_each_broken_rule_is_named(terms: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in found(**terms)


def test_without_a_price_of_now_no_percentage_is_guessed() -> None:
    assert found(reference=None, price=Price(Decimal(80000))) == []
    assert found(reference=None, **MARKET, order_qty=Quantity(Decimal("0.00001"))) == []


@pytest.mark.parametrize(
    ("working", "terms", "pointer"),
    [
        (Working(orders=200), {}, "/symbol"),
        (Working(algo=5), TRAIL | {"trail_percent": Decimal(1)}, "/type"),
        (Working(icebergs=2), {"display_qty": Quantity(Decimal("0.005"))}, "/display_quantity"),
    ],
)
def test_no_more_orders_work_than_the_venue_takes(working: Working, terms: dict[str, Any], pointer: str) -> None:
    assert found(working=working, **terms) == [(pointer, "too_many")]
    assert found(working=Working(orders=199, algo=4, icebergs=1), **terms) == []


@pytest.mark.parametrize(
    ("changes", "terms", "pointer"),
    [
        ({"status": "BREAK"}, {}, "/symbol"),
        ({"can": frozenset({"spot"})}, BRACKET, "/order_class"),
        ({"can": frozenset({"spot"})}, TRAIL | {"trail_percent": Decimal(1)}, "/type"),
        ({"can": frozenset({"spot"})}, MARKET | {"order_qty": None, "notional": Decimal(50)}, "/notional"),
        ({"can": frozenset({"spot"})}, {"display_qty": Quantity(Decimal("0.005"))}, "/display_quantity"),
        ({"can": frozenset()}, {}, "/symbol"),
        ({"order_types": frozenset({"LIMIT"})}, {"post_only": True}, "/type"),
    ],
)
def test_what_a_symbol_does_not_take_is_named(changes: dict[str, Any], terms: dict[str, Any], pointer: str) -> None:
    broken = broken_rules(limit_order(**terms), rules(**changes), reference=REFERENCE)
    assert pointer in [one.pointer for one in broken]


@pytest.mark.parametrize("symbol", ["BTC/USDT", "ETH/BTC"])
@pytest.mark.parametrize("price", ["64000.126", "0.05", "3"])
def test_the_smallest_order_breaks_no_rule(symbol: str, price: str) -> None:
    tried = rules(symbol)
    wish = smallest(tried, Decimal(price))
    assert broken_rules(wish, tried, reference=Decimal(price)) == ()


def test_an_instrument_has_the_venues_steps() -> None:
    instrument = instrument_from(rules(), as_of=NOW)
    assert (instrument.symbol, instrument.venue_id, instrument.currency) == ("BTC/USDT", "BTCUSDT", "USDT")
    assert (instrument.lot, instrument.min_qty, instrument.max_qty) == (
        Decimal("0.00001"), Decimal("0.00001"), Decimal(9000),
    )  # fmt: skip
    assert (instrument.tick_at(REFERENCE), instrument.min_notional) == (Decimal("0.01"), Decimal(5))
    assert (instrument.tradable, instrument.shortable, instrument.as_of) == (True, False, NOW)
    assert not instrument_from(rules("OLD/USDT"), as_of=NOW).tradable


# -- money --------------------------------------------------------------------------------------------------------------

PRICES = {"BTCUSDT": Decimal(64000), "ETHBTC": Decimal("0.05"), "ETHUSDT": Decimal(3200)}
ACCOUNT = wire.decode(payload("account"), wire.Account, what="x")


def test_balances_are_what_is_free_and_what_is_locked() -> None:
    btc, usdt, dust = accounts.balances_from(ACCOUNT)
    assert (btc.currency, btc.total, btc.available) == ("BTC", Decimal("1.5"), Decimal("1.4"))
    assert (usdt.total, usdt.available, dust.currency) == (Decimal(10000), Decimal(9000), "DUST")


def test_an_account_is_worth_its_coins_at_the_last_prices() -> None:
    account = accounts.account_from(ACCOUNT, currency="USDT", prices=PRICES, symbols=symbols())
    assert (account.account, account.currency) == ("354937868", "USDT")
    assert (account.cash, account.buying_power, account.equity) == (Decimal(10000), Decimal(9000), Decimal(106_000))
    assert account.can_trade
    assert account.environment_hint == ""


def test_worth_goes_through_a_third_coin_where_there_is_no_market_between_two() -> None:
    two_steps = {"BTCUSDT": Decimal(64000), "ETHBTC": Decimal("0.05")}
    assert accounts.worth("ETH", Decimal(2), "USDT", two_steps, symbols()) == Decimal(6400)
    assert accounts.worth("USDT", Decimal(64000), "BTC", PRICES, symbols()) == Decimal(1)
    assert accounts.worth("DUST", Decimal(7), "USDT", PRICES, symbols()) is None


def test_coins_are_positions_and_money_is_not() -> None:
    held = accounts.balances_from(ACCOUNT)
    (btc,) = accounts.positions_from(held, symbols=symbols(), traded={}, prices=PRICES)
    assert (btc.symbol, btc.qty, btc.qty_available, btc.market_value) == (
        "BTC/USDT", Decimal("1.5"), Decimal("1.4"), Decimal(96000),
    )  # fmt: skip


def test_a_coin_is_shown_in_the_market_it_was_last_traded_in() -> None:
    held = [accounts.Balance(currency="ETH", total=Decimal(2), available=Decimal(2))]
    assert accounts.positions_from(held, symbols=symbols(), traded={})[0].symbol == "ETH/USDT"
    assert accounts.positions_from(held, symbols=symbols(), traded={"ETH": "ETH/BTC"})[0].symbol == "ETH/BTC"


@pytest.mark.parametrize(
    ("rights", "withdraw"),
    [
        ({"enable_withdrawals": True}, True),
        ({"enable_withdrawals": False, "enable_internal_transfer": True}, True),
        ({"enable_withdrawals": False, "enable_internal_transfer": False}, False),
        ({"enable_withdrawals": False}, False),
        ({}, None),
    ],
)
def test_a_key_that_may_move_money_says_so(rights: dict[str, bool], withdraw: bool | None) -> None:
    assert accounts.permissions_from(wire.KeyRights(**rights)).withdraw is withdraw


def test_the_rights_on_record() -> None:
    found_ = accounts.permissions_from(wire.decode(payload("key_rights"), wire.KeyRights, what="x"))
    assert (found_.read, found_.trade, found_.withdraw) == (True, True, False)
    assert found_.detail == "the key works from listed addresses"


COMMISSION = wire.decode(payload("commission"), wire.Commission, what="x")


def test_an_order_is_paid_in_full_with_the_takers_fee() -> None:
    margin = accounts.margin_for(limit_order(), rules(), reference=None, commission=COMMISSION)
    assert (margin.currency, margin.initial, margin.fees) == ("USDT", Decimal(1280), Decimal("1.408"))
    market = accounts.margin_for(limit_order(**MARKET), rules(), reference=Decimal(65000), commission=COMMISSION)
    assert market.buying_power_effect == Decimal(1300)
    with pytest.raises(NotSupported):
        accounts.margin_for(limit_order(**MARKET), rules(), reference=None, commission=COMMISSION)


def test_exposure_counts_what_is_not_money() -> None:
    account = accounts.account_from(ACCOUNT, currency="USDT", prices=PRICES, symbols=symbols())
    risk = accounts.risk_from(account, [Decimal(96000)], 3)
    assert (risk.gross_exposure, risk.net_exposure, risk.open_orders) == (Decimal(96000), Decimal(96000), 3)
    assert risk.leverage == risk.concentration == Decimal(96000) / Decimal(106_000)
