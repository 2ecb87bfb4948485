"""Quantities of every size a venue may tell add up to the last digit (RELIABILITY 3, I1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from floorbroker.domain import facts as f
from floorbroker.domain.fold import fold
from floorbroker.domain.ids import by_name
from floorbroker.domain.orders import NewOrder, Order, OrderState
from floorbroker.domain.values import (
    WIDE,
    ClOrdId,
    ExecId,
    IntentId,
    OrderId,
    OrderType,
    Price,
    ProfileName,
    Quantity,
    Side,
    decimal_of,
)

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
VENUE = OrderId("v1")
LONG = "12345678901234567890.123456789012345678"  # as many digits as a number may have


def adopted(order_qty: str) -> f.Adopted:
    """Somebody else's order of that size, as a venue lists it."""
    terms = NewOrder(
        symbol="BTC/USD", side=Side.BUY, order_type=OrderType.LIMIT, order_qty=Quantity(decimal_of(order_qty)),
        price=Price(Decimal(100)),
    )  # fmt: skip
    return f.Adopted(
        source=f.Source.SNAPSHOT, at=AT, cl_ord_id=ClOrdId("c"), profile=ProfileName("p"), order=terms, order_id=VENUE,
        parent_id=None, external=True,
    )  # fmt: skip


def total(cum_qty: str) -> f.Cum:
    return f.Cum(source=f.Source.SNAPSHOT, at=AT, order_id=VENUE, cum_qty=Quantity(decimal_of(cum_qty)), avg_px=None)


def fill(number: int, last_qty: str) -> f.Exec:
    return f.Exec(
        source=f.Source.STREAM, at=AT + timedelta(seconds=number), exec_id=ExecId(f"e{number}"), order_id=VENUE,
        side=Side.BUY, symbol="BTC/USD", last_qty=Quantity(decimal_of(last_qty)), last_px=Price(Decimal(100)),
    )  # fmt: skip


def order_of(*facts: f.Fact) -> Order:
    return fold(IntentId("i"), facts)


@pytest.mark.parametrize(
    ("order_qty", "cum_qty"),
    [
        (LONG, "0"),
        (LONG, "0.000000000000000001"),
        ("0.12345678901234567890", "0.1"),
        ("99999999999999999999999999999999999999", "0.00000000000000000001"),
    ],
)
def test_an_open_order_is_what_was_filled_and_what_is_left_to_the_last_digit(order_qty: str, cum_qty: str) -> None:
    order = order_of(adopted(order_qty), total(cum_qty))
    assert order.is_open
    assert order.leaves_qty is not None
    assert (order.order_qty, order.cum_qty) == (Decimal(order_qty), Decimal(cum_qty))
    assert WIDE.add(order.cum_qty, order.leaves_qty) == Decimal(order_qty)


def test_fills_are_summed_to_the_last_digit() -> None:
    parts = ("12345678901234567890", "0.123456789012345678")
    order = order_of(adopted(LONG), *(fill(number, part) for number, part in enumerate(parts)), total(LONG))
    assert (order.state, order.cum_qty, order.leaves_qty) == (OrderState.FILLED, Decimal(LONG), 0)
    assert not order.needs_executions


def test_an_order_that_lacks_its_last_digit_is_not_filled() -> None:
    order = order_of(adopted(LONG), fill(1, "12345678901234567890"), fill(2, "0.123456789012345677"))
    assert (order.state, order.leaves_qty) == (OrderState.WORKING, Decimal("0.000000000000000001"))


NAMED = by_name(ClOrdId("c1"))


def of_name(number: int, last_qty: str) -> f.Exec:
    """An execution whose order the venue names by our id alone."""
    return replace(fill(number, last_qty), order_id=NAMED)


def sent(order_qty: str) -> list[f.Fact]:
    prepared = f.Prepared(
        source=f.Source.OWN, at=AT, cl_ord_id=ClOrdId("c1"), profile=ProfileName("p"), order=adopted(order_qty).order
    )
    return [prepared, f.InDoubt(source=f.Source.OWN, at=AT, reason="no answer")]


