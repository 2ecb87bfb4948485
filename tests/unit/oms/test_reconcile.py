"""Reconciliation as a diff: what is looked at, and what counts as a difference (RELIABILITY 4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain import facts as f
from floorbroker.domain.fold import OrderFold
from floorbroker.domain.records import Position
from floorbroker.domain.standing import Evidence
from floorbroker.domain.values import IntentId, OrderId, Quantity
from floorbroker.oms.reconcile import PositionGap, apart, is_not_understood, look_back, position_gaps, thing_of

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def test_the_first_look_goes_back_a_day() -> None:
    assert look_back(watermark=None, now=NOW, down_since=None, oldest_open=None) == NOW - timedelta(days=1)


def test_a_desk_without_a_past_lists_none_of_its_account() -> None:
    """What was done there before is in the opening position; a round by a clock that was ahead is a past."""
    new = look_back(watermark=None, now=NOW, down_since=None, oldest_open=None, is_new=True)
    ahead = look_back(watermark=NOW + timedelta(hours=1), now=NOW, down_since=None, oldest_open=None, is_new=True)
    assert (new, ahead) == (NOW - timedelta(minutes=5), NOW - timedelta(days=1))


def test_a_short_outage_overlaps_five_minutes() -> None:
    mark = NOW - timedelta(seconds=30)
    assert look_back(watermark=mark, now=NOW, down_since=NOW, oldest_open=None) == mark - timedelta(minutes=5)


def test_a_long_outage_overlaps_twice_its_length() -> None:
    mark, down = NOW - timedelta(hours=2), NOW - timedelta(hours=1)
    assert look_back(watermark=mark, now=NOW, down_since=down, oldest_open=None) == mark - timedelta(hours=2)


def test_an_old_open_order_stretches_the_first_look_alone() -> None:
    opened = NOW - timedelta(days=30)
    first = look_back(watermark=None, now=NOW, down_since=None, oldest_open=opened)
    later = look_back(watermark=NOW, now=NOW, down_since=None, oldest_open=opened)
    assert (first, later) == (opened - timedelta(minutes=5), NOW - timedelta(minutes=5))


def test_a_round_in_the_future_says_nothing_of_when_it_was() -> None:
    mark = NOW + timedelta(hours=2)
    assert look_back(watermark=mark, now=NOW, down_since=NOW, oldest_open=None) == NOW - timedelta(days=1)


def test_equal_positions_have_no_gap_and_zero_is_no_position() -> None:
    venue = [Position(symbol="AAPL", qty=Decimal(5)), Position(symbol="MSFT", qty=Decimal(0))]
    assert position_gaps(venue, {"AAPL": Decimal("5.0")}) == ()


def test_gaps_name_both_sides_and_what_is_missing() -> None:
    gaps = position_gaps([Position(symbol="AAPL", qty=Decimal(5))], {"AAPL": Decimal(3), "SPY": Decimal(-1)})
    assert [(gap.symbol, gap.missing) for gap in gaps] == [("AAPL", Decimal(2)), ("SPY", Decimal(1))]
    assert str(gaps[0]) == "AAPL: the venue holds 5, our fills say 3"


@pytest.mark.parametrize(
    ("venue", "ours", "gaps"),
    [
        ({"BTC/USDT": "3"}, {"BTC/USDT": "3"}, {}),
        ({"BTC/USDT": "3"}, {"BTC/USDT": "2", "BTC/EUR": "1"}, {}),
        ({"BTC/EUR": "3"}, {"BTC/USDT": "2", "BTC/EUR": "1"}, {}),
        ({"BTC/USD": "3"}, {"BTC/USDT": "2", "BTC/EUR": "1"}, {}),
        ({"BTC/USDT": "0.9990"}, {"BTC/USDT": "2", "BTC/EUR": "-1.001"}, {}),
        ({"BTC/USDT": "4"}, {"BTC/USDT": "2", "BTC/EUR": "1"}, {"BTC/USDT": "1"}),
        ({"BTC/EUR": "1"}, {"BTC/USDT": "2", "BTC/EUR": "1"}, {"BTC/EUR": "-2"}),
        ({"BTC/USDT": "5"}, {}, {"BTC/USDT": "5"}),
        ({}, {"BTC/USDT": "1", "BTC/EUR": "-1"}, {}),
        ({}, {"BTC/USDT": "2", "BTC/EUR": "-1"}, {"BTC/USDT": "-1"}),
        ({}, {"BTC/USDT": "1", "BTC/EUR": "-3"}, {"BTC/EUR": "2"}),
        ({"BTC/USDT": "1"}, {"ETH/USDT": "1"}, {"BTC/USDT": "1", "ETH/USDT": "-1"}),
        ({"BTC/USDT": "1", "BTC/USDT:USDT": "-2"}, {"BTC/USDT": "1"}, {"BTC/USDT:USDT": "-2"}),
        ({"BTC/USDT": "-1"}, {"BTC/USDT:USDT": "-1"}, {"BTC/USDT": "-1", "BTC/USDT:USDT": "1"}),
        ({"EUR/USD": "1"}, {"EUR/GBP": "1"}, {"EUR/GBP": "-1", "EUR/USD": "1"}),
        ({"BTC": "1"}, {"BTC/USDT": "1"}, {"BTC": "1", "BTC/USDT": "-1"}),
        (
            {"BTC/USDT": f"{10**30}.000000000000000001"},
            {"BTC/EUR": f"{10**30}", "BTC/USDT": "0.000000000000000001"},
            {},
        ),
    ],
)
def test_a_coin_told_whole_is_compared_over_all_its_pairs(
    venue: dict[str, str], ours: dict[str, str], gaps: dict[str, str]
) -> None:
    told = [Position(symbol=symbol, qty=Decimal(qty)) for symbol, qty in venue.items()]
    held = {symbol: Decimal(qty) for symbol, qty in ours.items()}
    found = position_gaps(told, held, whole_coins=True)
    assert {gap.symbol: gap.missing for gap in found} == {symbol: Decimal(qty) for symbol, qty in gaps.items()}


amounts = st.integers(-5, 5).map(Decimal)
holdings = st.dictionaries(st.sampled_from(["BTC/USDT", "BTC/EUR", "BTC/USD", "AAPL", "BTC/USDT:USDT"]), amounts)


@given(venue=holdings, ours=holdings)
def test_what_is_missing_makes_each_coins_sum_the_venues(venue: dict[str, Decimal], ours: dict[str, Decimal]) -> None:
    """One adjustment at most of each coin; whoever makes it finds nothing to make at the next look."""
    told = [Position(symbol=symbol, qty=qty) for symbol, qty in venue.items()]
    gaps = position_gaps(told, ours, whole_coins=True)
    after = dict(ours)
    for gap in gaps:
        after[gap.symbol] = after.get(gap.symbol, Decimal(0)) + gap.missing
    assert position_gaps(told, after, whole_coins=True) == ()
    assert len({thing_of(gap.symbol) for gap in gaps}) == len(gaps)
    for thing in {thing_of(symbol) for symbol in (*venue, *after)}:
        sums = [sum(qty for symbol, qty in side.items() if thing_of(symbol) == thing) for side in (venue, after)]
        assert sums[0] == sums[1]


def test_where_each_pair_is_told_apart_each_is_compared_alone() -> None:
    gaps = position_gaps([Position(symbol="BTC/USDT", qty=Decimal(3))], {"BTC/USDT": Decimal(2), "BTC/EUR": Decimal(1)})
    assert {gap.symbol: gap.missing for gap in gaps} == {"BTC/USDT": 1, "BTC/EUR": -1}


@pytest.mark.parametrize(
    ("waiting", "whole_coins", "still"),
    [
        ([], True, ["BTC/USDT", "ETH/USDT", "AAPL"]),
        (["BTC/EUR"], True, ["ETH/USDT", "AAPL"]),
        (["BTC/EUR"], False, ["BTC/USDT", "ETH/USDT", "AAPL"]),
        (["BTC/USDT", "AAPL"], False, ["ETH/USDT"]),
        (["BTC/USDT:USDT", "BTC"], True, ["BTC/USDT", "ETH/USDT", "AAPL"]),
    ],
)
def test_all_pairs_of_a_coin_told_whole_wait_together(waiting: list[str], whole_coins: bool, still: list[str]) -> None:
    gaps = [PositionGap(symbol=s, venue=Decimal(1), ours=Decimal(0)) for s in ("BTC/USDT", "ETH/USDT", "AAPL")]
    stand, wait = apart(gaps, waiting, whole_coins=whole_coins)
    assert [gap.symbol for gap in stand] == still
    assert {*stand, *wait} == set(gaps)
    assert len(stand) + len(wait) == len(gaps)


def _told(*facts: f.Fact) -> Evidence:
    order = OrderFold(IntentId("i"))
    for fact in facts:
        order.add(fact)
    return order.evidence


def test_an_order_is_not_understood_while_its_newest_word_stands_in_no_table() -> None:
    v1, later = OrderId("v1"), NOW + timedelta(seconds=1)
    odd = f.Unrecognised(source=f.Source.SNAPSHOT, at=NOW, text="status quantum", order_id=v1)
    assert is_not_understood(_told(f.Working(source=f.Source.REPLY, at=NOW - timedelta(seconds=1), order_id=v1), odd))
    assert not is_not_understood(_told(odd, f.Working(source=f.Source.SNAPSHOT, at=later, order_id=v1)))
    assert not is_not_understood(
        _told(odd, f.Cum(source=f.Source.SNAPSHOT, at=later, order_id=v1, cum_qty=Quantity(Decimal(3))))
    )
    assert not is_not_understood(_told(f.Working(source=f.Source.REPLY, at=NOW, order_id=v1)))
