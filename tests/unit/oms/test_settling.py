"""What became of options that ended: the venue's word first, then shares that moved, and silence said to be silence."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from floorbroker.domain.options import Ending, OptionEvent
from floorbroker.domain.values import ProfileName
from floorbroker.oms.reconcile import PositionGap
from floorbroker.oms.settling import Settled, adjustments_for, settled

PUT, CALL = "AAPL  260320P00150000", "AAPL  260320C00150000"
BEFORE, AFTER = datetime(2026, 3, 20, 19, 59, tzinfo=UTC), datetime(2026, 3, 20, 20, 0, tzinfo=UTC)  # of the close
STRIKE = Decimal(150)


def gap(symbol: str, *, ours: int, venue: int = 0) -> PositionGap:
    return PositionGap(symbol=symbol, venue=Decimal(venue), ours=Decimal(ours))


def event(ending: Ending, symbol: str = PUT) -> OptionEvent:
    return OptionEvent(symbol=symbol, ending=ending, qty=Decimal(2), day=date(2026, 3, 20))


def told(found: list[Settled]) -> list[tuple[str, int, str, Decimal | None]]:
    return [(one.symbol, int(one.qty), one.cause, one.price) for one in found]


def test_what_the_venue_calls_worthless_closes_at_nothing() -> None:
    assert told(settled([gap(PUT, ours=2)], [event(Ending.EXPIRED)], AFTER)) == [
        (PUT, -2, "expired worthless", Decimal(0))
    ]


def test_of_an_option_that_is_gone_and_of_which_nothing_is_told_there_is_no_price() -> None:
    assert told(settled([gap(PUT, ours=2)], [], AFTER)) == [(PUT, -2, "expired, and nobody tells how", None)]
    assert told(settled([gap(PUT, ours=2)], [event(Ending.UNTOLD)], AFTER)) == [
        (PUT, -2, "expired, and nobody tells how", None)
    ]


@pytest.mark.parametrize(
    ("symbol", "ours", "shares", "word"),
    [
        (PUT, 2, -200, "exercised"),
        (CALL, 2, 200, "exercised"),
        (PUT, -2, 200, "assigned"),
        (CALL, -2, -200, "assigned"),
    ],
)
def test_shares_that_moved_by_what_the_contracts_deliver_show_it(
    symbol: str, ours: int, shares: int, word: str
) -> None:
    gaps = [gap("AAPL", ours=50, venue=50 + shares), gap(symbol, ours=ours)]
    assert told(settled(gaps, [], AFTER)) == [
        (symbol, -ours, word, Decimal(0)),
        ("AAPL", shares, f"delivered: {symbol.replace(' ', '')} {word}", STRIKE),
    ]


def test_an_exercise_without_its_shares_has_no_price_for_it_may_be_paid_in_cash() -> None:
    assert told(settled([gap(PUT, ours=2)], [event(Ending.EXERCISED)], AFTER)) == [(PUT, -2, "exercised", None)]


def test_before_its_last_close_a_silent_end_stays_unexplained_and_an_early_assignment_does_not() -> None:
    assert settled([gap(PUT, ours=2)], [], BEFORE) == []
    early = settled([gap(PUT, ours=-1), gap("AAPL", ours=0, venue=100)], [event(Ending.ASSIGNED)], BEFORE)
    assert [one.cause for one in early] == ["assigned", "delivered: AAPL260320P00150000 assigned"]


def test_a_contract_that_the_venue_still_holds_in_part_is_no_end() -> None:
    assert settled([gap(PUT, ours=2, venue=1)], [event(Ending.EXPIRED)], AFTER) == []


def test_what_shares_moved_beyond_the_delivery_is_an_adjustment_of_its_own() -> None:
    gaps = [gap("AAPL", ours=0, venue=-193), gap(PUT, ours=2), gap("MSFT", ours=1, venue=4)]
    known = settled(gaps, [event(Ending.EXERCISED)], AFTER)
    assert told(known) == [(PUT, -2, "exercised", None)]  # 193 are fewer than two contracts deliver
    gaps[0] = gap("AAPL", ours=0, venue=-207)
    made = adjustments_for(
        gaps, settled(gaps, [event(Ending.EXERCISED)], AFTER), profile=ProfileName("p"), cause=lambda _: "unexplained"
    )
    assert [(one.symbol, one.qty, one.venue, one.cause, one.price) for one in made] == [
        ("AAPL", -200, -200, "delivered: AAPL260320P00150000 exercised", STRIKE),
        ("AAPL", -7, -207, "unexplained", None),
        (PUT, -2, 0, "exercised", 0),
        ("MSFT", 3, 4, "unexplained", None),
    ]
    assert [one.entry.data.get("price") for one in made] == ["150", None, "0", None]
