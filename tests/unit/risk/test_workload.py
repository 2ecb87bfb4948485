"""The workload counts as a plain sum over its orders would, whatever came and went before (I5)."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.values import WIDE, ZERO, IntentId, Side
from floorbroker.risk.workload import Part, Workload

IDS = st.sampled_from([IntentId(f"i{number}") for number in range(6)])
AMOUNTS = st.decimals(min_value=0, max_value=10**20, places=9)
PARTS = st.one_of(
    st.none(),
    st.builds(
        Part,
        symbol=st.sampled_from(["AAPL", "SPY"]),
        side=st.sampled_from(Side),
        units=AMOUNTS,
        money=st.one_of(st.just(ZERO), AMOUNTS),
        group=st.sampled_from([None, IntentId("g1"), IntentId("g2")]),
    ),
)


@given(st.lists(st.tuples(IDS, PARTS), max_size=40), IDS)
def test_sums_are_those_of_the_orders_that_are_there(moves: list[tuple[IntentId, Part | None]], left: IntentId) -> None:
    """Bites when a part is not taken away before its successor is added."""
    work, plain = Workload(), dict[IntentId, Part]()
    for intent_id, part in moves:
        work.put(intent_id, part)
        plain.pop(intent_id, None)
        if part is not None:
            plain[intent_id] = part
    _assert_same(work, plain)
    _assert_same(work.without(left), {i: part for i, part in plain.items() if i != left})
    _assert_same(work, plain)


def _assert_same(work: Workload, plain: dict[IntentId, Part]) -> None:
    assert work.total == len(plain)
    assert set(work.loads) == {part.symbol for part in plain.values()} | {
        s for s, load in work.loads.items() if not load.orders
    }
    for symbol in ("AAPL", "SPY"):
        here = [part for part in plain.values() if part.symbol == symbol]
        load = work.loads.get(symbol)
        assert (0 if load is None else load.orders) == len(here)
        for side in Side:
            mine = [part for part in here if part.side is side]
            units, money = _sum(part.units for part in mine), _sum(part.money for part in mine)
            groups = [[p.units for p in mine if p.group == group] for group in {p.group for p in mine} - {None}]
            spare = _sum(WIDE.subtract(_sum(exits), max(exits)) for exits in groups)
            assert (ZERO if load is None else load.spare[side]) == spare
            for mark in (None, Decimal(2)):
                wanted = units + money / mark if money and mark else units
                assert (ZERO if load is None else load.at(side, mark)) == wanted


def _sum(amounts: object) -> Decimal:
    total = ZERO
    for amount in amounts:  # type: ignore[attr-defined]
        total = WIDE.add(total, amount)
    return total
