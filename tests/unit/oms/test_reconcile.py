"""Reconciliation as a diff: what is looked at, and what counts as a difference (RELIABILITY 4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from floorbroker.domain import facts as f
from floorbroker.domain.fold import OrderFold
from floorbroker.domain.records import Position
from floorbroker.domain.standing import Evidence
from floorbroker.domain.values import IntentId, OrderId, Quantity
from floorbroker.oms.reconcile import is_not_understood, look_back, position_gaps

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def test_the_first_look_goes_back_a_day() -> None:
    assert look_back(watermark=None, now=NOW, down_since=None, oldest_open=None) == NOW - timedelta(days=1)


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
