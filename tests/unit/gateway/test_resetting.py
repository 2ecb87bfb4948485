"""Who may open the kill switch, and who may not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from floorbroker.domain.errors import Forbidden, KillSwitchOn, NotReady
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.resetting import PROGRAMS, Closed, why_not
from tests.support.fake_broker import buy
from tests.support.house import CALLER, opened

PERSON = Caller(principal="ada", via="page", roles=frozenset({"risk", "trade"}), proved_s=10.0)
BOT = Caller(principal="bot", via="api", token="bot-1")


@pytest.mark.parametrize(
    ("caller", "closed", "second", "told"),
    [
        (PERSON, Closed(), None, ""),
        (Caller(principal="operator", via="cli"), Closed(), None, ""),  # nothing more is known: the one token of ADR 6
        (Caller(principal="ada", via="page", roles=frozenset({"trade"})), Closed(), None, "role risk"),
        (Caller(principal="ada", via="page", proved_s=301.0), Closed(), None, "301 s ago"),
        (Caller(principal="ada", via="page", proved_s=300.0), Closed(), None, ""),
        (BOT, Closed(token="bot-1"), None, "token bot-1 tripped it"),
        (BOT, Closed(token="bot-2"), None, ""),
        (PERSON, Closed(), "", "second person"),
        (PERSON, Closed(), "ada", "second person"),
        (PERSON, Closed(), "grace", ""),
    ],
)
def test_who_may_open_it(caller: Caller, closed: Closed, second: str | None, told: str) -> None:
    found = why_not(caller, closed, second=second)
    assert told in found
    assert bool(found) == bool(told)


@pytest.mark.parametrize("via", sorted(PROGRAMS))
def test_no_program_opens_it(via: str) -> None:
    assert "a person's act" in why_not(Caller(principal="ada", via=via), Closed())


@pytest.mark.asyncio
async def test_the_token_that_tripped_it_does_not_open_it_also_after_a_restart_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.gateway.kill(1, caller=BOT, reason="losing")
        with pytest.raises(Forbidden, match="bot-1"):
            await desk.gateway.reset_kill(caller=BOT, reason="on we go")
        broker, clock = desk.broker, desk.clock
        await desk.crash()
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        with pytest.raises(Forbidden, match="bot-1"):
            await desk.gateway.reset_kill(caller=BOT, reason="on we go")
        with pytest.raises(KillSwitchOn):
            await desk.place(buy())
        await desk.gateway.reset_kill(caller=CALLER, reason="looked at it")
        assert (await desk.place(buy())).is_open


@pytest.mark.asyncio
async def test_what_a_program_tripped_only_a_person_opens_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        program = Caller(principal="gateway", via="gateway")
        await desk.gateway.kill(1, caller=program, reason="losing")
        with pytest.raises(Forbidden):
            await desk.gateway.reset_kill(caller=program, reason="on we go")
        assert desk.gateway.kill_state().level == 1


@pytest.mark.asyncio
async def test_a_reset_is_answered_though_a_venue_takes_long_to_agree(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.gateway.kill(1, caller=CALLER, reason="a test")
        desk.broker.gates["get_positions"] = asyncio.Event()
        resetting = asyncio.ensure_future(desk.gateway.reset_kill(caller=CALLER, reason="looked at it"))
        await desk.until(resetting.done)
        assert resetting.result().level == 0
        assert desk.session.state.value == "reconciling"
        with pytest.raises(NotReady):
            await desk.place(buy())
        desk.broker.gates["get_positions"].set()
        await desk.until(lambda: desk.session.state.value == "ready")
