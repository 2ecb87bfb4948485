"""Facts as data: environments, options, accounts, instruments, hours, rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.kraken import INFO, Options, hosts_for, options_from, origins_for, wire
from floorbroker.brokers.kraken.info import AUDITED
from floorbroker.brokers.kraken.mapping import account as accounts
from floorbroker.brokers.kraken.mapping import market
from floorbroker.brokers.kraken.mapping.rules import broken_rules, margin_for
from floorbroker.domain.bars import Bar
from floorbroker.domain.errors import ApiError, ConfigInvalid, InvalidRequest, NotSupported
from floorbroker.domain.facts import Source
from floorbroker.domain.forms import Form
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import Balance, ExecutionReport, Position
from floorbroker.domain.values import (
    Environment,
    ExecType,
    OrderClass,
    OrderType,
    Price,
    Quantity,
    Side,
    TimeInForce,
)
from tests.unit.brokers.kraken.fakes import NOW, limit_order, payload

D = Decimal


def result(name: str, kind: Any) -> Any:
    return wire.decode(wire.decode(payload(name), wire.Envelope, what=name).result, kind, what=name)


HELD = result("balances", dict[str, wire.Holding])
PAIRS = result("pairs", dict[str, wire.Pair])
BTC = accounts.instrument_from("BTC/USD", PAIRS["XXBTZUSD"], as_of=NOW)


# -- environments and options ---------------------------------------------------------------------------------------------


def test_live_has_hosts_of_its_own_and_nothing_redirects_it() -> None:
    origins = origins_for(Environment.LIVE)
    assert origins.rest == "https://api.kraken.com"
    assert origins_for(Environment.LIVE, "https://api.kraken.com/") == origins
    assert set(hosts_for(Environment.LIVE)) == {"api.kraken.com", "ws.kraken.com", "ws-auth.kraken.com"}
    with pytest.raises(ConfigInvalid):
        origins_for(Environment.LIVE, "https://api.kraken.example")


@pytest.mark.parametrize(
    "url", [None, "", "https://api.kraken.com", "ws://127.0.0.1:1", "http://10.0.0.1:1", "http://["]
)
def test_a_simulator_is_on_this_machine(url: str | None) -> None:
    with pytest.raises(ConfigInvalid):
        origins_for(Environment.SIM, url)


def test_the_simulators_one_port_serves_everything() -> None:
    origins = origins_for(Environment.SIM, "http://127.0.0.1:8803/")
    assert (origins.rest, origins.public_stream, origins.private_stream) == (
        "http://127.0.0.1:8803", "ws://127.0.0.1:8803", "ws://127.0.0.1:8803",
    )  # fmt: skip
    assert hosts_for(Environment.SIM) == {}


def test_there_is_no_practice_venue() -> None:
    assert Environment.PAPER not in INFO.environments


@pytest.mark.parametrize(
    "given",
    [
        {"tier": "vip"},
        {"order_entry": "fix"},
        {"book_depth": "20"},
        {"dead_man_s": "5"},
        {"dead_man_s": "90000"},
        {"x": "y"},
    ],
)
def test_options_that_are_not_ours_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(ConfigInvalid):
        options_from(given)


def test_options_have_the_defaults_that_are_told() -> None:
    assert options_from({}) == Options()
    assert {option.name: option.default for option in INFO.options} == {
        name: getattr(Options(), name) for name in Options.__dataclass_fields__
    }
    assert options_from({"dead_man_s": "60"}).dead_man_s == "60"


def test_the_audit_shows_orders_and_hides_tokens_keys_and_passwords() -> None:
    body = b"nonce=1&otp=secret&pair=XBTUSD&cl_ord_id=abc&volume=1"
    shown = AUDITED.shown(body, endpoint="orders.submit", longest=1000)
    assert "pair=XBTUSD" in shown
    assert "secret" not in shown
    assert "canary" not in AUDITED.shown(payload("token"), endpoint="private.token", longest=1000)
    key = AUDITED.shown(payload("key"), endpoint="private.key", longest=1000)
    assert "made-up" not in key
    socket = AUDITED.shown(b'{"symbol":"BTC/USD","token":"canary"}', endpoint="orders.submit", longest=1000)
    assert "canary" not in socket


# -- accounts -------------------------------------------------------------------------------------------------------------


def test_balances_have_our_names_and_what_is_bound_is_not_available() -> None:
    assert set(accounts.balances_from(HELD)) == {
        Balance(currency="USD", total=D("1000.0000"), available=D("750.0000")),
        Balance(currency="BTC", total=D("1.2500000000"), available=D("1.1500000000")),
        Balance(currency="BTC.F", total=D("0.2500000000"), available=D("0.2500000000")),
        Balance(currency="BTC.M", total=D("0.5000000000"), available=D(0)),
        Balance(currency="ETH.B", total=D("3.0"), available=D(0)),
        Balance(currency="EUR", total=D("75.5000"), available=D("75.5000")),
    }


def test_coins_are_positions_in_their_pair_with_the_quote_currency() -> None:
    coins = accounts.coins_of(HELD, quote="USD")
    assert coins == {"BTC": (D("1.5"), D("1.4"))}
    traded = accounts.Traded(quote="USD")
    assert accounts.positions_from(coins, {"BTC/USD": D(64000)}, traded) == (
        Position(
            symbol="BTC/USD", qty=D("1.5"), qty_available=D("1.4"), market_px=Price(D(64000)), market_value=D("96000.0")
        ),
    )
    (unpriced,) = accounts.positions_from(coins, {}, traded)
    assert unpriced.market_value is None


def fill_in(symbol: str, at: datetime) -> ExecutionReport:
    return ExecutionReport(exec_type=ExecType.TRADE, source=Source.STREAM, at=NOW, symbol=symbol, transact_time=at)


def test_a_coin_is_told_where_it_was_last_traded() -> None:
    traded = accounts.Traded(quote="USD")
    early, late = NOW - timedelta(hours=1), NOW
    traded.hear([fill_in("BTC/EUR", late), fill_in("BTC/USDT", early), fill_in("", late)])
    traded.hear([replace(fill_in("BTC/GBP", late), exec_type=ExecType.NEW)])
    assert [traded.symbol_of(coin) for coin in ("BTC", "ETH")] == ["BTC/EUR", "ETH/USD"]
    (position,) = accounts.positions_from({"BTC": (D(1), D(1))}, {"BTC/EUR": D(50000)}, traded)
    assert (position.symbol, position.market_value) == ("BTC/EUR", D(50000))


def test_a_stablecoin_may_be_the_cash() -> None:
    held = {"USDT": wire.Holding(balance=D(5)), "ZUSD": wire.Holding(balance=D(7))}
    assert accounts.coins_of(held, quote="USDT") == {}
    assert accounts.coins_of(held, quote="USD") == {"USDT": (D(5), D(5))}
    told = result("trade_balance", wire.TradeBalance)
    assert accounts.account_from(held, told, None, quote="USDT").cash == D(5)


def test_an_account_is_told_in_its_quote_currency() -> None:
    key = result("key", wire.Key)
    found = accounts.account_from(HELD, result("trade_balance", wire.TradeBalance), key, quote="USD")
    assert (found.account, found.currency, found.cash, found.buying_power, found.equity) == (
        "AA00N84GFAKENUMB", "USD", D("1000.0000"), D("750.0000"), D("97123.4500"),
    )  # fmt: skip
    assert (found.can_trade, found.environment_hint) == (True, "")


def test_the_public_account_id_may_stand_beside_the_keys() -> None:
    """https://support.kraken.com/hc/en-us/articles/360028555092: 16 characters, of which the first two are AA."""
    form = Form(INFO.fields, Environment.LIVE)
    told = accounts.account_from(HELD, result("trade_balance", wire.TradeBalance), result("key", wire.Key), quote="USD")
    assert form.wrong({"BROKER_ACCOUNT_NUMBER": told.account}) == {}
    assert "16 capital letters" in form.wrong({"BROKER_ACCOUNT_NUMBER": "AA00 N84G FAKE NUMB"})["BROKER_ACCOUNT_NUMBER"]
    assert "BROKER_ACCOUNT_NUMBER" not in {asked.name for asked in form.missing({})}


