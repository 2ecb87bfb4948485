"""The router over several fake venues: who gets an order, why, and what stays on record."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.errors import (
    InsufficientFunds,
    InvalidRequest,
    JournalFault,
    KillSwitchOn,
    NotFound,
    NotReady,
    NotSupported,
    RiskLimitExceeded,
    SymbolNotFound,
)
from floorbroker.domain.orders import OrderLeg
from floorbroker.domain.ports import AuditEntry
from floorbroker.domain.values import (
    AssetClass,
    Environment,
    IntentId,
    OrderClass,
    OrderType,
    OrdStatus,
    Quantity,
    Side,
)
from floorbroker.gateway.routing.policy import Moving, Policy, Rule, Strategy
from floorbroker.risk.limits import RiskLimits
from tests.support.fake_broker import INFO, FakeBroker, buy
from tests.support.fleet import CALLER, A, B, C, Fleet, make, opened, ruled
from tests.support.house import FaultyJournal

pytestmark = pytest.mark.asyncio
STILL = Moving()


async def test_without_a_route_several_profiles_want_to_be_named(tmp_path: Path) -> None:
    async with opened(tmp_path, Policy()) as fleet:
        with pytest.raises(InvalidRequest, match="name a profile; there are: alpha, beta, gamma"):
            await fleet.place(buy())
        named = await fleet.gateway.submit(buy(), profile=B, caller=CALLER)
    assert (named.order.profile, named.order.route) == (B, "named by the caller")


async def test_primary_takes_the_first_that_can(tmp_path: Path) -> None:
    async with opened(tmp_path, ruled(Strategy.PRIMARY, moving=STILL)) as fleet:
        first = await fleet.place(buy())
        fleet.brokers[A].stream(False)
        second = await fleet.place(buy())
        told = fleet.route(second)
    assert [first.profile, second.profile] == [A, B]
    assert first.route == "primary: first in order of preference that can take it"
    assert [(seen.profile, seen.taken) for seen in told.seen] == [(B, True), (C, False), (A, False)]
    assert told.seen[0].reason == "first in order of preference that can take it"
    assert told.seen[1].reason == "not asked: behind beta"
    assert told.seen[2].reason.startswith("ready: profile alpha is ")


async def test_a_preview_goes_where_a_submit_would_past_a_venue_that_does_not_know_the_symbol(tmp_path: Path) -> None:
    async with opened(tmp_path, ruled(Strategy.PRIMARY, moving=STILL)) as fleet:
        fleet.brokers[A].unknown.add("AAPL")
        seen = await fleet.gateway.preview(buy(), profile=None)
        assert fleet.sent() == []
        assert (seen.profile, seen.ok) == (B, True)
        assert [(one.profile, one.taken) for one in seen.seen] == [(A, False), (B, True), (C, False)]
        assert seen.seen[0].reason == "refused: no symbol AAPL"
        assert (await fleet.place(buy())).profile == B


async def test_a_preview_goes_past_an_account_whose_controls_refuse_before_anything_was_asked_there(
    tmp_path: Path,
) -> None:
    small = {A: RiskLimits(max_order_notional=Decimal(100))}
    async with opened(tmp_path, ruled(Strategy.PRIMARY, moving=STILL), limits=small) as fleet:
        seen = await fleet.gateway.preview(buy(), profile=None)
        assert (seen.profile, seen.ok) == (B, True)
        assert (await fleet.place(buy())).profile == B


async def test_a_preview_that_nobody_would_take_tells_what_each_has_against_it(tmp_path: Path) -> None:
    async with opened(tmp_path, ruled(Strategy.PRIMARY, moving=STILL)) as fleet:
        for name in (A, B, C):
            fleet.brokers[name].unknown.add("AAPL")
        with pytest.raises(SymbolNotFound) as told:
            await fleet.gateway.preview(buy(), profile=None)
    assert told.value.detail == "no route takes it: " + "; ".join(f"{name}: no symbol AAPL" for name in (A, B, C))


async def test_an_id_that_two_venues_gave_names_no_order(tmp_path: Path) -> None:
    async with opened(tmp_path, ruled(Strategy.PRIMARY, moving=STILL)) as fleet:
        mine = {name: (await fleet.gateway.submit(buy(), profile=name, caller=CALLER)).order for name in (A, B)}
        assert {order.order_id for order in mine.values()} == {"V1"}
        with pytest.raises(NotFound, match=f"beta {mine[B].intent_id}"):
            await fleet.gateway.cancel(IntentId("V1"), caller=CALLER)
        await fleet.gateway.cancel(mine[B].intent_id, caller=CALLER)
        assert fleet.working() == [A]


async def test_round_robin_takes_turns_and_passes_over_who_cannot(tmp_path: Path) -> None:
    async with opened(tmp_path, ruled(Strategy.ROUND_ROBIN, moving=STILL)) as fleet:
        found = [(await fleet.place(buy())).profile for _ in range(4)]
        await fleet.gateway.kill(1, caller=CALLER, reason="prices look wrong", profile=B)
        found += [(await fleet.place(buy())).profile for _ in range(3)]
    assert found == [A, B, C, A, C, A, C]


async def test_a_rule_for_a_symbol_or_a_strategy_comes_before_the_rest(tmp_path: Path) -> None:
    rules = (
        Rule(name="momentum", uses=Strategy.PRIMARY, profiles=(C,), strategy="momentum-*"),
        Rule(name="tech", uses=Strategy.PRIMARY, profiles=(B, A), symbol="AA*"),
        Rule(name="rest", uses=Strategy.PRIMARY),
    )
    async with opened(tmp_path, Policy(rules=rules)) as fleet:
        orders = [
            await fleet.place(replace(buy(), strategy="momentum-1")),
            await fleet.place(buy()),
            await fleet.place(buy(symbol="MSFT")),
        ]
        names = [fleet.route(order).rule for order in orders]
    assert [order.profile for order in orders] == [C, B, A]
    assert names == ["momentum", "tech", "rest"]


async def test_what_a_broker_lacks_drops_it(tmp_path: Path) -> None:
    limits_only = replace(INFO, order_types={AssetClass.EQUITY: frozenset({OrderType.LIMIT})})
    async with opened(tmp_path, ruled(Strategy.PRIMARY)) as fleet:
        fleet.brokers[A].info = limits_only
        order = await fleet.place(buy(price=None))
        told = fleet.route(order)
        for name in (B, C):
            fleet.brokers[name].info = limits_only
        with pytest.raises(NotSupported, match="no route takes it: alpha: Fake takes no market orders in equity; beta"):
            await fleet.place(buy(price=None))
    assert order.profile == B
    assert told.seen[-1].reason == "supported: Fake takes no market orders in equity"


async def test_a_venue_that_does_not_know_a_symbol_is_passed_over_and_not_asked_again(tmp_path: Path) -> None:
    async with opened(tmp_path, ruled(Strategy.PRIMARY)) as fleet:
        fleet.brokers[A].unknown.add("AAPL")
        orders = [await fleet.place(buy()) for _ in range(3)]
        asked = fleet.brokers[A].reads.count("get_instrument")
        told = fleet.route(orders[-1])
    assert [order.profile for order in orders] == [B, B, B]
    assert asked == 1
    assert told.seen[-1].reason == "symbol: Fake does not know AAPL"


async def test_an_order_of_several_legs_is_not_compared_by_what_one_of_them_costs(tmp_path: Path) -> None:
    legs = tuple(
        OrderLeg(symbol=s, side=side, ratio_qty=Quantity(Decimal(1)))
        for s, side in (("AAPL", Side.SELL), ("MSFT", Side.BUY))
    )
    spread = replace(buy("1", "0.50"), symbol="", order_class=OrderClass.MULTILEG, legs=legs)
    async with opened(tmp_path, ruled(Strategy.BEST_EXECUTION)) as fleet:
        sessions = [*fleet.gateway.sessions.values()]
        assert (await fleet.router.looks.freshened(sessions, buy())).offers.keys() == {A, B, C}
        assert (await fleet.router.looks.freshened(sessions, spread)).offers == {}


async def test_a_refusal_by_the_controls_tries_the_next_route(tmp_path: Path) -> None:
    tight = RiskLimits(max_order_qty=Decimal(1), duplicate_window_s=Decimal(0))
    async with opened(tmp_path, ruled(Strategy.PRIMARY), limits={A: tight}) as fleet:
        await fleet.place(buy("1"))
        order = await fleet.place(buy("5"))
        told = fleet.route(order)
    assert order.profile == B
    assert (told.seen[0].profile, told.seen[0].taken) == (A, False)
    assert told.seen[0].reason == "refused: quantity 5 is above max_order_qty 1"


async def test_buying_power_decides_where_it_is_there(tmp_path: Path) -> None:
    async with opened(tmp_path, ruled(Strategy.PRIMARY), ready=False) as fleet:
        fleet.brokers[A].buying_power = fleet.brokers[C].buying_power = INFO_POOR
        await fleet.until(fleet.ready)
        order = await fleet.place(buy("5"))
        fleet.brokers[B].buying_power = INFO_POOR
        await fleet.gateway.account(B)
        with pytest.raises(InsufficientFunds, match=r"no route takes it: alpha: cost 500\.00"):
            await fleet.place(buy("5"))
    assert order.profile == B


INFO_POOR = FakeBroker.__dataclass_fields__["buying_power"].default / 1000


async def test_when_all_refuse_the_first_one_is_told_and_audited_once(tmp_path: Path) -> None:
    tight = RiskLimits(max_order_qty=Decimal(1), duplicate_window_s=Decimal(0))
    async with opened(tmp_path, ruled(Strategy.PRIMARY), limits={A: tight, B: tight, C: tight}) as fleet:
        for name in (A, B, C):
            await fleet.gateway.submit(buy("1"), profile=name, caller=CALLER)
        before = _refusals(fleet)
        with pytest.raises(RiskLimitExceeded, match=r"no route takes it: alpha: quantity 5 .*; beta: .*; gamma: "):
            await fleet.place(buy("5"))
        assert _refusals(fleet) - before == 1


@pytest.mark.parametrize(
    "uses", [Strategy.PRIMARY, Strategy.ROUND_ROBIN, Strategy.LOAD_BALANCED, Strategy.BEST_EXECUTION]
)
async def test_a_double_click_is_refused_wherever_its_route_would_put_the_second(
    tmp_path: Path, uses: Strategy
) -> None:
    wish = replace(buy(), allow_duplicate=False)
    async with opened(tmp_path, ruled(uses, moving=STILL)) as fleet:
        first = await fleet.place(wish)
        before = _refusals(fleet)
        seen = await fleet.gateway.preview(wish, profile=None)
        with pytest.raises(RiskLimitExceeded, match=rf"the same order was placed 0\.0 s ago at {first.profile}; set"):
            await fleet.place(wish)
        assert _refusals(fleet) - before == 1
        assert fleet.sent() == [first.profile]
        assert (seen.ok, [one.taken for one in seen.seen]) == (False, [False, False, False])
        await fleet.place(replace(wish, allow_duplicate=True))
        await fleet.clock.advance(5.0)
        await fleet.place(wish)
        assert len(fleet.sent()) == 3


@pytest.mark.parametrize("uses", [Strategy.ROUND_ROBIN, Strategy.BEST_EXECUTION])
async def test_of_two_same_orders_at_one_moment_one_leaves_though_every_venue_has_to_be_asked_first(
    tmp_path: Path, uses: Strategy
) -> None:
    wish = replace(buy(), allow_duplicate=False)
    async with opened(tmp_path, ruled(uses, moving=STILL)) as fleet:
        placing = [asyncio.ensure_future(fleet.place(wish)) for _ in range(2)]
        found = await asyncio.gather(*placing, return_exceptions=True)
        assert [type(one) for one in found if isinstance(one, Exception)] == [RiskLimitExceeded]
        assert len(fleet.sent()) == 1


async def test_an_account_that_is_named_has_its_own_order_of_the_same_terms(tmp_path: Path) -> None:
    wish = replace(buy(), allow_duplicate=False)
    async with opened(tmp_path, ruled(Strategy.PRIMARY, moving=STILL)) as fleet:
        await fleet.place(wish)
        await fleet.gateway.submit(wish, profile=B, caller=CALLER)
        assert fleet.sent() == [A, B]


def _refusals(fleet: Fleet) -> int:
    rows = [record.entry for record in fleet.gateway.audit(limit=1000)]
    return sum(1 for row in rows if isinstance(row, AuditEntry) and row.outcome == "refused")


async def test_a_kill_of_everything_refuses_at_every_door(tmp_path: Path) -> None:
    async with opened(tmp_path, ruled(Strategy.FAILOVER)) as fleet:
        await fleet.gateway.kill(1, caller=CALLER, reason="stop")
        with pytest.raises(KillSwitchOn):
            await fleet.place(buy())
        assert fleet.sent() == []


async def test_who_lost_its_permit_alone_is_passed_by_though_the_ranking_looks_at_no_file(tmp_path: Path) -> None:
    async with opened(tmp_path, ruled(Strategy.PRIMARY)) as fleet:
        fleet.gateway.kill_switch.permits.withdraw(A)
        order = await fleet.place(buy())
        assert (order.profile, fleet.sent()) == (B, [B])
        fleet.gateway.kill_switch.permits.withdraw(B)
        fleet.gateway.kill_switch.permits.withdraw(C)
        with pytest.raises(KillSwitchOn, match="the permit of profile"):
            await fleet.place(buy("11"))
        assert fleet.sent() == [B]


async def test_nobody_ready_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path, ruled(Strategy.FAILOVER)) as fleet:
        for broker in fleet.brokers.values():
            broker.stream(False)
        with pytest.raises(NotReady, match="no route takes it: alpha"):
            await fleet.place(buy())


async def test_a_sell_goes_where_the_position_is(tmp_path: Path) -> None:
    async with opened(tmp_path, ruled(Strategy.PRIMARY)) as fleet:
        fleet.brokers[B].next_submit.append("accept_then_fill")
        await fleet.gateway.submit(buy("3"), profile=B, caller=CALLER)
        await fleet.clock.advance(0.1)
        sold = await fleet.place(replace(buy("2"), side=Side.SELL))
        more = await fleet.place(replace(buy("9"), side=Side.SELL))
    assert sold.profile == B
    assert sold.route == "primary: closes what it holds; first in order of preference that can take it"
    assert more.profile == A  # it would not only close


async def test_the_route_is_kept_across_a_restart(tmp_path: Path) -> None:
    fleet = make(tmp_path, ruled(Strategy.ROUND_ROBIN))
    await fleet.gateway.start()
    await fleet.until(fleet.ready)
    order = await fleet.place(buy())
    told = fleet.route(order)
    await fleet.crash()
    again = make(tmp_path, ruled(Strategy.ROUND_ROBIN), brokers=fleet.brokers, clock=fleet.clock)
    try:
        assert again.route(order) == told
        assert again.gateway.order(order.intent_id).route == told.sentence
    finally:
        await again.gateway.journal.close()


async def test_a_key_has_one_order_whoever_it_went_to(tmp_path: Path) -> None:
    async with opened(tmp_path, ruled(Strategy.ROUND_ROBIN)) as fleet:
        first = await fleet.submitted(buy(), key="k", body_hash="one")
        again = await fleet.submitted(buy(), key="k", body_hash="one")
        with pytest.raises(InvalidRequest, match="used with another body"):
            await fleet.submitted(buy("2"), key="k", body_hash="two")
        assert len(fleet.sent()) == 1
    assert (again.replayed, again.order.intent_id) == (True, first.order.intent_id)


async def test_one_key_used_together_is_one_order(tmp_path: Path) -> None:
    async with opened(tmp_path, ruled(Strategy.ROUND_ROBIN)) as fleet:
        gate = fleet.brokers[A].gates["submit"] = asyncio.Event()
        tasks = [asyncio.ensure_future(fleet.submitted(buy(), key="k", body_hash="one")) for _ in range(5)]
        await fleet.clock.advance(0.5)
        assert not any(task.done() for task in tasks)
        gate.set()
        found = await asyncio.gather(*tasks)
        assert len(fleet.sent()) == 1
    assert sorted(done.replayed for done in found) == [False, True, True, True, True]
    assert len({done.order.intent_id for done in found}) == 1


async def test_a_key_is_remembered_when_one_profile_is_left(tmp_path: Path) -> None:
    """A desk that routed, and now has one profile, still knows what a key has placed."""
    fleet = make(tmp_path, ruled(Strategy.PRIMARY))
    await fleet.gateway.start()
    await fleet.until(fleet.ready)
    order = await fleet.place(buy(), key="k")
    await fleet.crash()
    left = {A: fleet.brokers[A]}
    async with opened(tmp_path, Policy(), brokers=left, clock=fleet.clock) as alone:
        again = await alone.submitted(buy(), key="k")
    assert (again.replayed, again.order.intent_id) == (True, order.intent_id)


async def test_a_key_from_before_there_were_routes_is_known(tmp_path: Path) -> None:
    async with opened(tmp_path, Policy(), names=(A,)) as alone:
        order = (await alone.submitted(buy(), key="k", body_hash="one")).order
        brokers, clock = alone.brokers, alone.clock
    brokers[B] = FakeBroker(clock)
    async with opened(tmp_path, ruled(Strategy.ROUND_ROBIN), brokers=brokers, clock=clock) as fleet:
        again = await fleet.submitted(buy(), key="k", body_hash="one")
    assert (again.replayed, again.order.intent_id) == (True, order.intent_id)


async def test_live_orders_need_a_key(tmp_path: Path) -> None:
    policy = ruled(Strategy.PRIMARY)
    async with opened(tmp_path, policy, environment=Environment.LIVE) as fleet:
        with pytest.raises(InvalidRequest, match="live orders need an Idempotency-Key"):
            await fleet.place(buy())
        order = await fleet.place(buy(), key="k")
    assert order.profile == A


async def test_a_caller_that_goes_away_while_a_route_is_sought_places_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, ruled(Strategy.PRIMARY)) as fleet:
        for broker in fleet.brokers.values():
            broker.gates["get_instrument"] = asyncio.Event()
        task = asyncio.ensure_future(fleet.submitted(buy(), key="k"))
        await fleet.clock.advance(0.1)
        task.cancel()
        await fleet.clock.advance(1.0)
        for broker in fleet.brokers.values():
            broker.gates.pop("get_instrument").set()
        await fleet.clock.advance(1.0)
        assert fleet.sent() == []
        again = await fleet.submitted(buy(), key="k")
    assert not again.replayed


async def test_an_act_that_began_goes_on_without_its_caller(tmp_path: Path) -> None:
    async with opened(tmp_path, ruled(Strategy.PRIMARY)) as fleet:
        gate = fleet.brokers[A].gates["submit"] = asyncio.Event()
        fleet.brokers[A].next_submit.append("not_sent")
        task = asyncio.ensure_future(fleet.submitted(buy(), key="k"))
        await fleet.clock.advance(0.1)
        task.cancel()
        gate.set()
        await fleet.clock.advance(1.0)
        again = await fleet.submitted(buy(), key="k")
    assert (again.replayed, again.order.profile, again.order.ord_status) == (True, B, OrdStatus.NEW)


async def test_money_that_came_since_the_last_look_is_found_when_nobody_else_takes_it(tmp_path: Path) -> None:
    async with opened(tmp_path, ruled(Strategy.PRIMARY), ready=False) as fleet:
        for broker in fleet.brokers.values():
            broker.buying_power = INFO_POOR
        await fleet.until(fleet.ready)
        with pytest.raises(InsufficientFunds):
            await fleet.place(buy("5"))
        fleet.brokers[B].buying_power = INFO_POOR * 1000
        order = await fleet.place(buy("5"))
        told = fleet.route(order)
    assert order.profile == B
    assert [(seen.profile, seen.taken) for seen in told.seen] == [(A, False), (B, True), (C, False)]
    assert told.seen[0].reason.startswith("refused: cost 500.00")


async def test_an_order_is_told_although_its_route_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I19: what stands beside an order is no reason to answer that there is none."""
    async with opened(tmp_path, ruled(Strategy.PRIMARY)) as fleet:
        order = await fleet.place(buy(), key="k")

        def unreadable(*_: object) -> None:
            raise JournalFault("a route in the journal cannot be read")

        monkeypatch.setattr("floorbroker.gateway.routing.router.route_of", unreadable)
        assert fleet.gateway.route_of(order).record is None
        assert "route.unreadable" in fleet.log.events


async def test_nothing_is_read_for_an_order_that_was_not_routed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, ruled(Strategy.PRIMARY)) as fleet:
        named = (await fleet.gateway.submit(buy(), profile=B, caller=CALLER)).order
        read = list[object]()
        honest = FaultyJournal.read

        def counted(journal: FaultyJournal, *, after: int = 0, limit: int = 1000) -> object:
            read.append(after)
            return honest(journal, after=after, limit=limit)

        monkeypatch.setattr(FaultyJournal, "read", counted)
        assert fleet.gateway.route_of(named).record is None
        assert read == []
        routed = await fleet.place(buy("2"))
        assert fleet.gateway.route_of(routed).record is not None
        assert len(read) == 1
