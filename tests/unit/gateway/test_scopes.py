"""Scopes of the kill switch: what each stops, what it leaves alone, and that it lasts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from floorbroker.app.home import Home
from floorbroker.app.permits import FilePermits
from floorbroker.domain.errors import Conflict, InvalidRequest, KillSwitchOn
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.ports import NoteEntry
from floorbroker.domain.values import OrdStatus, ProfileName
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.kill import Sentinel
from floorbroker.gateway.scopes import GLOBAL, in_words, named, parted, scope_of
from tests.support.fake_broker import buy, silence
from tests.support.house import CALLER, PROFILE, opened

OTHER = Caller(principal="another", via="test")


def of(strategy: str, qty: str = "10") -> NewOrder:
    return replace(buy(qty), strategy=strategy)


@pytest.mark.parametrize(
    ("given", "scope", "words"),
    [
        ({}, "*", "all profiles"),
        ({"profile": "paper"}, "paper", "profile paper"),
        ({"account": "U-1"}, "account:U-1", "account U-1"),
        ({"strategy": "a:b c"}, "strategy:a:b c", "strategy a:b c"),
        ({"token": "bot"}, "token:bot", "token bot"),
    ],
)
def test_a_scope_is_one_text_that_reads_one_way(given: dict[str, str], scope: str, words: str) -> None:
    made = scope_of(**given)
    assert (made, in_words(made)) == (scope, words)
    assert scope_of(**named(made)) == made
    assert parted(made)[1] == next(iter(given.values()), "")


@pytest.mark.parametrize(
    "given", [{"profile": "a", "strategy": "b"}, {"strategy": " "}, {"token": "x" * 129}, {"account": "a\nb"}]
)
def test_two_scopes_at_once_and_names_that_are_none_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        scope_of(**given)
    assert {f.pointer for f in refused.value.fields} == {f"/{kind}" for kind in given}


@pytest.mark.asyncio
async def test_a_strategy_is_stopped_and_its_orders_cancelled_while_others_trade_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        theirs, ours = await desk.place(of("wild")), await desk.place(of("calm", "11"))
        await desk.gateway.kill(2, caller=CALLER, reason="runs away", strategy="wild")
        with pytest.raises(KillSwitchOn, match="strategy wild"):
            await desk.place(of("wild", "12"))
        await desk.until(lambda: desk.now(theirs).ord_status is OrdStatus.CANCELED)
        assert desk.now(ours).ord_status is OrdStatus.NEW
        assert desk.sent("cancel_all") == 0
        assert (await desk.place(of("calm", "13"))).ord_status is OrdStatus.NEW


@pytest.mark.asyncio
async def test_a_token_is_stopped_and_its_orders_cancelled_while_others_trade_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        theirs, ours = await desk.place(buy("1"), caller=OTHER), await desk.place(buy("2"))
        await desk.gateway.kill(2, caller=CALLER, reason="leaked", token="another")
        with pytest.raises(KillSwitchOn, match="token another"):
            await desk.place(buy("3"), caller=OTHER)
        await desk.until(lambda: desk.now(theirs).ord_status is OrdStatus.CANCELED)
        assert desk.now(ours).is_open
        assert (await desk.place(buy("4"))).ord_status is OrdStatus.NEW


@pytest.mark.asyncio
async def test_an_account_stops_the_profiles_that_trade_it_and_takes_their_permits_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        number = desk.broker.account
        await desk.gateway.kill(2, caller=CALLER, reason="somebody else's", account="not this one")
        assert (await desk.place(buy("2"))).is_open
        await desk.gateway.kill(2, caller=CALLER, reason="ours", account=number)
        assert not desk.permits.has(PROFILE)
        with pytest.raises(KillSwitchOn, match=f"account {number}"):
            await desk.place(buy("3"))
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.CANCELED)
        await desk.gateway.reset_kill(caller=CALLER, reason="looked at it", account=number)
        assert (await desk.place(buy("4"))).is_open


@pytest.mark.asyncio
async def test_the_last_look_knows_the_strategy_of_an_order_on_its_way_i14(tmp_path: Path) -> None:
    """Decided and durable before the trip, it does not leave after it."""
    async with opened(tmp_path) as desk:
        hold = asyncio.Event()
        desk.journal.hold_when = lambda entries: None if any(isinstance(e, NoteEntry) for e in entries) else hold
        deciding = asyncio.ensure_future(desk.place(of("wild")))
        await desk.wait()
        await desk.gateway.kill(1, caller=CALLER, reason="runs away", strategy="wild")
        desk.journal.hold_when = lambda entries: None
        hold.set()
        assert (await deciding).ord_status is OrdStatus.NOT_SENT
        assert desk.sent("submit") == 0


@pytest.mark.asyncio
async def test_latches_of_every_scope_outlive_a_restart_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.gateway.kill(1, caller=CALLER, reason="one", strategy="wild")
        await desk.gateway.kill(2, caller=OTHER, reason="two", token="another")
        broker, clock = desk.broker, desk.clock
        await desk.crash()
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        told = [(latch.scope, latch.level, latch.by) for latch in desk.gateway.kill_state().latches]
        assert told == [("strategy:wild", 1, "tester"), ("token:another", 2, "another")]
        with pytest.raises(KillSwitchOn, match="strategy wild"):
            await desk.place(of("wild"))
        assert (await desk.place(of("calm"))).is_open


@pytest.mark.asyncio
async def test_a_strategy_that_no_disk_takes_costs_every_profile_its_permit_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.journal.fault_when = lambda entries: True
        await desk.gateway.kill(1, caller=CALLER, reason="full", strategy="wild")
        desk.journal.fault_when = lambda entries: False
        broker, clock = desk.broker, desk.clock
        await desk.crash()
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        with pytest.raises(KillSwitchOn, match="permit"):
            await desk.place(of("wild"))


@pytest.mark.asyncio
async def test_a_kill_during_a_reset_is_the_one_that_holds_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.gateway.kill(1, caller=CALLER, reason="first")
        hold = asyncio.Event()
        desk.journal.hold_when = lambda entries: hold
        resetting = asyncio.ensure_future(desk.gateway.reset_kill(caller=CALLER, reason="all clear"))
        await desk.wait()
        desk.journal.hold_when = lambda entries: None
        await desk.gateway.kill(1, caller=CALLER, reason="second")
        hold.set()
        with pytest.raises(Conflict):
            await resetting
        assert not desk.permits.has(PROFILE)
        with pytest.raises(KillSwitchOn, match="second"):
            await desk.place(buy())


@pytest.mark.asyncio
async def test_a_kill_tells_of_each_order_how_it_goes(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.failing["cancel_all"] = silence()
        desk.broker.next_cancel += ["refuse"] * 3
        await desk.gateway.kill(2, caller=CALLER, reason="test")
        await desk.wait(0.5)
        (told,) = desk.gateway.kill_state().orders
        assert (told.intent_id, told.profile, told.symbol, told.asked) == (order.intent_id, PROFILE, "AAPL", 1)
        assert told.trouble == "order_rejected: order is not cancelable"
        await desk.until(lambda: not desk.gateway.kill_state().orders)


@pytest.mark.asyncio
async def test_whoever_watches_risk_hears_of_a_trip_and_its_reset(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        heard: list[dict[str, str]] = []

        async def listen() -> None:
            events = aiter(desk.gateway.events(channels=frozenset({"risk"})))
            while True:
                heard.append(dict((await anext(events)).data))

        listening = asyncio.ensure_future(listen())
        await desk.wait()
        await desk.gateway.kill(1, caller=CALLER, reason="drill", strategy="wild")
        await desk.gateway.reset_kill(caller=CALLER, reason="over", strategy="wild")
        await desk.wait()
        listening.cancel()
        assert [(e["event"], e["scope"], e["level"], e["by"]) for e in heard] == [
            ("kill_tripped", "strategy:wild", "1", "tester"),
            ("kill_reset", "strategy:wild", "0", "tester"),
        ]


@pytest.mark.asyncio
async def test_a_kill_that_comes_by_file_and_by_the_server_is_told_once_and_a_stricter_or_another_one_again(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk:
        heard: list[tuple[str, str]] = []
        desk.gateway.on("kill_tripped", lambda told: heard.append((told.data["level"], told.data["reason"])))
        FilePermits(Home.at(tmp_path)).write_sentinel(Sentinel(level=1, scope=PROFILE, reason="drill", by="operator"))
        await desk.until(lambda: bool(heard))
        await desk.gateway.kill(1, caller=CALLER, reason="drill", profile=PROFILE)
        await desk.gateway.kill(2, caller=CALLER, reason="drill", profile=PROFILE)
        await asyncio.gather(
            desk.gateway.kill(1, caller=CALLER, reason="worse", profile=PROFILE),
            desk.gateway.kill(1, caller=CALLER, reason="worse", profile=PROFILE),
        )
        await desk.wait(1)
        assert heard == [("1", "drill"), ("2", "drill"), ("2", "worse")]


@pytest.mark.asyncio
async def test_a_kill_file_may_name_a_strategy_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        beside = FilePermits(Home.at(tmp_path))
        beside.write_sentinel(Sentinel(level=2, scope=ProfileName("strategy:wild"), reason="by hand", by="cli"))
        await desk.wait(1)
        with pytest.raises(KillSwitchOn, match="strategy wild"):
            await desk.place(of("wild"))
        assert (await desk.place(of("calm"))).is_open


@pytest.mark.asyncio
@pytest.mark.parametrize("scope", ["strategy:", "nonsense:x", "Strategy:x", "account: "])
async def test_a_kill_file_with_a_scope_nobody_can_read_kills_everything_i14(tmp_path: Path, scope: str) -> None:
    async with opened(tmp_path) as desk:
        FilePermits(Home.at(tmp_path)).write_sentinel(
            Sentinel(level=1, scope=ProfileName(scope), reason="by hand", by="cli")
        )
        await desk.wait(1)
        assert [latch.scope for latch in desk.gateway.kill_state().latches] == [GLOBAL]
