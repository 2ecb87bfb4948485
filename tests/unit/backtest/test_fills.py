"""When and at what price wishes fill: never at a price that was known when they were made."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.backtest import Backtest, Between, Costs, Feed, Fixed
from floorbroker.domain.errors import InvalidRequest
from floorbroker.domain.orders import NewOrder, OrderChanges, OrderLeg
from floorbroker.domain.records import Quote
from floorbroker.domain.values import OrderClass, OrderType, OrdStatus, Price, Quantity, Side, TimeInForce
from floorbroker.matching import Bps, BpsSlippage, PerShare
from floorbroker.strategy import Budget, Fired, Once
from floorbroker.tape import QuoteSeries
from tests.unit.backtest.market import MINUTE, START, Scripted, flat, play, prices, series

D = Decimal
BARS = series([(100, 110, 90, 105), (106, 120, 104, 118), (119, 121, 95, 96), (97, 99, 80, 85)])


def buy(**terms: Any) -> Any:
    return lambda strategy: strategy.buy("SPY", 10, **terms)


def test_a_market_order_fills_at_the_next_open() -> None:
    result = play(Scripted({0: buy()}), BARS)
    assert prices(result) == [D("1.06")]
    assert result.fills[0].at == START + MINUTE
    assert result.end_cash == D(100_000) - 10 * D("1.06")


def test_it_fills_at_the_close_where_that_is_asked_for() -> None:
    result = play(Scripted({0: buy(), 1: buy(), 3: buy()}), BARS, costs=Costs(at_close=True))
    assert prices(result) == [D("1.05"), D("1.18"), D("0.85")]
    assert result.fills[0].at == START + MINUTE


def test_a_close_that_the_venue_saw_is_not_met_either() -> None:
    """The first order wakes the engine, which sees the bar that the second one is decided on."""
    assert prices(play(Scripted({0: buy(), 1: buy()}), BARS)) == [D("1.06"), D("1.19")]


def test_a_limit_fills_at_its_price_or_at_a_better_open() -> None:
    assert prices(play(Scripted({0: buy(limit="1.05")}), BARS)) == [D("1.05")]
    assert prices(play(Scripted({1: buy(limit="1.30")}), BARS)) == [D("1.19")]


def test_a_stop_fills_at_its_price_on_the_way_or_at_the_open_beyond_it() -> None:
    assert prices(play(Scripted({0: buy(stop="1.15")}), BARS)) == [D("1.15")]
    assert prices(play(Scripted({0: buy(), 1: lambda s: s.sell("SPY", 10, stop="1.00")}), BARS)) == [
        D("1.06"),
        D("1.00"),
    ]


def test_an_immediate_order_meets_the_next_open() -> None:
    assert prices(play(Scripted({0: buy(tif="ioc")}), BARS)) == [D("1.06")]


@pytest.mark.parametrize(("latency_ms", "bar"), [(0, 1), (1, 2), (60_000, 2), (60_001, 3)])
def test_with_a_latency_it_meets_the_first_bar_that_begins_after_it_arrived(latency_ms: int, bar: int) -> None:
    result = play(Scripted({0: buy()}), BARS, costs=Costs(latency=Fixed(ms=latency_ms)))
    assert prices(result) == [BARS[bar].open]


def test_a_drawn_latency_repeats_by_its_seed() -> None:
    runs = [
        play(Scripted({0: buy()}), BARS, costs=Costs(latency=Between(least_ms=0, most_ms=200_000, seed=4)))
        for _ in range(2)
    ]
    assert prices(runs[0]) == prices(runs[1])


def test_fees_and_slippage_are_paid() -> None:
    costs = Costs(fees=PerShare(rate=D("0.01")), slippage=BpsSlippage(D(100)))
    result = play(Scripted({0: buy()}), BARS, costs=costs)
    assert (prices(result), result.fees) == ([D("1.08")], D("0.10"))


def test_an_order_between_bars_does_not_reach_back_into_the_bar_that_runs() -> None:
    """Asked for by a timer half a minute into a bar: that bar's open is the past."""

    class Timed(Scripted):
        def on_start(self) -> None:
            self.at(Once(at=START + MINUTE + timedelta(seconds=30)))

        def on_timer(self, timer: Fired) -> None:
            self.buy("SPY", 1)

    assert prices(play(Timed({}), BARS)) == [D("1.19")]


