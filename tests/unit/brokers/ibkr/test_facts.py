"""Where the program is, as whom we come, what an account is worth, and what ticks make of a quote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from floorbroker.brokers.ibkr import INFO, Options, hosts_for, options_from, place_for, wire
from floorbroker.brokers.ibkr.codec.fields import decimal_in
from floorbroker.brokers.ibkr.codec.framing import BadFrame
from floorbroker.brokers.ibkr.limits import LIMITS, limits_for
from floorbroker.brokers.ibkr.mapping import account, market
from floorbroker.domain.errors import ApiError, ConfigInvalid, NotSupported
from floorbroker.domain.values import Environment
from tests.unit.brokers.ibkr.makings import AAPL, ACCOUNT, NOW

SIM, PAPER, LIVE = Environment.SIM, Environment.PAPER, Environment.LIVE


@pytest.mark.parametrize(
    ("environment", "url", "options", "expected"),
    [
        (PAPER, None, {}, ("127.0.0.1", 4002, 17)),
        (PAPER, None, {"program": "tws"}, ("127.0.0.1", 7497, 17)),
        (LIVE, None, {"program": "tws"}, ("127.0.0.1", 7496, 17)),
        (LIVE, "", {}, ("127.0.0.1", 4001, 17)),
        (SIM, None, {"port": "7000"}, ("127.0.0.1", 7000, 17)),
        (PAPER, "tws://localhost:7497", {"client_id": "5"}, ("localhost", 7497, 5)),
        (PAPER, "tws://127.0.0.1:4002?client_id=8", {"client_id": "5"}, ("127.0.0.1", 4002, 8)),
        (PAPER, "tws://[::1]:4002/", {}, ("::1", 4002, 17)),
    ],
)
def test_where_the_program_is(
    environment: Environment, url: str | None, options: dict[str, str], expected: tuple[str, int, int]
) -> None:
    place = place_for(environment, url, options_from(options))
    assert (place.host, place.port, place.client_id) == expected
    assert hosts_for(PAPER, place) == {f"{place.host}:{place.port}": PAPER}


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:4002", "tws://127.0.0.1", "tws://gateway.example:4002", "tws://10.0.0.7:4002", "tws://127.0.0.1:99999",
        "tws://me:secret@127.0.0.1:4002", "tws://127.0.0.1:4002/path", "tws://127.0.0.1:4002?client_id=0",
        "tws://127.0.0.1:4002?client_id=x", "tws://127.0.0.1:4002?other=1", "4002",
    ],
)  # fmt: skip
def test_what_is_no_program_on_this_machine(url: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        place_for(PAPER, url, options_from({}))
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize(
    "options", [{"client_id": "0"}, {"port": "70000"}, {"program": "web"}, {"messages_s": "0"}, {"nobody": "knows"}]
)
def test_wrong_options(options: dict[str, str]) -> None:
    with pytest.raises(ConfigInvalid):
        options_from(options)


def test_sim_has_no_usual_port() -> None:
    with pytest.raises(ConfigInvalid):
        place_for(SIM, None, options_from({}))


def test_cancels_have_the_whole_budget_and_the_rest_a_part() -> None:
    (messages, history) = LIMITS.budgets
    assert (messages.capacity, messages.per_s) == (50, 1.0)
    assert (history.capacity, history.per_s) == (60, 600.0)
    assert INFO.environments == (SIM, PAPER)
    assert limits_for(int(Options().messages_s)) == LIMITS
    assert limits_for(int(options_from({"messages_s": "75"}).messages_s)).budgets[0].capacity == 75


# -- the account --------------------------------------------------------------------------------------------------------------


def figure(key: str, value: str, currency: str = "USD", of: str = ACCOUNT) -> wire.AccountValue:
    return wire.AccountValue(key=key, value=value, currency=currency, account=of)


FIGURES = (
    figure("NetLiquidation", "99999.50"), figure("TotalCashValue", "90000"), figure("BuyingPower", "360000"),
    figure("InitMarginReq", "1.0E-16"), figure("AccountReady", "true", ""), figure("CashBalance", "90000"),
    figure("CashBalance", "100", "EUR"), figure("CashBalance", "90110", "BASE"), figure("CashBalance", "7", "CHF", "DU9"),
)  # fmt: skip


def test_an_account_in_its_currency() -> None:
    told = account.account_from(ACCOUNT, FIGURES)
    assert (told.equity, told.cash, told.buying_power, told.currency) == (Decimal("99999.50"), 90000, 360000, "USD")
    assert (told.environment_hint, told.can_trade) == ("paper", True)
    assert account.environment_of("U1234567") is LIVE
    with pytest.raises(ApiError):
        account.account_from(ACCOUNT, FIGURES[1:])


def test_balances_by_currency_without_the_sum_and_without_others() -> None:
    told = {each.currency: each.total for each in account.balances_from(ACCOUNT, FIGURES)}
    assert told == {"USD": 90000, "EUR": 100}


def test_positions_of_this_account_at_the_price_of_a_share() -> None:
    option = wire.Contract(
        con_id=7, symbol="AAPL", sec_type="OPT", last_trade="20260320", strike=Decimal(200), right="P", multiplier="100",
        currency="USD",
    )  # fmt: skip
    rows = [
        wire.Position(account=ACCOUNT, contract=AAPL, position=Decimal(5), avg_cost=Decimal("190.5")),
        wire.Position(account=ACCOUNT, contract=option, position=Decimal(-2), avg_cost=Decimal(510)),
        wire.Position(account="DU9", contract=AAPL, position=Decimal(50), avg_cost=Decimal(1)),
        wire.Position(account=ACCOUNT, contract=AAPL, position=Decimal(6), avg_cost=Decimal("190.5")),
    ]
    told = {each.symbol: (each.qty, each.avg_px) for each in account.positions_from(ACCOUNT, rows)}
    assert told == {"AAPL": (6, Decimal("190.5")), "AAPL  260320P00200000": (-2, Decimal("5.1"))}


@pytest.mark.parametrize(
    ("text", "value"),
    [("-1.1368683772161603E-13", Decimal("-1.1368684E-13")), ("4.9E-324", Decimal(0)), ("1.25E7", Decimal(12_500_000)),
     ("478.743333333333333333333333333333", Decimal("478.74333333333333333333"))],
)  # fmt: skip
def test_what_doubles_leave_of_nothing_is_rounded_off(text: str, value: Decimal) -> None:
    assert decimal_in(text, "a figure") == value


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e400", "9" * 60, "0x10", "1_0", " 1", "--1"])
def test_what_is_no_number_of_a_sensible_size(text: str) -> None:
    with pytest.raises(BadFrame):
        decimal_in(text, "a figure")


# -- prices -------------------------------------------------------------------------------------------------------------------


def ticks(*said: wire.Wire) -> market.Ticks:
    told = market.Ticks("AAPL")
    for message in said:
        told.take(message)
    return told


def tick(kind: int, price: str, size: int = 100) -> wire.TickPrice:
    return wire.TickPrice(req_id=7, tick_type=kind, price=Decimal(price), size=Decimal(size), mask=0)


def test_real_time_alone_is_called_live() -> None:
    told = ticks(wire.DataType(req_id=7, kind=1), tick(1, "199.90"), tick(2, "200.10", 300))
    quote = told.quote(NOW)
    assert (quote.bid, quote.ask, quote.ask_size, quote.source, quote.time) == (
        Decimal("199.90"), Decimal("200.10"), 300, "ibkr", NOW,
    )  # fmt: skip
    assert told.is_whole


@pytest.mark.parametrize("kind", [2, 3, 4])
def test_other_prices_are_of_another_time(kind: int) -> None:
    quote = ticks(wire.DataType(req_id=7, kind=kind), tick(66, "199.90"), tick(67, "200.10")).quote(NOW)
    assert quote.source.startswith("ibkr ")
    assert quote.time <= NOW - timedelta(minutes=15)


def test_a_delayed_tick_says_so_whatever_was_announced() -> None:
    assert ticks(wire.DataType(req_id=7, kind=1), tick(66, "199.90")).quote(NOW).source == "ibkr delayed"


def test_minus_one_is_an_empty_side() -> None:
    quote = ticks(tick(1, "-1", 0), tick(2, "200.10")).quote(NOW)
    assert (quote.bid, quote.bid_size, quote.ask) == (None, 0, Decimal("200.10"))


def candle(date: str, volume: int = 5) -> wire.Candle:
    one = Decimal("1.5")
    return wire.Candle(date=date, open=one, high=one, low=one, close=one, volume=Decimal(volume), wap=None, count=None)


def test_bars_inside_the_asked_time_in_order_and_without_a_volume_where_there_is_none() -> None:
    start = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
    first = int(start.timestamp())
    rows = [candle(str(first + 60), -1), candle(str(first)), candle(str(first - 60)), candle(str(first + 120))]
    told = market.series_from("AAPL", rows, span_s=60, start=start, end=start + timedelta(minutes=2), limit=10)
    assert [(bar.start, bar.volume) for bar in told] == [(start, 5), (start + timedelta(minutes=1), 0)]
    assert market.start_of("20260302") == datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
    for wrong in ("", "today", "2026", "9" * 20):
        with pytest.raises(ApiError):
            market.start_of(wrong) if wrong != "2026" else market.start_of("20261399")
    with pytest.raises(NotSupported):
        market.bar_word(61)