def test_an_execution_under_our_own_name_proves_that_the_order_was_placed_i1() -> None:
    given_up = f.HorizonPassed(source=f.Source.QUERY, at=AT, presumed=True, negatives=3)
    for facts in ([of_name(1, "2")], [given_up, of_name(1, "2")]):
        order = order_of(*sent("5"), *facts)
        assert (order.state, order.cum_qty, order.order_id) == (OrderState.WORKING, 2, NAMED)
    assert order_of(*sent("5"), of_name(1, "5")).state is OrderState.FILLED


def test_a_name_gives_way_to_the_venues_id_and_nothing_counts_twice_in_any_order_of_arrival_i6_i7() -> None:
    known = [total("3"), f.Working(source=f.Source.SNAPSHOT, at=AT, order_id=VENUE), fill(2, "1")]
    facts: list[f.Fact] = [*sent("5"), of_name(1, "2"), *known]
    seen = {order_of(facts[0], *rest) for rest in permutations(facts[1:])}
    (order,) = seen
    assert (order.state, order.cum_qty, order.order_ids) == (OrderState.WORKING, 3, (VENUE,))
    assert {one.order_id for one in order.executions} == {VENUE}
    assert (order.alerts, order.needs_executions) == ((), False)


def test_a_bust_of_an_execution_under_our_own_name_takes_it_back_i10() -> None:
    bust = f.Void(source=f.Source.STREAM, at=AT, exec_id=ExecId("e1"), order_id=NAMED, last_qty=Quantity(Decimal(2)))
    order = order_of(*sent("5"), of_name(1, "2"), bust, total("2"))
    assert (order.cum_qty, order.executions) == (0, ())


def corrected(number: int, last_qty: str) -> f.Exec:
    """A correction of an execution: none of it left when it was a bust."""
    name = fill(number, last_qty)
    return replace(name, source=f.Source.HISTORY, version=2, ref=ExecId(f"{name.exec_id}.02"))


def later(cum_qty: str) -> f.Cum:
    return replace(total(cum_qty), asked_at=AT + timedelta(seconds=9))


OVER = f.Cancelled(source=f.Source.SNAPSHOT, at=AT, order_id=VENUE)
BLIND = f.Void(source=f.Source.STREAM, at=AT, exec_id=ExecId("e1"), order_id=VENUE)


@pytest.mark.parametrize("bust", [corrected(1, "0"), BLIND])
def test_what_a_bust_took_of_an_execution_nobody_heard_of_is_what_the_newest_total_lacks_i7_i10(bust: f.Fact) -> None:
    facts: list[f.Fact] = [total("5"), bust, later("0"), OVER]
    (order,) = {order_of(adopted("5"), *rest) for rest in permutations(facts)}
    assert (order.state, order.cum_qty, order.executions) == (OrderState.CANCELLED, 0, ())
    assert not order.needs_executions


def test_until_a_total_is_told_after_such_a_bust_all_that_was_told_counts_and_is_looked_for_i5() -> None:
    order = order_of(adopted("5"), total("5"), corrected(1, "0"), OVER)
    assert (order.state, order.cum_qty, order.needs_executions) == (OrderState.FILLED, 5, True)


def test_a_lower_total_alone_takes_nothing_back_i10() -> None:
    whole = [total("5"), fill(1, "2"), corrected(1, "2")]  # its first version was heard: what it took back is known
    assert order_of(adopted("5"), *whole, later("0")).cum_qty == 5
    assert order_of(adopted("5"), total("5"), later("0"), OVER).cum_qty == 5


def test_executions_that_stand_count_whatever_total_is_told_beside_such_a_bust_i6() -> None:
    order = order_of(adopted("5"), total("5"), corrected(1, "0"), fill(2, "3"), later("1"))
    assert (order.cum_qty, order.leaves_qty) == (3, 2)