def test_an_order_of_another_symbol_does_not_reach_back_either() -> None:
    """B's hour runs while A's minutes pass: what A's bar causes meets B's next hour."""
    hours = series([(500, 600, 400, 550), (555, 600, 500, 560)], symbol="IBM", span_s=3_600)
    minutes = series(flat(*range(100, 190)), symbol="SPY")
    result = play(Scripted({0: lambda s: s.buy("IBM", 1)}), minutes, hours)
    assert prices(result) == [D("5.55")]


def test_cancel_and_change_reach_an_order_before_the_next_bar() -> None:
    cancelled = Scripted({0: buy(limit="0.95"), 1: lambda s: s.cancel(s.orders("SPY")[0])})
    assert not play(cancelled, BARS).fills
    assert cancelled.heard[-1].ord_status is OrdStatus.CANCELED
    changed = Scripted(
        {0: buy(limit="0.50"), 1: lambda s: s.change(s.orders("SPY")[0], OrderChanges(price=Price(D("1.00"))))}
    )
    assert prices(play(changed, BARS)) == [D("1.00")]


def test_a_strategy_hears_of_its_order_and_fill_before_its_next_bar() -> None:
    strategy = Scripted({0: buy()})
    strategy.script[1] = lambda s: s.heard.append("bar")
    play(strategy, BARS)
    assert [getattr(one, "ord_status", one) for one in strategy.heard] == [OrdStatus.NEW, OrdStatus.FILLED, "bar"]
    assert strategy.filled[0].wish == strategy.heard[0].wish


def test_the_same_bar_gives_a_wish_the_same_id_in_every_run() -> None:
    ids: list[list[str]] = []
    for _ in range(2):
        strategy = Scripted({1: lambda s: (s.buy("SPY", 1), s.buy("SPY", 2))})
        play(strategy, BARS)
        ids.append([one.wish for one in strategy.filled])
    assert ids[0] == ids[1]
    assert len({*ids[0]}) == 2


def test_what_the_account_cannot_hold_is_refused() -> None:
    strategy = Scripted({0: lambda s: s.buy("SPY", 200_000)})
    play(strategy, BARS, costs=Costs(leverage=D(1)))
    assert strategy.heard[0].ord_status is OrdStatus.REJECTED
    assert "insufficient funds" in strategy.heard[0].reason


def test_what_its_own_budget_refuses_never_leaves() -> None:
    class Careful(Scripted):
        def risk_budget(self) -> Budget:
            return Budget(position_max=D(10))

    strategy = Careful({0: lambda s: s.buy("SPY", 9), 2: lambda s: s.buy("SPY", 9)})
    result = play(strategy, BARS)
    assert len(result.fills) == 1
    assert strategy.heard[-1].ord_status is OrdStatus.NOT_SENT
    assert "position_max" in strategy.heard[-1].reason


def test_a_target_counts_what_is_open_already() -> None:
    strategy = Scripted({0: lambda s: (s.target("SPY", 10), s.target("SPY", 4)), 2: lambda s: s.close("SPY")})
    result = play(strategy, BARS)
    assert [fill.signed_qty for fill in result.fills] == [10, -6, -4]
    assert not result.positions


def test_where_quotes_are_played_an_order_meets_the_quote_that_stands() -> None:
    quotes = QuoteSeries("SPY", span_s=60, price_decimals=2, size_decimals=0)
    for place, (bid, ask) in enumerate([(100, 102), (103, 105), (107, 109)]):
        quotes.append_scaled(START + place * MINUTE, [bid, bid, bid, bid, 5, ask, ask, ask, ask, 5])

    class Quoted(Scripted):
        def on_quote(self, quote: Quote) -> None:
            if quote.bid == Price(D("1.03")):
                self.buy("SPY", 1)
                self.sell("SPY", 1)

    for latency_ms, paid in ((0, [D("1.05"), D("1.03")]), (90_000, [D("1.09"), D("1.07")])):
        feed = Feed(bars=Feed.of_bars(BARS).bars, quotes=[quotes])
        result = Backtest(Quoted({}), feed, costs=Costs(latency=Fixed(ms=latency_ms))).run()
        assert prices(result) == paid


