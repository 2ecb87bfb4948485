"""Profiles that come to a running floor and leave it: paper venues in this process, journals on disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from floorbroker.app.floor import Floor, Outside, open_floor
from floorbroker.app.home import Home
from floorbroker.app.profile_forms import Changes
from floorbroker.app.profiles import RESETTLED, Profiles
from floorbroker.app.seating import OUTDATED
from floorbroker.domain.errors import (
    ConfigInvalid,
    Conflict,
    InvalidRequest,
    KillSwitchOn,
    NotFound,
    NotReady,
    RiskLimitExceeded,
)
from floorbroker.domain.orders import Order, OrderState
from floorbroker.domain.ports import AuditEntry, Profile
from floorbroker.domain.values import Environment, ProfileName, Side
from floorbroker.gateway.desk import Caller, SessionState
from floorbroker.gateway.feeds import Tick
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.happenings import OrderFilled
from floorbroker.gateway.limiting import Wanted
from floorbroker.oms.external import ExternalOrders
from floorbroker.oms.schema import parse_order

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(60)]
WHO = Caller(principal="alice", via="test")
FIRST, SECOND = ProfileName("first"), ProfileName("second")
PAPER = '[profiles.{name}]\nbroker = "PAPER"\nenvironment = "paper"\n'


def profile(name: ProfileName = SECOND) -> Profile:
    return Profile(name=name, broker="PAPER", environment=Environment.PAPER)


@dataclass
class Seats:
    """A floor with one paper profile, and a second one that is written down."""

    home: Home
    floor: Floor

    @property
    def desk(self) -> Gateway:
        return self.floor.desks[Environment.PAPER]

    def write(self, *names: str, beside: str = "") -> None:
        self.home.config.write_text("".join(PAPER.format(name=name) for name in names) + beside)

    async def come(self, name: ProfileName = SECOND) -> None:
        await self.floor.seating.take_up(profile(name), caller=WHO, reason="a test")

    async def go(self, name: ProfileName = SECOND, *, force: bool = False) -> bool:
        return await self.floor.seating.let_go(profile(name), caller=WHO, reason="a test", force=force)

    async def buy(self, name: ProfileName = SECOND, **changes: Any) -> Order:
        wish = parse_order(
            {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "1", "time_in_force": "day", **changes}
        )
        return (await self.desk.submit(wish, profile=name, caller=WHO)).order

    async def filled(self, order: Order) -> Order:
        while not (now := self.desk.order(order.intent_id)).cum_qty:  # noqa: ASYNC110 - the time-out of the test ends it
            await asyncio.sleep(0.01)
        return now

    def rows(self) -> list[tuple[str, str, str]]:
        return [
            (row.entry.action, row.entry.object, row.entry.actor)
            for row in self.desk.audit(limit=1000)
            if isinstance(row.entry, AuditEntry) and row.entry.action in ("profile.open", "profile.close")
        ]


@asynccontextmanager
async def opened(tmp_path: Path, *names: str) -> AsyncGenerator[Seats]:
    home = Home.at(tmp_path / "home")
    home.config.write_text("".join(PAPER.format(name=name) for name in names or (FIRST,)))
    async with open_floor(home, outside=Outside(), environ={}) as floor:
        seats = Seats(home, floor)
        await seats.desk.until_settled()
        seats.write(FIRST, SECOND)
        yield seats


async def test_a_profile_that_comes_is_ready_trades_and_is_told_of(tmp_path: Path) -> None:
    async with opened(tmp_path) as seats:
        heard = list[ProfileName]()
        listener = seats.desk.on(OrderFilled, lambda one: heard.append(one.profile))
        await seats.come()
        await seats.come()  # harmless
        state = seats.desk.sessions[SECOND].state
        assert state is SessionState.READY
        order = await seats.filled(await seats.buy())
        assert (order.profile, seats.rows()) == (SECOND, [("profile.open", SECOND, "alice")])
        while heard != [SECOND]:  # noqa: ASYNC110 - the time-out of the test ends it
            await asyncio.sleep(0.01)
        listener.close()


async def test_one_that_goes_and_comes_back_has_its_orders_its_positions_and_its_limits_i26(tmp_path: Path) -> None:
    async with opened(tmp_path) as seats:
        await seats.come()
        bought = await seats.filled(await seats.buy())
        limit = Wanted(scope="profile:second", name="max_order_qty", value="5")
        await seats.desk.guard.set_limit(limit, caller=WHO)
        other = await seats.filled(await seats.buy(FIRST))
        today = seats.desk.guard.risk.ordered_today(SECOND).orders
        assert await seats.go()
        assert list(seats.desk.sessions) == [FIRST]
        with pytest.raises(NotFound, match="no order"):
            seats.desk.order(bought.intent_id)
        with pytest.raises(NotFound, match="no profile 'second'; there are: first"):
            await seats.buy()
        assert not await seats.go()
        await seats.come()
        assert seats.desk.order(bought.intent_id) == bought
        assert seats.desk.order(other.intent_id) == other
        ctx = seats.desk.sessions[SECOND].ctx
        assert ctx.book.holdings.qty("AAPL") == 1
        assert (ctx.limits.max_order_qty, seats.desk.guard.risk.ordered_today(SECOND).orders) == (Decimal(5), today)
        with pytest.raises(RiskLimitExceeded, match="max_order_qty"):
            await seats.buy(quantity="6")
        assert [row[0] for row in seats.rows()] == ["profile.open", "profile.close", "profile.open"]


async def test_what_a_strategy_filled_today_is_counted_once_whoever_goes_and_comes_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as seats:
        await seats.come()
        await seats.filled(await seats.buy(strategy="momentum"))
        strategies = seats.desk.guard.risk.strategies
        assert strategies.fills("momentum") == 1
        await seats.go()
        await seats.come()
        assert strategies.fills("momentum") == 1


async def test_one_with_open_orders_stays_and_by_force_they_stay_at_the_venue(tmp_path: Path) -> None:
    async with opened(tmp_path) as seats:
        await seats.come()
        rests = await seats.buy(type="limit", limit_price="1")
        with pytest.raises(Conflict, match="profile second has 1 open orders: cancel them first"):
            await seats.go()
        assert seats.desk.sessions[SECOND].state is SessionState.READY
        assert seats.desk.sessions[SECOND].held == ""
        sale = replace(rests.terms, side=Side.SELL)
        risk = seats.desk.guard.risk
        risk.catch_up()
        met = risk.resting.met(sale)
        assert met == (Decimal(1), rests.intent_id)
        assert await seats.go(force=True)
        met = risk.resting.met(sale)
        assert met is None  # nobody here would trade with it any more
        await seats.come()
        assert seats.desk.order(rests.intent_id).is_open
        await seats.desk.cancel(rests.intent_id, caller=WHO)


async def test_who_a_person_disconnected_is_so_when_it_comes_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as seats:
        await seats.come()
        await seats.desk.disconnect(SECOND, caller=WHO, reason="a drill")
        assert await seats.go()
        await seats.come()
        assert seats.desk.sessions[SECOND].reason == "disconnected by alice: a drill"
        with pytest.raises(NotReady, match="disconnected by alice"):
            await seats.buy()


async def test_a_permit_that_was_withdrawn_meanwhile_stops_it_and_nobody_else_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as seats:
        await seats.come()
        await seats.go()
        (seats.home.permits / SECOND).unlink()
        await seats.come()
        with pytest.raises(KillSwitchOn, match="its permit was withdrawn"):
            await seats.buy()
        assert (await seats.filled(await seats.buy(FIRST))).cum_qty == 1


async def test_a_kill_that_was_in_force_before_it_came_cancels_what_it_finds_open_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as seats:
        await seats.come()
        rests = await seats.buy(type="limit", limit_price="1")
        await seats.go(force=True)
        await seats.desk.kill(2, caller=WHO, reason="a drill")
        await seats.come()
        while seats.desk.order(rests.intent_id).is_open:  # noqa: ASYNC110 - the time-out of the test ends it
            await asyncio.sleep(0.01)
        assert seats.desk.kill_state().remaining == ()


async def test_one_that_cannot_be_taken_up_leaves_nothing_behind(tmp_path: Path) -> None:
    async with opened(tmp_path) as seats:
        seats.write(FIRST, SECOND, beside='[profiles.second.options]\nno_such_option = "1"\n')
        with pytest.raises(ConfigInvalid):
            await seats.come()
        assert (list(seats.desk.sessions), list(seats.desk.guard.accounts)) == ([FIRST], [FIRST])
        seats.write(FIRST)
        with pytest.raises(ConfigInvalid, match="no enabled profile 'second'"):
            await seats.come()
        seats.write(FIRST, SECOND)
        await seats.come()
        assert seats.desk.sessions[SECOND].state is SessionState.READY


async def test_a_name_that_was_another_brokers_is_refused_i17(tmp_path: Path) -> None:
    async with opened(tmp_path) as seats:
        await seats.come()
        await seats.go()
        seats.home.config.write_text(
            PAPER.format(name=FIRST) + '[profiles.second]\nbroker = "ALPACA"\nenvironment = "paper"\n'
        )
        alpaca = Profile(name=SECOND, broker="ALPACA", environment=Environment.PAPER)
        with pytest.raises(ConfigInvalid, match=r"since .* this name belongs to PAPER paper"):
            await seats.floor.seating.take_up(alpaca, caller=WHO, reason="a test")


async def test_orders_without_a_profile_are_routed_once_there_are_two(tmp_path: Path) -> None:
    async with opened(tmp_path) as seats:
        seats.write(FIRST, SECOND)
        assert seats.desk.default_profile() == FIRST
        await seats.come()
        with pytest.raises(InvalidRequest, match="first, second"):
            seats.desk.default_profile()
        await seats.go()
        assert seats.desk.default_profile() == FIRST


async def test_prices_that_a_profile_carried_go_on_at_another_of_its_broker(tmp_path: Path) -> None:
    async with opened(tmp_path) as seats:
        await seats.come()
        await seats.go(FIRST)
        await seats.come(FIRST)  # now the second is the first that is ready
        ticks = list[Tick]()
        consumer = await seats.desk.subscribe_market_data(["AAPL"], ticks.append)
        await seats.go(SECOND)
        seen = len(ticks)
        while len(ticks) == seen:  # noqa: ASYNC110 - the time-out of the test ends it
            await asyncio.sleep(0.01)
        assert ticks[-1].carrier == FIRST
        await consumer.close()


async def test_a_desk_that_stops_takes_nobody_up_any_more(tmp_path: Path) -> None:
    async with opened(tmp_path) as seats:
        await seats.floor.seating.finish()
        with pytest.raises(NotReady, match="the desk is stopping"):
            await seats.come()


async def test_the_profiles_tell_what_the_desk_makes_of_them(tmp_path: Path) -> None:
    async with opened(tmp_path) as seats:
        stored = Profiles.of(seats.home, seats.floor.vault, Outside(), seating=seats.floor.seating)
        assert stored.one(SECOND).applies == "the desk does not have it: connect it"
        found = await stored.connect(SECOND, caller=WHO, reason="a test")
        assert found.applies == "the desk has it: ready"
        with pytest.raises(NotFound):
            await stored.connect("third", caller=WHO, reason="a test")


async def test_other_options_hold_at_once_by_a_session_anew(tmp_path: Path) -> None:
    async with opened(tmp_path, FIRST, SECOND) as seats:
        stored = Profiles.of(seats.home, seats.floor.vault, Outside(), seating=seats.floor.seating)
        before = await seats.filled(await seats.buy())
        was, first = seats.desk.sessions[SECOND], seats.desk.sessions[FIRST]
        found = await stored.edit(SECOND, Changes(options={"reject_percent": "100"}), caller=WHO)
        assert (found.notes, found.applies) == (("its session began anew with it",), "the desk has it: ready")
        assert seats.desk.sessions[SECOND] is not was
        assert seats.desk.sessions[FIRST] is first
        assert (await seats.buy()).state is OrderState.REJECTED
        assert seats.desk.order(before.intent_id).cum_qty == 1
        assert seats.rows() == [("profile.close", SECOND, "alice"), ("profile.open", SECOND, "alice")]
        again = await stored.edit(SECOND, Changes(options={"reject_percent": "100"}), caller=WHO)
        assert (again.notes, len(seats.rows())) == ((), 2)


async def test_while_orders_are_open_a_change_waits_and_says_so_and_comes_when_asked_again(tmp_path: Path) -> None:
    async with opened(tmp_path, FIRST, SECOND) as seats:
        stored = Profiles.of(seats.home, seats.floor.vault, Outside(), seating=seats.floor.seating)
        was, changes = seats.desk.sessions[SECOND], Changes(options={"fee_per_share": "1"})
        resting = await seats.buy(type="limit", limit_price="100")
        found = await stored.edit(SECOND, changes, caller=WHO)
        old, why = found.notes
        assert (old, found.applies) == (OUTDATED, "the desk has it: ready")
        assert why.startswith(
            "profile second has 1 open orders: cancel them first; ask for the same change again after"
        )
        assert found.options == {"fee_per_share": "1"}
        assert stored.one(SECOND).notes == (OUTDATED,)
        assert seats.desk.sessions[SECOND] is was
        await seats.filled(await seats.buy())  # it takes orders as before
        await seats.desk.cancel(resting.intent_id, caller=WHO)
        await seats.desk.sessions[SECOND].service.sends_ended()
        while seats.desk.sessions[SECOND].ctx.book.open_orders():  # noqa: ASYNC110 - the time-out of the test ends it
            await asyncio.sleep(0.01)
        again = await stored.edit(SECOND, changes, caller=WHO)
        assert (again.notes, again.applies) == (("its session began anew with it",), "the desk has it: ready")
        assert seats.desk.sessions[SECOND] is not was


async def test_what_a_person_writes_into_the_file_is_told_until_a_session_is_made_of_it(tmp_path: Path) -> None:
    async with opened(tmp_path, FIRST, SECOND) as seats:
        stored = Profiles.of(seats.home, seats.floor.vault, Outside(), seating=seats.floor.seating)
        was = seats.desk.sessions[SECOND]
        seats.write(FIRST, SECOND, beside='options = { fee_per_share = "1" }\n')
        assert (stored.one(SECOND).notes, stored.one(FIRST).notes) == ((OUTDATED,), ())
        assert stored.one(SECOND).options == {"fee_per_share": "1"}
        seats.write(FIRST, SECOND)
        assert stored.one(SECOND).notes == (), "it is as it was"
        seats.write(FIRST, SECOND, beside='host = "elsewhere"\n')
        found = await stored.edit(SECOND, Changes(), caller=WHO)
        assert found.notes == ("its session began anew with it",)
        assert seats.desk.sessions[SECOND] is not was
        seats.write(FIRST, SECOND, beside='external_orders = "observe"\nflatten = true\n')
        assert await seats.go()
        assert stored.one(SECOND).notes == ()
        await seats.come()
        assert (stored.one(SECOND).notes, stored.one(SECOND).applies) == ((), "the desk has it: ready")


async def test_a_section_that_says_nothing_new_of_a_profile_that_had_none_calls_for_no_other_session(
    tmp_path: Path,
) -> None:
    home = Home.at(tmp_path / "home")
    async with open_floor(home, outside=Outside(), environ={}) as floor:
        await floor.desks[Environment.PAPER].until_settled()
        stored = Profiles.of(home, floor.vault, Outside(), seating=floor.seating)
        home.config.write_text(PAPER.format(name="paper"))
        assert stored.one("paper").notes == ()
        home.config.write_text(PAPER.format(name="paper") + 'external_orders = "observe"\n')
        assert stored.one("paper").notes == (OUTDATED,)


async def test_what_a_profile_says_of_orders_of_others_and_of_a_kill_is_taken_up_while_orders_are_open(
    tmp_path: Path,
) -> None:
    """To be told to cancel them first would take away what is to be left alone from now on."""
    async with opened(tmp_path, FIRST, SECOND) as seats:
        stored = Profiles.of(seats.home, seats.floor.vault, Outside(), seating=seats.floor.seating)
        was, opted = seats.desk.sessions[SECOND], seats.desk.killing.flattening.opted
        resting = await seats.buy(type="limit", limit_price="100")
        seats.write(FIRST, SECOND, beside='external_orders = "observe"\nflatten = true\n')
        assert stored.one(SECOND).notes == (OUTDATED,)
        found = await stored.edit(SECOND, Changes(enabled=True), caller=WHO)
        assert found.notes == (RESETTLED,)
        assert seats.desk.sessions[SECOND] is was
        assert (was.ctx.external, SECOND in opted) == (ExternalOrders.OBSERVE, True)
        seats.write(FIRST, SECOND)
        assert (await stored.edit(SECOND, Changes(), caller=WHO)).notes == (RESETTLED,)
        assert (was.ctx.external, SECOND in opted) == (ExternalOrders.ADOPT, False)
        assert (stored.one(SECOND).notes, seats.desk.order(resting.intent_id).is_open) == ((), True)
        seats.write(FIRST, SECOND, beside='external_orders = "observe"\noptions = { fee_per_share = "1" }\n')
        assert OUTDATED in (await stored.edit(SECOND, Changes(), caller=WHO)).notes
        assert was.ctx.external is ExternalOrders.ADOPT, "half of a change was taken up"


async def test_a_change_that_is_taken_back_while_orders_are_open_leaves_nothing_to_tell(tmp_path: Path) -> None:
    async with opened(tmp_path, FIRST, SECOND) as seats:
        stored = Profiles.of(seats.home, seats.floor.vault, Outside(), seating=seats.floor.seating)
        was = seats.desk.sessions[SECOND]
        await seats.buy(type="limit", limit_price="100")
        assert OUTDATED in (await stored.edit(SECOND, Changes(options={"fee_per_share": "1"}), caller=WHO)).notes
        assert (await stored.edit(SECOND, Changes(options={"fee_per_share": ""}), caller=WHO)).notes == ()
        assert seats.desk.sessions[SECOND] is was


async def test_a_change_no_session_can_be_made_of_ends_none(tmp_path: Path) -> None:
    async with opened(tmp_path, FIRST, SECOND) as seats:
        was = seats.desk.sessions[SECOND]
        seats.write(FIRST)
        with pytest.raises(ConfigInvalid, match="no enabled profile 'second'"):
            await seats.floor.seating.reseated(profile(), caller=WHO, reason="a test")
        assert seats.desk.sessions[SECOND] is was
        assert was.state is SessionState.READY
        await seats.filled(await seats.buy())
