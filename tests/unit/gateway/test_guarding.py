"""What a start brings back of the risk book (I5): an account's limits meet what was there before it, in the right currency."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ConnectionFailed, NotReady, RiskLimitExceeded
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.records import Account
from floorbroker.domain.values import ProfileName, Side
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.limiting import Wanted
from floorbroker.gateway.routing.policy import Strategy
from floorbroker.risk.limits import RiskLimits
from tests.support.fake_broker import FakeBroker, buy, silence
from tests.support.fleet import A, B, ruled
from tests.support.fleet import opened as fleet_opened
from tests.support.house import CALLER, NOON, PROFILE, Desk, opened

pytestmark = pytest.mark.asyncio


class InPounds(FakeBroker):
    """Its account is in pounds, and so is what it trades."""

    async def get_instrument(self, symbol: str) -> Instrument:
        return replace(await FakeBroker.get_instrument(self, symbol), currency="GBP")

    async def get_account_info(self) -> Account:
        return replace(await FakeBroker.get_account_info(self), currency="GBP")


async def _limit(desk: Desk, name: str, value: int, *, scope: str) -> None:
    await desk.gateway.guard.set_limit(Wanted(scope=scope, name=name, value=value), caller=CALLER)


@pytest.mark.parametrize("name", ["max_open_orders", "max_orders_day"])
async def test_after_a_start_an_accounts_limits_meet_the_orders_of_before_i5(tmp_path: Path, name: str) -> None:
    async with opened(tmp_path, seals=True) as desk:
        broker, clock = desk.broker, desk.clock
        await _limit(
            desk, "max_open_orders", 50, scope="global"
        )  # a start counts what is open before it knows whose it is
        await _limit(desk, name, 1, scope=f"account:{broker.account}")
        await desk.place(buy("1"))
        with pytest.raises(RiskLimitExceeded, match=name):
            await desk.place(buy("2"))
    async with opened(tmp_path, seals=True, broker=broker, clock=clock) as desk:
        with pytest.raises(RiskLimitExceeded, match=name):
            await desk.place(buy("2"))


async def test_after_a_start_a_day_counts_in_the_desks_currency(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = InPounds(clock)
    async with opened(tmp_path, seals=True, broker=broker, clock=clock) as desk:
        desk.gateway.guard.risk.rates = {"GBP": Decimal(2)}
        await desk.place(buy("1"))
        before = desk.gateway.guard.risk.day.of("global", "").notional
        assert before > 0
    broker.reads.clear()
    async with opened(tmp_path, seals=True, broker=broker, clock=clock, ready=False) as desk:
        desk.gateway.guard.risk.rates = {"GBP": Decimal(2)}
        await desk.until(lambda: desk.session.state.value == "ready")
        assert desk.gateway.guard.risk.day.of("global", "").told == before
        assert "get_instrument" not in broker.reads


async def test_an_account_that_does_not_answer_after_a_start_counts_in_the_currency_that_it_had(tmp_path: Path) -> None:
    """What it ordered stands in the limits of the whole desk, whether its venue can be asked or not."""
    clock = ManualClock(NOON)
    broker = InPounds(clock)
    rates = {"GBP": Decimal("0.5")}
    async with opened(tmp_path, seals=True, broker=broker, clock=clock) as desk:
        desk.gateway.guard.risk.rates = rates
        await _limit(desk, "max_gross_exposure", 1_000, scope="global")
        await desk.place(buy("4"))
    broker.failing["get_account_info"] = ConnectionFailed("no answer")
    async with opened(tmp_path, seals=True, broker=broker, clock=clock, ready=False) as desk:
        guard = desk.gateway.guard
        guard.risk.rates = rates
        await desk.wait(5)
        assert desk.ctx.account is None
        assert guard.usage("global")["max_gross_exposure"] == 200
        assert guard.risk.day.of("global", "").told == 200


async def test_an_order_that_is_sealed_before_anybody_looked_stays_in_its_day(tmp_path: Path) -> None:
    async with opened(tmp_path, seals=True) as desk:
        order = await desk.place(buy("3"))
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        await desk.until(lambda: not desk.now(order).is_open)
        await desk.wait(70)
        assert not desk.ctx.book.holds(order.intent_id)
        desk.ctx.book.touched.add(order.intent_id)
        desk.ctx.catch_up()
        assert desk.gateway.guard.risk.day.of("profile", PROFILE).orders == 1


async def test_after_a_start_a_strategy_still_has_todays_fills_of_yesterdays_order(tmp_path: Path) -> None:
    clock = ManualClock(NOON.replace(hour=23, minute=59))
    async with opened(tmp_path, seals=True, clock=clock) as desk:
        broker = desk.broker
        await desk.place(replace(buy("3"), strategy="m"))
        await desk.wait(90)
        (order,) = broker.orders.values()
        for _ in range(2):
            broker.fill(order, "1")
            await desk.wait(1)
        assert desk.gateway.guard.risk.strategies.fills("m") == 2
    async with opened(tmp_path, seals=True, broker=broker, clock=clock) as desk:
        assert desk.gateway.guard.risk.strategies.fills("m") == 2
        assert desk.gateway.guard.risk.day.of("profile", PROFILE).orders == 0


async def test_after_a_start_a_strategy_still_has_todays_fills_of_an_order_that_is_sealed(tmp_path: Path) -> None:
    clock = ManualClock(NOON.replace(hour=23, minute=59))
    async with opened(tmp_path, seals=True, clock=clock) as desk:
        broker = desk.broker
        order = await desk.place(replace(buy("3"), strategy="m"))
        await desk.wait(90)
        (venue,) = broker.orders.values()
        for _ in range(3):
            broker.fill(venue, "1")
            await desk.wait(1)
        await desk.until(lambda: not desk.ctx.book.holds(order.intent_id))
    async with opened(tmp_path, seals=True, broker=broker, clock=clock) as desk:
        assert not desk.ctx.book.holds(order.intent_id)
        assert desk.gateway.guard.risk.strategies.fills("m") == 3
        assert desk.gateway.guard.risk.day.of("profile", PROFILE).orders == 0


async def test_what_was_cancelled_right_before_its_profile_left_stands_in_nobodys_way(tmp_path: Path) -> None:
    async with fleet_opened(tmp_path, ruled(Strategy.PRIMARY)) as fleet:
        offer = await fleet.gateway.submit(replace(buy("1", "101"), side=Side.SELL), profile=A, caller=CALLER)
        with pytest.raises(RiskLimitExceeded, match="our own order"):
            await fleet.gateway.submit(buy("1", "101"), profile=B, caller=CALLER)
        await fleet.gateway.cancel(offer.order.intent_id, caller=CALLER)
        await fleet.gateway.dismiss(A, caller=CALLER, reason="test")
        await fleet.gateway.submit(buy("1", "101"), profile=B, caller=CALLER)


class InTens(FakeBroker):
    """A unit is ten of everything, and the account is worth `equity`."""

    equity = Decimal(100_000)

    async def get_instrument(self, symbol: str) -> Instrument:
        return replace(await FakeBroker.get_instrument(self, symbol), multiplier=Decimal(10))

    async def get_account_info(self) -> Account:
        return replace(await FakeBroker.get_account_info(self), equity=self.equity)


async def test_what_a_venue_still_answers_when_its_profile_has_left_changes_nothing(tmp_path: Path) -> None:
    """Whoever asked has the answer; the desk does not stumble over it, nor measure an account that it let go."""
    clock = ManualClock(NOON)
    venue, answers = InTens(clock), asyncio.Event()
    brokers: dict[ProfileName, FakeBroker] = {A: venue, B: FakeBroker(clock)}
    async with fleet_opened(tmp_path, ruled(Strategy.PRIMARY), brokers=brokers, clock=clock) as fleet:
        guard, ctx = fleet.gateway.guard, fleet.gateway.sessions[A].ctx
        await guard.set_limit(Wanted(scope="global", name="max_gross_exposure", value=100_000), caller=CALLER)
        venue.gates = {"get_account_info": answers, "get_instrument": answers}
        account = asyncio.create_task(fleet.gateway.account(A))
        rules = asyncio.create_task(ctx.instrument("MSFT"))
        wish = asyncio.create_task(fleet.gateway.submit(buy("1", symbol="TSLA"), profile=A, caller=CALLER))
        await asyncio.sleep(0)
        await fleet.gateway.dismiss(A, caller=CALLER, reason="test")
        venue.equity = Decimal(1)
        answers.set()
        assert ((await account).equity, (await rules).multiplier) == (1, 10)
        with pytest.raises(NotReady):
            await wish
        assert guard.risk.equities[A].now == 100_000


async def test_what_is_held_in_a_currency_without_a_rate_counts_in_no_sum_of_a_desk(tmp_path: Path) -> None:
    """A pound is no dollar: a limit of both together is not met by adding them up (I13)."""
    clock = ManualClock(NOON)
    brokers: dict[ProfileName, FakeBroker] = {A: FakeBroker(clock), B: InPounds(clock)}
    async with fleet_opened(tmp_path, ruled(Strategy.PRIMARY), brokers=brokers, clock=clock) as fleet:
        guard = fleet.gateway.guard
        for profile, qty in ((A, "1"), (B, "10")):
            held = await fleet.gateway.submit(buy(qty), profile=profile, caller=CALLER)
            brokers[profile].fill(brokers[profile].of(held.order.cl_ord_id), qty)
            await clock.advance(1.0)
        await guard.set_limit(Wanted(scope="global", name="max_gross_exposure", value=1300), caller=CALLER)
        with pytest.raises(RiskLimitExceeded, match="without a price and a rate of exchange of global"):
            await fleet.gateway.submit(buy("1"), profile=A, caller=CALLER)
        await fleet.gateway.submit(replace(buy("1"), side=Side.SELL), profile=A, caller=CALLER)
        guard.risk.rates = {"GBP": Decimal("1.3")}
        guard.risk.recognise(B)
        with pytest.raises(RiskLimitExceeded, match="1496 is above max_gross_exposure"):
            await fleet.gateway.submit(buy("1", "98"), profile=A, caller=CALLER)


async def test_an_order_for_money_whose_units_nobody_can_tell_meets_no_limit_of_a_scopes_position(
    tmp_path: Path,
) -> None:
    free = RiskLimits(
        self_match="off", collar_bps=None, max_order_qty=None, max_position_qty=None, max_position_notional=None,
        max_gross_exposure=None, max_net_exposure=None, max_leverage=None,
    )  # fmt: skip
    async with opened(tmp_path, limits=free) as desk:
        order = await desk.place(buy("3"))
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "3")
        desk.broker.failing["get_market_data"] = silence()
        await desk.wait(1)
        money = replace(buy(price=None, side=Side.SELL, symbol="MSFT"), order_qty=None, notional=Decimal(5000))
        await desk.place(money)
        await _limit(desk, "max_position_qty", 10, scope="global")
        with pytest.raises(RiskLimitExceeded, match="position after worst case cannot be measured"):
            await desk.place(replace(money, notional=Decimal(5001)))


async def test_a_preview_shows_what_the_limits_and_the_switch_of_its_caller_say(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await _limit(desk, "max_order_qty", 5, scope=f"token:{CALLER.principal}")

        async def refused(caller: Caller | None) -> list[tuple[str, str]]:
            found = await desk.gateway.preview(buy("6"), profile=None, caller=caller)
            return [(verdict.control, verdict.scope) for verdict in found.verdicts if not verdict.ok]

        others = Caller(principal="somebody", via="test")
        assert (await refused(CALLER), await refused(others), await refused(None)) == (
            [("max_order_qty", "token:tester")],
            [],
            [],
        )
        desk.ctx.switches.barred = lambda strategy, principal: "stopped" if principal == "somebody" else ""
        assert [control for control, _ in await refused(others)] == ["latch"]
        assert not await refused(None)


@pytest.mark.parametrize("scope", ["global", "strategy:m", "token:tester", "symbol:AAPL"])
async def test_a_cancel_counts_among_the_messages_of_every_scope_of_its_order(tmp_path: Path, scope: str) -> None:
    async with opened(tmp_path) as desk:
        await _limit(desk, "max_messages_min", 3, scope=scope)
        order = await desk.place(replace(buy("1"), strategy="m"))
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        await desk.place(replace(buy("2"), strategy="m"))
        with pytest.raises(RiskLimitExceeded, match="order messages in a minute 4 is above max_messages_min 3"):
            await desk.place(replace(buy("3"), strategy="m"))


@pytest.mark.parametrize("scope", ["global", f"profile:{PROFILE}"])
async def test_a_new_day_is_told_from_midnight_on_whether_anybody_orders_in_it(tmp_path: Path, scope: str) -> None:
    async with opened(tmp_path) as desk:
        await _limit(desk, "max_orders_day", 5, scope=scope)
        await desk.place(buy("1"))
        guard = desk.gateway.guard
        assert guard.usage(scope)["max_orders_day"] == 1
        desk.clock.set(NOON + timedelta(days=1))
        assert (guard.usage(scope)["max_orders_day"], guard.usage(scope)["max_notional_day"]) == (0, 0)


@pytest.mark.parametrize("scope", ["global", f"profile:{PROFILE}"])
async def test_the_net_exposure_of_a_scope_is_what_shorts_leave_of_longs(tmp_path: Path, scope: str) -> None:
    async with opened(tmp_path) as desk:
        short = await desk.place(buy("5", side=Side.SELL, symbol="MSFT"))
        desk.broker.fill(desk.broker.of(short.cl_ord_id), "5")
        await desk.wait(1)
        await _limit(desk, "max_net_exposure", 550, scope=scope)
        with pytest.raises(RiskLimitExceeded, match="net exposure after worst case 600 is above max_net_exposure 550"):
            await desk.place(buy("11"))
        await desk.place(buy("10"))
        assert desk.gateway.guard.usage(scope)["max_net_exposure"] == 500
        with pytest.raises(RiskLimitExceeded, match="net exposure after worst case 600 is above max_net_exposure 550"):
            await desk.place(buy("1", side=Side.SELL, symbol="IBM"))