def test_a_key_tells_what_it_may_do() -> None:
    key = result("key", wire.Key)
    may = accounts.permissions_from(key)
    assert (may.read, may.trade, may.withdraw, may.detail) == (True, True, False, "")
    strong = accounts.permissions_from(wire.Key(permissions=[*key.permissions, "withdraw-funds"]))
    assert strong.withdraw is True
    weak = accounts.permissions_from(wire.Key(permissions=["query-funds"]))
    assert (weak.trade, "modify-trades" in weak.detail) == (False, True)
    silent = accounts.permissions_from(None)
    assert (silent.trade, silent.withdraw) == (None, None)


def test_a_key_that_may_not_trade_blocks_the_account() -> None:
    told = result("trade_balance", wire.TradeBalance)
    found = accounts.account_from(HELD, told, wire.Key(permissions=["query-funds"]), quote="USD")
    assert (found.can_trade, found.blocked_reason) == (False, "the key may not place orders")


def test_a_balance_that_is_no_number_is_our_error() -> None:
    with pytest.raises(ApiError):
        accounts.balances_from({"ZUSD": wire.Holding(balance=D("NaN"))})


def test_exposure_is_what_the_coins_are_worth() -> None:
    account = accounts.account_from(HELD, result("trade_balance", wire.TradeBalance), None, quote="USD")
    risk = accounts.risk_from(account, [D(60000), D(0)], 3)
    assert (risk.gross_exposure, risk.net_exposure, risk.open_orders) == (D(60000), D(60000), 3)


