"""What an order asks for after changes of ours and cuts of the venue's own, on one venue id (RELIABILITY 3, I7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from floorbroker.domain import facts as f
from floorbroker.domain.fold import OrderFold, fold
from floorbroker.domain.orders import NewOrder, OrderChanges, OrderState
from floorbroker.domain.values import ClOrdId, IntentId, OrderId, OrderType, Price, ProfileName, Quantity, Side

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
INTENT, V1 = IntentId("i"), OrderId("v1")
FOUNDED = f.Prepared(
    source=f.Source.OWN, at=START, cl_ord_id=ClOrdId("c"), profile=ProfileName("p"),
    order=NewOrder(
        symbol="BTC/USDT", side=Side.SELL, order_type=OrderType.LIMIT, order_qty=Quantity(Decimal(10)),
        price=Price(Decimal(100)),
    ),
)  # fmt: skip


def _at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def _asked(replace_id: str, second: float, qty: int) -> f.ReplaceAsked:
    return f.ReplaceAsked(
        source=f.Source.OWN, at=_at(second), replace_id=IntentId(replace_id), cl_ord_id=ClOrdId(replace_id),
        changes=OrderChanges(order_qty=Quantity(Decimal(qty))),
    )  # fmt: skip


def _done(qty: int, heard: float, *, venue: float | None = None, ours: str | None = None) -> f.ReplaceDone:
    return f.ReplaceDone(
        source=f.Source.STREAM, at=_at(heard), venue_time=None if venue is None else _at(venue), orig_order_id=V1,
        order_id=V1, replace_id=None if ours is None else IntentId(ours), order_qty=Quantity(Decimal(qty)),
    )  # fmt: skip


TABLE: dict[str, tuple[tuple[f.Fact, ...], int]] = {
    "our change, then the venue's cut": ((_asked("r1", 1, 6), _done(6, 1.2, venue=1.1, ours="r1"), _done(4, 3, venue=2)), 4),
    "the venue's cut, then our change": ((_done(4, 3, venue=1), _asked("r1", 2, 6), _done(6, 2.5, venue=2.1, ours="r1")), 6),
    "an answer without a time, after the cut": ((_asked("r1", 1, 6), _done(6, 3, ours="r1"), _done(4, 2, venue=1.5)), 4),
    "the cut is heard after a later change": (
        (_asked("r1", 5, 6), _done(6, 5.2, venue=5.1, ours="r1"), _done(4, 9, venue=2)), 6,
    ),
    "a snapshot as old as the order, asked for late": (
        (_asked("r1", 1, 6), _done(6, 1.2, venue=1.1, ours="r1"), _done(10, 9, venue=0)), 6,
    ),
    "the second change is told with the time of the order's opening": (
        (_asked("r1", 10, 6), _done(6, 10.2, venue=10.1, ours="r1"), _asked("r2", 20, 8), _done(8, 21, venue=0, ours="r2")), 8,
    ),
    "the venue's clock runs ahead of ours": (
        (_asked("r1", 10, 6), _done(6, 10.2, venue=11, ours="r1"), _asked("r2", 10.5, 8), _done(8, 10.7, ours="r2")), 8,
    ),
    "the venue's clock runs ahead of ours, and its stream repeats our first change without our name for it": (
        (
            _asked("r1", 10, 6), _done(6, 10.1, ours="r1"), _done(6, 10.2, venue=11), _asked("r2", 10.5, 8),
            _done(8, 10.7, ours="r2"),
        ), 8,
    ),
    "the same, and then the venue cuts": (
        (
            _asked("r1", 10, 6), _done(6, 10.2, venue=11), _asked("r2", 10.5, 8), _done(8, 10.7, ours="r2"),
            _done(4, 10.9, venue=11.7),
        ), 4,
    ),
    "a time that no clock tells moves nothing": (
        (_done(9, 1, venue=2e11), _asked("r1", 10, 6), _done(6, 10.2, venue=10.1, ours="r1"), _done(4, 11, venue=10.9)), 9,
    ),
    "the venue's clock runs behind ours": (
        (_asked("r1", 10, 6), _done(6, 10.2, venue=9.2, ours="r1"), _done(4, 10.4, venue=9.5)), 4,
    ),
    "a person takes the cut back": ((_done(10, 1, venue=1), _done(4, 2, venue=2), _done(10, 3, venue=3)), 10),
    "two at one moment: what was heard last": ((_done(9, 9, venue=1), _done(4, 10, venue=1)), 4),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_the_last_terms_by_the_venues_time_are_the_orders_i7(name: str) -> None:
    facts, quantity = TABLE[name]
    assert {fold(INTENT, [FOUNDED, *told]).order_qty for told in permutations(facts)} == {Decimal(quantity)}


def test_filled_at_the_venues_cut_an_order_we_changed_is_done() -> None:
    cut = (*TABLE["our change, then the venue's cut"][0], f.Filled(source=f.Source.STREAM, at=_at(4), order_id=V1))
    total = f.Cum(source=f.Source.STREAM, at=_at(4), order_id=V1, cum_qty=Quantity(Decimal(4)))
    for told in permutations((*cut, total)):
        order = fold(INTENT, [FOUNDED, *told])
        assert (order.state, order.leaves_qty) == (OrderState.FILLED, 0)


def test_terms_that_come_back_are_news_and_the_same_said_again_is_none() -> None:
    order = OrderFold(INTENT)
    told = [_done(10, 1, venue=1), _done(4, 2, venue=2)]
    for fact in (FOUNDED, *told):
        assert order.is_news(fact)
        order.add(fact)
    assert not any(
        order.is_news(fact) for fact in (*told, _done(4, 8, venue=2), _done(4, 9, venue=3), _done(4, 9, venue=1.5))
    )
    assert order.is_news(_done(10, 9, venue=3))


def test_the_same_heard_again_is_no_news_although_the_venues_clock_runs_ahead() -> None:
    order = OrderFold(INTENT)
    for fact in (FOUNDED, *TABLE["the same, and then the venue cuts"][0][:-1]):
        order.add(fact)
    assert not order.is_news(_done(6, 20, venue=11))
    assert order.is_news(_done(6, 20, venue=19))
