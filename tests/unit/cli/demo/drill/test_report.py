"""The drill's verdict: each thing that must not happen is seen when it does."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from floorbroker.cli.demo.drill.brokers import EAST, WEST
from floorbroker.cli.demo.drill.report import complaints, document, summary
from floorbroker.cli.demo.drill.story import Drilled, Placed
from floorbroker.domain.orders import Order, OrderState
from floorbroker.domain.values import ClOrdId, IntentId, OrdStatus, ProfileName, Quantity
from tests.support.fake_broker import buy
from tests.support.house import NOON

OLD, NEW, HELD = IntentId("old"), IntentId("new"), IntentId("held")


def order(intent_id: IntentId, profile: ProfileName, status: OrdStatus) -> Order:
    return Order(
        intent_id=intent_id,
        cl_ord_id=ClOrdId(f"c-{intent_id}"),
        profile=profile,
        terms=buy(),
        state=OrderState.FILLED,
        ord_status=status,
        order_id=None,
        order_ids=(),
        order_qty=Quantity(Decimal(10)),
        price=None,
        stop_px=None,
        cum_qty=Quantity(Decimal(10)),
        leaves_qty=None,
        avg_px=None,
        executions=(),
        created_at=NOON,
        updated_at=NOON,
        version=1,
    )


def placed(
    intent_id: IntentId,
    profile: ProfileName,
    status: OrdStatus,
    *,
    east: int = 0,
    west: int = 0,
    of: IntentId | None = None,
) -> Placed:
    return Placed(order=order(intent_id, profile, status), at_venues={EAST: east, WEST: west}, moved_from=of)


GOOD = Drilled(
    placed=(
        placed(OLD, EAST, OrdStatus.REJECTED),
        placed(NEW, WEST, OrdStatus.FILLED, west=1, of=OLD),
        placed(HELD, EAST, OrdStatus.FILLED, east=1),
    ),
    held=HELD,
    status_in_the_dark=("unknown", "unknown"),
    unknown=(HELD,),
    resolved=(HELD,),
    promoted=(WEST, EAST),
    moved={NEW: OLD},
    seconds=12.34,
)


def test_a_drill_that_went_well_says_so() -> None:
    told = document(GOOD)
    counts = {name: told[name] for name in ("orders", "moved", "unknown_held", "resolved", "lost", "duplicated")}
    assert counts == {"orders": 3, "moved": 1, "unknown_held": 1, "resolved": 1, "lost": 0, "duplicated": 0}
    assert (told["ok"], told["promoted"], told["seconds"]) == (True, ["west", "east"], 12.3)
    assert [line["at_venues"] for line in told["list"]] == [
        {"east": 0, "west": 0},
        {"east": 0, "west": 1},
        {"east": 1, "west": 0},
    ]
    assert summary(GOOD).startswith("3 orders, 1 moved, 1 in doubt and held, 1 resolved, 0 lost, 0 doubled")


def swapped(number: int, other: Placed) -> Drilled:
    """The good drill with another order in one place."""
    return replace(GOOD, placed=(*GOOD.placed[:number], other, *GOOD.placed[number + 1 :]))


@pytest.mark.parametrize(
    ("bad", "complaint", "counted"),
    [
        (swapped(2, placed(HELD, EAST, OrdStatus.FILLED)), "1 orders are lost", ("lost", 1)),
        (swapped(2, placed(HELD, EAST, OrdStatus.FILLED, east=2)), "1 orders are doubled", ("duplicated", 1)),
        (swapped(0, placed(OLD, EAST, OrdStatus.REJECTED, east=1)), "1 orders are doubled", ("duplicated", 1)),
        (
            swapped(2, placed(HELD, WEST, OrdStatus.FILLED, west=1)),
            "the order in doubt was not held",
            ("unknown_held", 0),
        ),
        (
            replace(GOOD, status_in_the_dark=("unknown", "filled")),
            "was not held: it was unknown, filled",
            ("unknown_held", 0),
        ),
        (replace(GOOD, moved={NEW: HELD}), "the order in doubt was not held", ("unknown_held", 0)),
        (replace(GOOD, resolved=()), "the order in doubt was never resolved", ("resolved", 0)),
        (replace(GOOD, moved={}), "0 orders moved", ("moved", 0)),
        (replace(GOOD, promoted=(WEST,)), "promoted were west", ("promoted", ["west"])),
    ],
)
def test_what_must_not_happen_is_seen(bad: Drilled, complaint: str, counted: tuple[str, object]) -> None:
    assert any(complaint in text for text in complaints(bad))
    told = document(bad)
    assert (told["ok"], told[counted[0]]) == (False, counted[1])
