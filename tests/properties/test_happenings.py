"""Names of what happens to an order, over any facts in any commits: nothing that counts is missed, or told twice over."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.facts import Fact
from floorbroker.domain.fold import fold
from floorbroker.domain.orders import Order
from floorbroker.domain.values import OrdStatus
from floorbroker.gateway import happenings as h
from tests.model.worlds import INTENT
from tests.properties.test_fold import BY_KIND, FOUNDED

ENDS = {
    OrdStatus.FILLED: h.OrderFilled,
    OrdStatus.CANCELED: h.OrderCanceled,
    OrdStatus.EXPIRED: h.OrderExpired,
    OrdStatus.REJECTED: h.OrderRejected,
    OrdStatus.NOT_SENT: h.OrderNotSent,
    OrdStatus.NOT_PLACED: h.OrderNotPlaced,
    OrdStatus.UNKNOWN: h.OrderUnknown,
}


@st.composite
def lives(draw: st.DrawFn) -> list[Order]:
    """An order after each of its commits, which hold one fact or several."""
    facts: list[Fact] = [FOUNDED]
    seen = [fold(INTENT, facts)]
    for commit in draw(st.lists(st.lists(st.one_of(*BY_KIND), min_size=1, max_size=3), max_size=8)):
        facts += commit
        seen.append(fold(INTENT, facts))
    return seen


def told(life: list[Order]) -> list[type[h.OrderHappening]]:
    """All that is told of it, live: each commit by what was before and after it."""
    found = h.kinds_of(None, life[0])
    for before, after in pairwise(life):
        found += h.kinds_of(before, after)
    return found


@given(lives())
def test_the_last_thing_told_is_how_the_order_stands(life: list[Order]) -> None:
    ends = [kind for kind in told(life) if kind in ENDS.values()]
    if (kind := ENDS.get(life[-1].ord_status)) is not None:
        assert ends[-1] is kind
    assert [kind for one, kind in pairwise([None, *ends]) if one is kind and kind is h.OrderUnknown] == []


@given(lives())
def test_whatever_was_in_doubt_is_resolved_once_or_still_in_doubt(life: list[Order]) -> None:
    doubts = [kind for kind in told(life) if kind in (h.OrderUnknown, h.OrderResolved)]
    assert doubts[0::2] == [h.OrderUnknown] * len(doubts[0::2])
    assert doubts[1::2] == [h.OrderResolved] * len(doubts[1::2])
    assert (len(doubts) % 2 == 1) is (life[-1].ord_status is OrdStatus.UNKNOWN)


@given(lives())
def test_every_commit_is_told_and_none_twice(life: list[Order]) -> None:
    assert told(life).count(h.OrderChanged) == len(life)
    for before, after in pairwise(life):
        kinds = h.kinds_of(before, after)
        assert len(set(kinds)) == len(kinds)
        if after.cum_qty > before.cum_qty:
            assert {h.OrderPartiallyFilled, h.OrderFilled} & set(kinds) or after.ord_status is OrdStatus.FILLED