def test_nothing_to_play_is_said() -> None:
    with pytest.raises(InvalidRequest, match="nothing to play"):
        play(Scripted({}), series([]))


def test_fees_by_value_count_the_shares_of_an_option() -> None:
    """One per cent of a contract at two dollars is one per cent of two hundred."""
    call = "SPY   240119C00470000"
    for fees in (Bps(taker=Decimal(100), maker=Decimal(100)), PerShare(rate=Decimal(5), maximum_percent=Decimal(1))):
        bought = Scripted({0: lambda s: s.buy(call, 1)})
        result = play(bought, series(flat(200, 200, 200), symbol=call), costs=Costs(fees=fees))
        assert ([fill.fee for fill in result.fills], result.fees) == ([2], 2)


def _spread(units: int, *, tif: TimeInForce = TimeInForce.DAY) -> NewOrder:
    legs = tuple(
        OrderLeg(symbol=symbol, side=side, ratio_qty=Quantity(D(1)))
        for symbol, side in (("SPY", Side.BUY), ("QQQ", Side.SELL))
    )
    return NewOrder(
        symbol="SPY", side=Side.BUY, order_type=OrderType.MARKET, order_qty=Quantity(D(units)), tif=tif,
        order_class=OrderClass.MULTILEG, legs=legs,
    )  # fmt: skip


@pytest.mark.parametrize(("units", "fills"), [(5, 2), (6, 0)])
def test_every_leg_counts_for_what_the_account_may_hold(units: int, fills: int) -> None:
    """At a hundred dollars a leg, a thousand dollars hold five units of two legs and no more."""
    quotes = [QuoteSeries(symbol, span_s=60, price_decimals=2, size_decimals=0) for symbol in ("SPY", "QQQ")]
    for series_ in quotes:
        for minute in range(3):
            series_.append_scaled(START + minute * MINUTE, [10_000] * 4 + [100] + [10_000] * 4 + [100])

    class Spreading(Scripted):
        def on_quote(self, quote: Quote) -> None:
            self.seen += 1
            if self.seen == 2:
                self.submit(_spread(units))

    strategy = Spreading({})
    result = Backtest(strategy, Feed(quotes=quotes), cash=D(1_000), costs=Costs(leverage=D(1))).run()
    assert len(result.fills) == fills
    assert fills or "insufficient funds: 1200.00 would be held, 1000.00 may" in strategy.heard[-1].reason


@pytest.mark.parametrize("tif", [TimeInForce.DAY, TimeInForce.IOC])
@pytest.mark.parametrize("first", ["SPY", "QQQ"])
def test_legs_meet_the_opens_of_bars_that_begin_at_one_moment(first: str, tif: TimeInForce) -> None:
    bars = {
        "SPY": series([(1_000, 1_000, 1_000, 1_000)] * 2 + [(1_100, 1_200, 1_100, 1_200)] * 2),
        "QQQ": series([(2_000, 2_000, 2_000, 2_000)] * 2 + [(2_100, 2_200, 2_100, 2_200)] * 2, symbol="QQQ"),
    }
    ordered = [bars[first], *(one for symbol, one in bars.items() if symbol != first)]
    result = play(Scripted({3: lambda s: s.submit(_spread(1, tif=tif))}), *ordered)
    assert {(fill.symbol, fill.signed_qty, fill.price) for fill in result.fills} == {("SPY", 1, 11), ("QQQ", -1, 21)}


def test_legs_wait_for_bars_that_begin_at_one_moment() -> None:
    spy = series([(1_000, 1_000, 1_000, 1_000)] * 5)
    qqq = series([(2_000, 2_000, 2_000, 2_000)] * 2, symbol="QQQ", start=START + 3 * MINUTE)
    result = play(Scripted({1: lambda s: s.submit(_spread(1))}), spy, qqq)
    assert {fill.at for fill in result.fills} == {START + 3 * MINUTE}
    assert len(result.fills) == 2
