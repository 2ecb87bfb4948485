"""Each rule of the engine by example."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.domain.orders import NewOrder, OrderChanges, OrderLeg, StopLoss
from floorbroker.domain.records import BookDelta, BookLevel
from floorbroker.domain.values import ExecId, OrderClass, OrderId, OrderType, Side, TimeInForce
from floorbroker.matching import (
    XNYS,
    BadOrder,
    Busted,
    Canceled,
    Corrected,
    Engine,
    Fill,
    Liquidity,
    NotOpen,
    Restated,
    Ticks,
)
from tests.unit.matching.venue import START, Venue, buy, fills, px, sell, units, words

SHOWN = Liquidity.DISPLAYED


@pytest.fixture
def venue() -> Venue:
    return Venue()


def test_a_market_buy_pays_the_ask_and_a_sell_gets_the_bid(venue: Venue) -> None:
    venue.quote(99, 101)
    assert fills(venue.submit("a", buy(10))) == [("a", "10", "101")]
    assert fills(venue.submit("b", sell(10))) == [("b", "10", "99")]


def test_a_market_order_waits_for_the_first_quote(venue: Venue) -> None:
    assert words(venue.submit("a", buy(10))) == ["Working a"]
    assert fills(venue.quote(99, 101)) == [("a", "10", "101")]


def test_a_limit_that_comes_in_through_the_market_gets_the_better_price(venue: Venue) -> None:
    venue.quote(99, 101)
    events = venue.submit("a", buy(10, price=105))
    assert fills(events) == [("a", "10", "101")]
    assert not next(e for e in events if isinstance(e, Fill)).maker


def test_a_resting_limit_trades_at_its_own_price(venue: Venue) -> None:
    venue.quote(99, 101)
    venue.submit("a", buy(10, price=100))
    events = venue.quote(97, 98)
    assert fills(events) == [("a", "10", "100")]
    assert next(e for e in events if isinstance(e, Fill)).maker


def test_immediate_or_cancel_takes_what_is_shown_and_cancels_the_rest() -> None:
    venue = Venue(liquidity=SHOWN)
    venue.quote(99, 101, size=4)
    events = venue.submit("a", buy(10, price=101, tif=TimeInForce.IOC))
    assert words(events) == ["Working a", "Fill a", "Canceled a"]
    assert venue.engine.order(OrderId("a")).cum_qty == 4


def test_fill_or_kill_needs_all_of_it() -> None:
    venue = Venue(liquidity=SHOWN)
    venue.quote(99, 101, size=4)
    assert words(venue.submit("a", buy(10, tif=TimeInForce.FOK))) == ["Working a", "Canceled a"]
    assert fills(venue.submit("b", buy(4, tif=TimeInForce.FOK))) == [("b", "4", "101")]


def test_immediate_orders_without_any_market_are_canceled_at_once(venue: Venue) -> None:
    assert words(venue.submit("a", buy(1, tif=TimeInForce.IOC))) == ["Working a", "Canceled a"]


def test_displayed_liquidity_is_used_up_until_the_next_quote() -> None:
    venue = Venue(liquidity=SHOWN)
    venue.quote(99, 101, size=6)
    assert fills(venue.submit("a", buy(10))) == [("a", "6", "101")]
    assert fills(venue.submit("b", buy(1))) == []
    assert fills(venue.quote(99, 102, size=5)) == [("a", "4", "102"), ("b", "1", "102")]


def test_a_book_is_walked_level_by_level() -> None:
    venue = Venue(liquidity=SHOWN)
    asks = tuple(BookLevel(price=px(p), size=units(5)) for p in (101, 102, 103))
    venue.engine.on_book(BookDelta(symbol="AAPL", bids=(), asks=asks, time=venue.tick(), reset=True))
    assert fills(venue.submit("a", buy(12, price=102))) == [("a", "5", "101"), ("a", "5", "102")]
    gone = BookDelta(symbol="AAPL", bids=(), asks=(BookLevel(price=px(101), size=units(0)),), time=venue.tick())
    assert fills(venue.engine.on_book(gone)) == []
    quote = venue.engine.quote("AAPL")
    assert quote is not None
    assert (quote.ask, quote.bid) == (px(102), None)


def test_stops_follow_the_last_trade_once_there_was_one(venue: Venue) -> None:
    venue.quote(99, 101)
    venue.trade(100)
    venue.submit("a", sell(5, order_type=OrderType.STOP, stop_px=95))
    assert words(venue.quote(94, 96)) == []
    assert words(venue.trade(95)) == ["Triggered a", "Fill a"]


def test_stops_follow_quotes_while_no_trade_was_seen(venue: Venue) -> None:
    venue.quote(99, 101)
    venue.submit("a", buy(5, order_type=OrderType.STOP, stop_px=103))
    assert fills(venue.quote(102, 104)) == [("a", "5", "104")]


def test_a_stop_limit_rests_when_the_market_ran_away(venue: Venue) -> None:
    venue.quote(99, 101)
    venue.submit("a", sell(5, order_type=OrderType.STOP_LIMIT, stop_px=95, price=94))
    assert words(venue.quote(92, 93)) == ["Triggered a"]
    assert fills(venue.quote(96, 97)) == [("a", "5", "94")]


def test_a_trailing_stop_keeps_its_high_water_mark(venue: Venue) -> None:
    venue.quote(100, 101)
    venue.submit("a", sell(5, order_type=OrderType.TRAILING_STOP, trail_percent=Decimal(10)))
    order = venue.engine.order(OrderId("a"))
    assert (order.hwm, order.stop_px) == (px(100), px(90))
    moved = venue.quote(120, 121)
    assert [(e.hwm, e.stop_px) for e in moved if isinstance(e, Restated)] == [(px(120), px(108))]
    venue.quote(110, 111)
    assert (order.hwm, order.stop_px) == (px(120), px(108))
    assert fills(venue.quote(107, 108)) == [("a", "5", "107")]


def test_a_notional_order_is_turned_into_units_at_the_price_it_gets(venue: Venue) -> None:
    venue.quote(29_999, 30_000, "BTC/USD")
    events = venue.submit("a", buy(None, "BTC/USD", notional=Decimal(1000)))
    assert fills(events) == [("a", "0.033333", "30000")]
    assert venue.status("a") == "filled"


def test_a_notional_too_small_for_one_unit_stays_unfilled(venue: Venue) -> None:
    venue.quote(99, 101)
    assert fills(venue.submit("a", buy(None, notional=Decimal(50), tif=TimeInForce.IOC))) == []
    assert venue.status("a") == "canceled"


def test_a_notional_order_ends_when_the_rest_buys_nothing() -> None:
    venue = Venue(liquidity=SHOWN)
    venue.quote(99, 100, size=3)
    venue.submit("a", buy(None, notional=Decimal(1000)))
    assert fills(venue.quote(99, 101, size=50)) == [("a", "6", "101")]
    assert venue.status("a") == "filled"


def test_slippage_never_passes_the_limit() -> None:
    venue = Venue(slippage=Ticks(5))
    venue.quote(99, 101)
    assert fills(venue.submit("a", buy(1))) == [("a", "1", "101.05")]
    assert fills(venue.submit("b", buy(1, price="101.02"))) == [("b", "1", "101.02")]


# -- groups


def bracket(**more: Any) -> NewOrder:
    return buy(
        10, price=100, order_class=OrderClass.BRACKET, take_profit=110, stop_loss=StopLoss(stop_px=px(95)), **more
    )


def test_the_exits_of_a_bracket_wait_for_the_whole_entry() -> None:
    venue = Venue(liquidity=SHOWN)
    venue.quote(99, 100, size=6)
    assert words(venue.submit("a", bracket())) == ["Working a", "Held c1", "Held c2", "Fill a"]
    assert words(venue.quote(99, 100, size=6)) == ["Fill a", "Working c1", "Working c2"]
    assert [(e.side, e.order.order_qty) for e in venue.engine.open_orders()] == [(Side.SELL, 10), (Side.SELL, 10)]


def test_a_partial_exit_shrinks_the_other_and_a_full_one_cancels_it() -> None:
    venue = Venue(liquidity=SHOWN)
    venue.quote(99, 100, size=10)
    venue.submit("a", bracket())
    assert words(venue.quote(110, 111, size=4)) == ["Fill c1", "Restated c2"]
    assert venue.engine.order(OrderId("c2")).leaves_qty == 6
    assert words(venue.quote(110, 111, size=6)) == ["Fill c1", "Canceled c2"]


def test_cancel_of_one_member_cancels_the_rest(venue: Venue) -> None:
    venue.quote(105, 106)
    venue.submit("a", bracket())
    assert words(venue.cancel("c2")) == ["Canceled c2", "Canceled a", "Canceled c1"]
    assert not venue.engine.has_orders


def test_an_oco_pair_works_from_the_start(venue: Venue) -> None:
    venue.quote(99, 101)
    terms = sell(5, price=110, order_class=OrderClass.OCO, stop_loss=StopLoss(stop_px=px(90), price=px(89)))
    assert words(venue.submit("a", terms)) == ["Working a", "Working c1"]
    assert words(venue.quote(111, 112)) == ["Fill a", "Canceled c1"]


def test_an_oto_child_waits_and_then_works(venue: Venue) -> None:
    venue.quote(99, 101)
    events = venue.submit("a", buy(5, order_class=OrderClass.OTO, stop_loss=StopLoss(stop_px=px(95))))
    assert words(events) == ["Working a", "Held c1", "Fill a", "Working c1"]
    assert fills(venue.quote(94, 95)) == [("c1", "5", "94")]


def spread(price: str, **more: Any) -> NewOrder:
    legs = (
        OrderLeg(symbol="AAPL", side=Side.BUY, ratio_qty=units(1)),
        OrderLeg(symbol="MSFT", side=Side.SELL, ratio_qty=units(2)),
    )
    return buy(3, price=price, order_class=OrderClass.MULTILEG, legs=legs, **more)


def test_all_legs_fill_together_at_the_net_price_or_not_at_all(venue: Venue) -> None:
    venue.quote(99, 100)
    assert fills(venue.submit("a", spread("10"))) == []
    assert fills(venue.quote(44, 46, "MSFT")) == []  # 100 - 2 x 44 is more than ten
    assert fills(venue.quote(45, 46, "MSFT")) == [("c1", "3", "100"), ("c2", "6", "45"), ("a", "3", "10")]
    assert [order.status.value for order in venue.engine.orders()] == ["filled"] * 3


def test_a_leg_stands_for_its_head_when_it_is_canceled(venue: Venue) -> None:
    venue.submit("a", spread("10"))
    assert words(venue.cancel("c2")) == ["Canceled a", "Canceled c1", "Canceled c2"]


# -- touched orders, post-only, icebergs


@pytest.mark.parametrize(
    ("order", "before", "after", "px_filled"),
    [
        (buy(5, order_type=OrderType.MARKET_IF_TOUCHED, stop_px=95), (96, 97), (93, 94), "94"),
        (sell(5, order_type=OrderType.MARKET_IF_TOUCHED, stop_px=105), (103, 104), (106, 107), "106"),
        (buy(5, order_type=OrderType.LIMIT_IF_TOUCHED, stop_px=95, price=96), (96, 97), (94, 95), "95"),
        (sell(5, order_type=OrderType.LIMIT_IF_TOUCHED, stop_px=105, price=104), (103, 104), (105, 106), "105"),
    ],
)
def test_a_touched_order_waits_on_the_other_side_of_the_market(
    venue: Venue, order: NewOrder, before: tuple[int, int], after: tuple[int, int], px_filled: str
) -> None:
    venue.quote(99, 101)
    assert words(venue.submit("a", order)) == ["Working a"]
    assert words(venue.quote(*before)) == []
    assert fills(venue.quote(*after)) == [("a", "5", px_filled)]


def test_a_touched_order_follows_the_last_trade_and_trades_on_a_bar_at_its_own_price(venue: Venue) -> None:
    venue.bar(100, 100, 100, 100)
    venue.submit("a", buy(5, order_type=OrderType.MARKET_IF_TOUCHED, stop_px=95))
    assert fills(venue.bar(100, 102, 90, 101)) == [("a", "5", "95")]


def test_the_trigger_of_a_touched_order_can_be_changed_until_it_is_touched(venue: Venue) -> None:
    venue.quote(99, 101)
    venue.submit("a", buy(5, order_type=OrderType.MARKET_IF_TOUCHED, stop_px=95))
    venue.engine.replace(OrderId("a"), OrderChanges(stop_px=px(98)), at=venue.tick())
    assert fills(venue.quote(97, 98)) == [("a", "5", "98")]


def test_a_post_only_order_that_would_take_is_not_worked(venue: Venue) -> None:
    venue.quote(99, 101)
    assert venue.engine.would_take("AAPL", Side.BUY, px(101))
    assert not venue.engine.would_take("AAPL", Side.BUY, px(100))
    assert not venue.engine.would_take("MSFT", Side.BUY, px(100))
    (_, ended) = venue.submit("a", buy(5, price=101, post_only=True))
    assert isinstance(ended, Canceled)
    assert ended.reason == "post_only"
    assert words(venue.submit("b", sell(5, price=100, post_only=True))) == ["Working b"]
    events = venue.quote(101, 102)
    assert fills(events) == [("b", "5", "100")]
    assert all(event.maker for event in events if isinstance(event, Fill))


def test_a_post_only_order_without_a_market_is_the_first_in_the_book(venue: Venue) -> None:
    venue.submit("a", buy(5, price=101, post_only=True))
    events = venue.quote(99, 100)
    assert [event.maker for event in events if isinstance(event, Fill)] == [True]


def test_a_touched_order_is_post_only_when_it_is_touched(venue: Venue) -> None:
    venue.quote(99, 101)
    venue.submit("a", buy(5, order_type=OrderType.LIMIT_IF_TOUCHED, stop_px=95, price=96, post_only=True))
    assert words(venue.quote(94, 95)) == ["Triggered a", "Canceled a"]


def test_an_iceberg_trades_what_it_shows_and_queues_anew() -> None:
    venue = Venue(liquidity=SHOWN)
    venue.quote(99, 101)
    venue.submit("a", buy(10, price=100, display_qty=units(3)))
    venue.submit("b", buy(4, price=100))
    assert fills(venue.quote(98, 100, size=9)) == [("a", "3", "100"), ("b", "4", "100"), ("a", "2", "100")]
    order = venue.engine.order(OrderId("a"))
    assert (order.shown, order.leaves_qty) == (1, 5)
    assert fills(venue.quote(98, 100, size=9)) == [("a", "1", "100"), ("a", "3", "100"), ("a", "1", "100")]


def test_an_iceberg_takes_with_all_of_it() -> None:
    venue = Venue(liquidity=SHOWN)
    venue.quote(99, 101, size=8)
    assert fills(venue.submit("a", buy(10, price=101, display_qty=units(3)))) == [("a", "8", "101")]


def test_an_iceberg_that_queued_anew_still_ends_with_its_day() -> None:
    venue = Venue(liquidity=SHOWN, calendar=XNYS)
    venue.quote(99, 101)
    venue.submit("a", buy(10, price=100, display_qty=units(3)))
    assert fills(venue.quote(98, 100, size=3)) == [("a", "3", "100")]
    assert words(venue.engine.advance(START + timedelta(hours=12))) == ["Expired a"]


@pytest.mark.parametrize(
    "terms",
    [
        buy(5, post_only=True),
        buy(5, price=100, post_only=True, tif=TimeInForce.IOC),
        buy(5, price=100, display_qty=units(5)),
        buy(1000, price=100, display_qty=units(9)),
        buy(None, price=100, notional=Decimal(50), display_qty=units(1)),
    ],
)
def test_what_cannot_rest_is_not_post_only_and_shows_no_part(venue: Venue, terms: NewOrder) -> None:
    with pytest.raises(BadOrder):
        venue.submit("a", terms)


# -- replace, force, bust


def test_a_smaller_quantity_keeps_its_place_and_a_new_price_loses_it() -> None:
    venue = Venue(liquidity=SHOWN)
    venue.quote(99, 101)
    venue.submit("a", buy(5, price=100))
    venue.submit("b", buy(5, price=100))
    venue.engine.replace(OrderId("a"), OrderChanges(order_qty=units(4)), at=venue.tick())
    assert fills(venue.quote(99, 100, size=4)) == [("a", "4", "100")]
    venue.submit("c", buy(5, price=99))
    venue.engine.replace(OrderId("b"), OrderChanges(price=px(99)), at=venue.tick())
    assert fills(venue.quote(98, 99, size=6)) == [("c", "5", "99"), ("b", "1", "99")]


def test_a_new_id_asks_for_what_is_left_of_the_total() -> None:
    venue = Venue(liquidity=SHOWN)
    venue.quote(99, 101, size=4)
    venue.submit("a", buy(10, price=101))
    events = venue.engine.replace(
        OrderId("a"), OrderChanges(order_qty=units(12)), new_order_id=OrderId("b"), at=venue.tick()
    )
    assert words(events) == ["Replaced a", "Working b"]
    old, new = venue.engine.order(OrderId("a")), venue.engine.order(OrderId("b"))
    assert (old.status.value, old.replaced_by, new.replaces) == ("replaced", "b", "a")
    assert (new.order.order_qty, new.leaves_qty) == (8, 8)
    with pytest.raises(NotOpen):
        venue.cancel("a")


def test_a_replaced_entry_keeps_its_exits(venue: Venue) -> None:
    venue.quote(105, 106)
    venue.submit("a", bracket())
    venue.engine.replace(OrderId("a"), OrderChanges(price=px(107)), new_order_id=OrderId("b"), at=venue.tick())
    assert venue.engine.order(OrderId("b")).children == ("c1", "c2")
    assert venue.status("c1") == "working"
    venue.engine.replace(OrderId("c1"), OrderChanges(price=px(120)), new_order_id=OrderId("d"), at=venue.tick())
    assert venue.engine.order(OrderId("b")).children == ("d", "c2")
    assert words(venue.quote(120, 121)) == ["Fill d", "Canceled c2"]


def test_quantity_may_not_fall_to_what_is_filled() -> None:
    venue = Venue(liquidity=SHOWN)
    venue.quote(99, 101, size=4)
    venue.submit("a", buy(10, price=101))
    with pytest.raises(BadOrder):
        venue.engine.replace(OrderId("a"), OrderChanges(order_qty=units(4)), at=venue.tick())


def test_a_forced_fill_ignores_the_market(venue: Venue) -> None:
    venue.quote(99, 101)
    venue.submit("a", buy(10, price=90))
    events = venue.engine.force_fill(OrderId("a"), qty=units(4), price=px(85), at=venue.tick())
    assert fills(events) == [("a", "4", "85")]
    with pytest.raises(BadOrder):
        venue.engine.force_fill(OrderId("a"), qty=units(7), price=px(85), at=venue.tick())


def test_a_bust_leaves_a_filled_order_closed_with_open_quantity(venue: Venue) -> None:
    venue.quote(99, 101)
    venue.submit("a", buy(10))
    events = venue.engine.bust(ExecId("x1"), at=venue.tick())
    assert isinstance(events[0], Busted)
    order = venue.engine.order(OrderId("a"))
    assert (order.status.value, order.cum_qty, order.fills) == ("canceled", 0, ())
    with pytest.raises(KeyError):
        venue.engine.bust(ExecId("x1"), at=venue.tick())


def test_a_correction_changes_one_execution_and_leaves_a_filled_order_closed(venue: Venue) -> None:
    venue.quote(99, 101)
    venue.submit("a", buy(10))
    (corrected,) = venue.engine.correct(ExecId("x1"), qty=units(10), price=px(100), at=venue.tick())
    assert isinstance(corrected, Corrected)
    assert (venue.engine.order(OrderId("a")).status.value, corrected.before.price, corrected.fill.price) == (
        "filled",
        101,
        100,
    )
    venue.engine.correct(ExecId("x1"), qty=units(6), price=px(100), at=venue.tick())
    order = venue.engine.order(OrderId("a"))
    assert (order.status.value, order.cum_qty, order.avg_px) == ("canceled", 6, 100)
    with pytest.raises(BadOrder):
        venue.engine.correct(ExecId("x1"), qty=units(7), price=px(100), at=venue.tick())
    with pytest.raises(KeyError):
        venue.engine.correct(ExecId("x2"), qty=units(1), price=px(100), at=venue.tick())


# -- bars and trades


def test_trades_without_quotes_are_both_sides_of_the_market(venue: Venue) -> None:
    venue.submit("a", buy(5, price=100))
    assert fills(venue.trade(101)) == []
    assert fills(venue.trade(99)) == [("a", "5", "100")]


def test_a_bar_fills_a_market_order_at_its_open(venue: Venue) -> None:
    venue.submit("a", buy(5))
    assert fills(venue.bar(100, 105, 95, 101)) == [("a", "5", "100")]


def test_a_stop_inside_a_bar_is_elected_at_its_own_price(venue: Venue) -> None:
    venue.bar(100, 101, 99, 100)
    venue.submit("a", sell(5, order_type=OrderType.STOP, stop_px=95))
    assert fills(venue.bar(100, 102, 90, 91)) == [("a", "5", "95")]


def test_a_stop_that_the_open_jumps_over_gets_the_open(venue: Venue) -> None:
    venue.bar(100, 101, 99, 100)
    venue.submit("a", sell(5, order_type=OrderType.STOP, stop_px=95))
    assert fills(venue.bar(92, 102, 90, 91)) == [("a", "5", "92")]


def test_a_limit_inside_a_bar_gets_its_price_and_at_a_better_open_the_open(venue: Venue) -> None:
    venue.bar(100, 101, 99, 100)
    venue.submit("a", buy(5, price=98))
    assert fills(venue.bar(100, 101, 95, 99)) == [("a", "5", "98")]
    venue.submit("b", buy(5, price=98))
    assert fills(venue.bar(97, 101, 95, 99)) == [("b", "5", "97")]


def test_the_nearer_extreme_of_a_bar_comes_first(venue: Venue) -> None:
    venue.bar(100, 101, 99, 100)
    venue.submit("a", sell(5, price=103, order_class=OrderClass.OCO, stop_loss=StopLoss(stop_px=px(95))))
    assert fills(venue.bar(100, 104, 90, 92)) == [("a", "5", "103")]
    venue.bar(100, 100, 100, 100)
    venue.submit("b", sell(5, price=109, order_class=OrderClass.OCO, stop_loss=StopLoss(stop_px=px(95))))
    assert fills(venue.bar(100, 110, 94, 92)) == [("c2", "5", "95")]


def test_the_volume_of_a_bar_bounds_what_it_fills() -> None:
    venue = Venue(liquidity=SHOWN)
    venue.submit("a", buy(50))
    assert fills(venue.bar(100, 105, 95, 101, volume=30)) == [("a", "30", "100")]


# -- the rest


def test_malformed_terms_are_refused(venue: Venue) -> None:
    bad = [
        buy(None),
        buy(0),
        buy(1, order_type=OrderType.LIMIT),
        buy(1, order_type=OrderType.STOP),
        buy(1, order_type=OrderType.TRAILING_STOP),
        buy(1, tif=TimeInForce.GTD),
        buy(1, order_class=OrderClass.BRACKET, take_profit=5),
        buy(1, order_class=OrderClass.OTO),
        buy(1, order_class=OrderClass.MULTILEG),
    ]
    for terms in bad:
        with pytest.raises(BadOrder):
            venue.submit("x", terms)
    assert venue.engine.orders() == []


def test_an_order_id_is_taken_once(venue: Venue) -> None:
    venue.submit("a", buy(1, price=1))
    with pytest.raises(ValueError, match="is taken"):
        venue.submit("a", buy(1, price=1))


def test_unknown_and_closed_orders_are_told_apart(venue: Venue) -> None:
    with pytest.raises(KeyError):
        venue.cancel("nobody")
    venue.submit("a", buy(1, price=1))
    venue.cancel("a")
    with pytest.raises(NotOpen) as caught:
        venue.cancel("a")
    assert caught.value.status == "canceled"


def test_quotes_pass_by_when_nothing_is_open(venue: Venue) -> None:
    assert not venue.engine.has_orders
    assert venue.quote(99, 101) == []
    venue.submit("a", buy(1, price=1))
    assert venue.engine.has_orders


def test_a_restored_engine_goes_on_where_the_first_one_stood() -> None:
    first = Venue(liquidity=SHOWN)
    first.quote(99, 100, size=4)
    first.submit("a", bracket())
    first.submit("b", sell(3, order_type=OrderType.TRAILING_STOP, trail_amount=5))
    second = Venue(liquidity=SHOWN, start=first.at)
    for order in first.engine.orders():
        second.engine.restore(replace(order))
    histories = [
        [v.quote(99, 100, size=20), v.quote(111, 112, size=20), v.quote(100, 101, size=20)] for v in (first, second)
    ]
    renamed = [[words(events) for events in history] for history in histories]
    assert renamed[0] == renamed[1]
    assert isinstance(first.engine, Engine)
