"""The workload counts as a plain sum over its orders would, whatever came and went before (I5)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.values import WIDE, ZERO, IntentId, ProfileName, Side
from floorbroker.risk.limits import SharedLimits
from floorbroker.risk.watch import Watch
from floorbroker.risk.workload import Load, Part, Workload

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
        group=st.sampled_from([None, IntentId("g1"), IntentId("i0"), IntentId("i1")]),
        entered=st.one_of(st.none(), AMOUNTS),
    ),
    st.builds(
        Part,
        symbol=st.just("SPY"),
        side=st.just(Side.BUY),
        legs=st.dictionaries(
            st.tuples(st.sampled_from(["AAPL", "SPY"]), st.sampled_from(Side)), AMOUNTS, min_size=1, max_size=4
        ).map(lambda legs: tuple((*place, units) for place, units in legs.items())),
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


@given(st.lists(st.tuples(IDS, PARTS), max_size=40), IDS)
def test_a_scope_counts_the_orders_of_its_account_as_the_account_does(
    moves: list[tuple[IntentId, Part | None]], left: IntentId
) -> None:
    work, watch, name = Workload(), Watch(key="global", limits=SharedLimits()), ProfileName("a")
    for intent_id, part in moves:
        work.put(intent_id, part)
        watch.put(intent_id, name, part)
    for _ in range(2):
        for symbol in ("AAPL", "SPY"):
            assert _sorted(watch.cell((name, symbol)).load) == _sorted(work.loads.get(symbol, Load()))
        with watch.without(left, fills_yet=False):
            assert watch.open_total == work.without(left).total


def _sorted(load: Load) -> Load:
    """The same load with the exits of each group in one order, whichever came first."""
    found = load.copy()
    for place, group in load.groups.items():
        found.groups[place] = replace(group, exits=tuple(sorted(group.exits, key=str)))
    return found


def _assert_same(work: Workload, plain: dict[IntentId, Part]) -> None:
    assert work.total == len(plain)
    claims = [(i, *leg) for i, part in plain.items() for leg in part.legs if leg[2]]
    here = {part.symbol for part in plain.values()} | {symbol for _, symbol, _, _ in claims}
    assert set(work.loads) >= here
    for symbol in ("AAPL", "SPY"):
        mine = [part for part in plain.values() if part.symbol == symbol]
        load = work.loads.get(symbol)
        assert (0 if load is None else load.orders) == len(mine)
        for side in Side:
            sided = [part for part in mine if part.side is side]
            claimed = {i: units for i, at, which, units in claims if (at, which) == (symbol, side)}
            groups = {p.group for p in sided if p.group is not None} | set(claimed)
            beyond, spare = ZERO, ZERO
            for group in groups:
                exits = [p for p in sided if p.group == group]
                told, claim = _sum(p.units for p in exits), claimed.get(group, ZERO)
                may = [p.units if p.entered is None else min(p.units, p.entered) for p in exits]
                more = max(WIDE.subtract(claim, told), ZERO)
                beyond = WIDE.add(beyond, more)
                spare = WIDE.add(spare, WIDE.subtract(WIDE.add(told, more), max([*may, claim])))
            units, money = WIDE.add(_sum(p.units for p in sided), beyond), _sum(p.money for p in sided)
            assert (ZERO if load is None else load.spare[side]) == spare
            for mark in (None, Decimal(2)):
                wanted = units + money / mark if money and mark else units
                assert (ZERO if load is None else load.at(side, mark)) == wanted


def _sum(amounts: object) -> Decimal:
    total = ZERO
    for amount in amounts:  # type: ignore[attr-defined]
        total = WIDE.add(total, amount)
    return total
