"""Many accounts as one: what is summed, what is not, and how that is said."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from floorbroker.domain.records import Account, Balance, Position
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.consolidated import (
    Consolidated,
    Held,
    Lacking,
    Rate,
    Unconverted,
    common_currency,
    consolidate,
    currencies_of,
    left_out,
    money_of,
    quoted_in,
)
from floorbroker.gateway.desk import ProfilePosition
from tests.support.house import NOON

A, B = ProfileName("a"), ProfileName("b")
EUR = Rate(currency="EUR", rate=Decimal("1.10"), source="EUR/USD at b", at=NOON)


def d(text: str) -> Decimal:
    return Decimal(text)


def held(
    profile: ProfileName = A,
    *,
    currency: str = "USD",
    equity: str = "1000",
    cash: str = "600",
    balances: dict[str, str] | None = None,
    positions: tuple[Position, ...] = (),
    day_pl: str | None = None,
    stale: str = "",
    age_s: float = 0,
) -> Held:
    return Held(
        profile=profile,
        at=NOON - timedelta(seconds=age_s),
        account=Account(account="1", currency=currency, cash=d(cash), equity=d(equity), buying_power=d(cash)),
        balances=tuple(Balance(currency=c, total=d(t), available=d(t)) for c, t in (balances or {}).items()),
        positions=tuple(ProfilePosition(profile=profile, position=p) for p in positions),
        day_pl=None if day_pl is None else d(day_pl),
        stale=stale,
    )


def shares(qty: str, worth: str | None, symbol: str = "AAPL") -> Position:
    return Position(symbol=symbol, qty=d(qty), market_value=None if worth is None else d(worth))


def whole(*parts: Held, lacking: tuple[Lacking, ...] = (), rates: tuple[Rate, ...] = ()) -> Consolidated:
    return consolidate(parts, lacking, {rate.currency: rate for rate in rates}, currency="USD", at=NOON)


def test_what_is_in_one_currency_is_added_to_the_last_digit() -> None:
    found = whole(held(equity="0.1", cash="0.1"), held(B, equity="0.2", cash="0.2"))
    assert (found.equity, found.cash, found.buying_power) == (d("0.3"), d("0.3"), d("0.3"))
    assert found.complete


def test_positions_are_netted_with_their_parts() -> None:
    found = whole(held(positions=(shares("10", "1900"),)), held(B, positions=(shares("-4", "-760"),)))
    (net,) = found.positions
    assert (net.qty, net.market_value, [row.profile for row in net.parts]) == (6, 1140, ["a", "b"])
    assert (found.gross_exposure, found.net_exposure) == (2660, 1140)


def test_other_currencies_come_in_by_a_quote_that_is_named() -> None:
    found = whole(held(), held(B, currency="EUR", equity="100", cash="50"), rates=(EUR,))
    assert (found.equity, found.cash) == (1110, 655)
    assert found.complete
    assert [(rate.currency, rate.source) for rate in found.rates] == [("EUR", "EUR/USD at b")]


def test_without_a_rate_nothing_is_invented_and_the_whole_says_so() -> None:
    found = whole(held(), held(B, currency="EUR", equity="100", cash="50"))
    assert (found.equity, found.cash, found.complete) == (1000, 600, False)
    assert Unconverted(what="equity", profile=B, currency="EUR", amount=d("100")) in found.unconverted
    assert Unconverted(what="cash", profile=B, currency="EUR", amount=d("50")) in found.unconverted
    (line,) = [line for line in found.cash_by_currency if line.currency == "EUR"]
    assert (line.total, line.value, line.rate) == (50, None, None)


def test_a_profile_that_is_missing_makes_it_partial() -> None:
    found = whole(held(), lacking=(Lacking(profile=B, reason="no answer within 5 s"),))
    assert not found.complete
    assert [(one.profile, one.reason) for one in found.missing] == [("b", "no answer within 5 s")]


def test_what_is_old_is_counted_and_carries_its_age() -> None:
    found = whole(held(), held(B, stale="the venue is down", age_s=12.5))
    assert (found.equity, found.complete) == (2000, False)
    assert [(p.profile, p.age_s, p.stale) for p in found.profiles] == [
        ("a", 0, ""),
        ("b", d("12.5"), "the venue is down"),
    ]


def test_coins_that_are_positions_are_no_cash_as_well() -> None:
    coins = held(
        equity="7000", balances={"USD": "600", "BTC": "0.1", "DOGE": "5"}, positions=(shares("0.1", "6400", "BTC/USD"),)
    )
    assert [balance.currency for balance in money_of(coins)] == ["USD", "DOGE"]
    found = whole(coins)
    assert (found.equity, found.cash, found.gross_exposure) == (7000, 600, 6400)


def test_a_currency_beside_a_currency_position_is_cash_all_the_same() -> None:
    """A margin account in EUR that is long EUR/USD holds euros and a position: two different things."""
    trader = held(balances={"EUR": "100"}, positions=(shares("1000", "1100", "EUR/USD"),))
    assert [balance.currency for balance in money_of(trader)] == ["EUR"]


def test_cash_is_the_account_s_where_no_balances_are_told() -> None:
    (line,) = whole(held(cash="-25.50")).cash_by_currency
    assert (line.total, line.available, line.by_profile) == (d("-25.50"), 0, {"a": d("-25.50")})


def test_a_position_without_a_value_is_in_no_exposure_and_is_named() -> None:
    found = whole(held(positions=(shares("10", None), shares("1", "5", "IBM"))))
    assert (found.unvalued, found.gross_exposure, found.complete) == (("AAPL",), 5, False)
    assert found.positions[0].market_value is None


def test_a_price_is_as_good_as_a_value() -> None:
    found = whole(held(positions=(Position(symbol="AAPL", qty=d("-3"), market_px=d("10.5")),)))
    assert (found.net_exposure, found.gross_exposure, found.complete) == (d("-31.5"), d("31.5"), True)


def test_one_name_in_two_currencies_is_two_positions() -> None:
    found = whole(
        held(positions=(shares("1", "10", "SAP"),)),
        held(B, currency="EUR", equity="0", cash="0", positions=(shares("2", "20", "SAP"),)),
        rates=(EUR,),
    )
    assert [(net.symbol, net.currency, net.qty) for net in found.positions] == [("SAP", "EUR", 2), ("SAP", "USD", 1)]
    assert found.net_exposure == 32


def test_the_day_is_the_sum_of_those_who_know_it() -> None:
    found = whole(held(day_pl="12.5"), held(B))
    assert (found.day_pl, found.unknown_day) == (d("12.5"), (B,))
    assert whole(held(B)).day_pl is None


@pytest.mark.parametrize(
    ("symbol", "currency"),
    [
        ("AAPL", "CHF"),
        ("BTC/USDT", "USDT"),
        ("EUR/USD", "USD"),
        ("BTC/USDT:USDT", "USDT"),
        ("BTC/USD:BTC", "BTC"),
        ("RELIANCE.NSE", "CHF"),
    ],
)
def test_what_a_position_is_told_in(symbol: str, currency: str) -> None:
    assert quoted_in(symbol, "CHF") == currency


def test_the_currency_of_most_accounts_is_that_of_the_whole() -> None:
    assert common_currency([held(), held(B, currency="EUR"), held(B, currency="EUR")]) == "EUR"
    assert common_currency([held(), held(B, currency="EUR")]) == "EUR"
    assert common_currency([]) == "USD"


def test_every_currency_that_something_is_told_in_is_asked_for() -> None:
    one = held(balances={"GBP": "1"}, positions=(shares("1", "5", "BTC/USDT"),))
    assert currencies_of([one]) == {"USD", "GBP", "USDT"}


def test_nothing_at_all_is_partial_where_profiles_are_missing() -> None:
    found = whole(lacking=(Lacking(profile=A, reason="down"),))
    assert (found.equity, found.complete, found.day_pl, found.positions) == (0, False, None, ())


def test_what_is_left_out_is_said_in_sentences_and_nothing_is_when_it_is_whole() -> None:
    assert left_out(whole(held())) == ()
    found = whole(
        held(positions=(shares("1", None),)),
        held(B, currency="EUR", stale="the venue is down", age_s=12.4),
        lacking=(Lacking(profile=ProfileName("c"), reason="no answer within 5 s"),),
    )
    assert left_out(found) == (
        "c is not counted: no answer within 5 s",
        "b is 12 s old: the venue is down",
        "EUR is not counted: no profile quotes it in USD",
        "AAPL is in no exposure: it has no market value",
    )