# -- instruments and hours --------------------------------------------------------------------------------------------------


def test_a_pair_has_its_steps_and_its_smallest_order() -> None:
    assert (BTC.ticks[0].tick, BTC.lot, BTC.min_qty, BTC.min_notional) == (
        D("0.1"), D("0.00000001"), D("0.00005"), D("0.5"),
    )  # fmt: skip
    assert (BTC.currency, BTC.calendar, BTC.tradable, BTC.venue_id) == ("USD", "24/7", True, "XBTUSD")
    tether = accounts.instrument_from("USDT/USD", PAIRS["USDTZUSD"], as_of=NOW)
    assert tether.tradable is False


def test_a_pair_without_a_tick_has_that_of_its_decimals_and_unlikely_ones_are_our_error() -> None:
    pair = wire.Pair(altname="XBTUSD", pair_decimals=3)
    assert accounts.instrument_from("BTC/USD", pair, as_of=NOW).ticks[0].tick == D("0.001")
    for odd in (wire.Pair(altname="X", pair_decimals=-1), wire.Pair(altname="X", lot_decimals=10**9)):
        with pytest.raises(ApiError):
            accounts.instrument_from("BTC/USD", odd, as_of=NOW)


@pytest.mark.parametrize(
    ("status", "is_open"),
    [("online", True), ("post_only", True), ("cancel_only", False), ("maintenance", False), ("new", False)],
)
def test_the_market_never_closes_but_the_system_may_be_down(status: str, is_open: bool) -> None:
    hours = accounts.hours_of("crypto", date(2026, 3, 2), status=status)
    assert (hours.open, hours.close) == (datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
    assert (hours.is_open_day, hours.is_open_now) == (True, is_open)


def test_other_markets_are_not_kraken() -> None:
    with pytest.raises(InvalidRequest):
        accounts.check_market("XNYS")


# -- market data ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("span_s", [30, 61, 120, 7200, 0])
def test_spans_that_are_not_aggregated_are_refused(span_s: int) -> None:
    with pytest.raises(NotSupported):
        market.interval_min(span_s)


def test_a_ticker_without_sides_has_no_prices() -> None:
    quote = market.quote_from("BTC/USD", wire.Ticker(), at=NOW)
    assert (quote.bid, quote.ask, quote.last, quote.bid_size) == (None, None, None, 0)


def test_a_bar_of_unlikely_size_is_our_error() -> None:
    huge = Price(D(10) ** 20)
    bar = Bar(symbol="X", start=NOW, open=huge, high=huge, low=huge, close=huge, volume=D(1))
    with pytest.raises(ApiError):
        market.series_from("X", [bar], span_s=60)


# -- rules ------------------------------------------------------------------------------------------------------------------


def broken(order: NewOrder, instrument: Instrument | None = BTC) -> set[tuple[str, str]]:
    return {(error.pointer, error.code) for error in broken_rules(order, instrument, now=NOW)}


@pytest.mark.parametrize(
    "order",
    [
        limit_order(),
        limit_order(tif=TimeInForce.GTD, expire_at=NOW + timedelta(days=1)),
        limit_order(display_qty=Quantity(D("0.001")), post_only=True),
        limit_order(order_type=OrderType.MARKET, price=None, order_qty=None, notional=D(50)),
        limit_order(order_type=OrderType.TRAILING_STOP, price=None, trail_amount=Price(D("10.5"))),
        limit_order(order_type=OrderType.STOP, price=None, stop_px=Price(D(65000))),
    ],
)
def test_a_sound_order_breaks_no_rule(order: NewOrder) -> None:
    assert broken(order) == set()


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"symbol": "EUR/USD"}, {("/symbol", "not_traded")}),
        ({"symbol": "AAPL"}, {("/symbol", "not_traded")}),
        ({"order_class": OrderClass.BRACKET}, {("/order_class", "not_supported")}),
        ({"tif": TimeInForce.DAY}, {("/time_in_force", "not_supported")}),
        ({"tif": TimeInForce.FOK}, {("/time_in_force", "not_supported")}),
        ({"tif": TimeInForce.GTD}, {("/expire_at", "missing")}),
        ({"tif": TimeInForce.GTD, "expire_at": NOW}, {("/expire_at", "out_of_range")}),
        ({"extended_hours": True}, {("/extended_hours", "not_supported")}),
        ({"order_qty": None}, {("/quantity", "missing")}),
        ({"order_qty": Quantity(D(0))}, {("/quantity", "not_positive")}),
        ({"order_qty": Quantity(D("0.00001"))}, {("/quantity", "too_small")}),
        ({"order_qty": Quantity(D("0.012345678901"))}, {("/quantity", "off_lot")}),
        ({"price": Price(D(1))}, {("/quantity", "too_small")}),
        ({"price": Price(D("64000.15"))}, {("/limit_price", "off_tick")}),
        ({"price": Price(D(-1))}, {("/limit_price", "not_positive")}),
        ({"price": None}, {("/limit_price", "missing")}),
        ({"display_qty": Quantity(D("0.0001"))}, {("/display_quantity", "out_of_range")}),
        ({"display_qty": Quantity(D("0.02"))}, {("/display_quantity", "out_of_range")}),
        ({"order_qty": None, "notional": D(50)}, {("/notional", "not_supported")}),
        (
            {"order_type": OrderType.MARKET, "price": None, "order_qty": None, "notional": D("0.1")},
            {("/notional", "too_small")},
        ),
        (
            {"order_type": OrderType.MARKET, "price": None, "order_qty": None, "notional": D(0)},
            {("/notional", "not_positive")},
        ),
        ({"order_type": OrderType.MARKET, "price": None, "post_only": True}, {("/post_only", "not_supported")}),
        ({"order_type": OrderType.STOP_LIMIT}, {("/stop_price", "missing")}),
        ({"order_type": OrderType.TRAILING_STOP, "price": None}, {("/trail_percent", "missing")}),
        (
            {"order_type": OrderType.TRAILING_STOP, "price": None, "trail_percent": D(100)},
            {("/trail_percent", "out_of_range")},
        ),
        (
            {"order_type": OrderType.TRAILING_STOP, "price": None, "trail_amount": Price(D("0.05"))},
            {("/trail_price", "off_tick")},
        ),
    ],
)
def test_a_broken_rule_is_named(changes: dict[str, Any], found: set[tuple[str, str]]) -> None:
    assert broken(limit_order(**changes)) == found


def test_an_order_with_display_needs_a_limit() -> None:
    order = limit_order(order_type=OrderType.MARKET, price=None, display_qty=Quantity(D("0.005")))
    assert ("/display_quantity", "not_supported") in broken(order)


def test_a_pair_that_cannot_be_traded_now_is_named() -> None:
    assert ("/symbol", "not_tradable") in broken(limit_order(), replace(BTC, tradable=False))


def test_spot_pays_in_full() -> None:
    buy = margin_for(limit_order(), reference=None)
    assert (buy.currency, buy.initial, buy.buying_power_effect) == ("USD", D("640.001"), D("640.001"))
    sell = margin_for(limit_order(side=Side.SELL), reference=None)
    assert (sell.currency, sell.initial, sell.buying_power_effect) == ("BTC", D("0.01"), 0)
    market_buy = limit_order(order_type=OrderType.MARKET, price=None)
    assert margin_for(market_buy, reference=D(100)).initial == D(1)
    by_money = limit_order(order_type=OrderType.MARKET, price=None, order_qty=None, notional=D(50))
    assert margin_for(by_money, reference=None).initial == D(50)
    with pytest.raises(NotSupported):
        margin_for(market_buy, reference=None)
