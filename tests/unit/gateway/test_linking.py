"""A profile that a person disconnects stays so until a person connects it, and what protects it goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from floorbroker.domain.errors import Hint, InvalidRequest, JournalFault, NotReady, RateLimitExceeded
from floorbroker.domain.ports import AuditEntry
from floorbroker.domain.values import OrdStatus
from floorbroker.gateway.desk import SessionState
from floorbroker.gateway.routing.policy import Policy
from tests.support.fake_broker import buy
from tests.support.fleet import CALLER, A, B, Fleet, make, opened

pytestmark = pytest.mark.asyncio


def state(fleet: Fleet) -> tuple[SessionState, str]:
    session = fleet.gateway.sessions[A]
    return session.state, session.reason


async def test_a_disconnected_profile_takes_nothing_new_and_is_left_alone_but_cancels_pass(tmp_path: Path) -> None:
    async with opened(tmp_path, Policy()) as fleet:
        order = (await fleet.gateway.submit(buy(), profile=A, caller=CALLER)).order
        await fleet.gateway.disconnect(A, caller=CALLER, reason="key rotation")
        with pytest.raises(NotReady, match="disconnected by tester: key rotation"):
            await fleet.gateway.submit(buy(), profile=A, caller=CALLER)
        other = (await fleet.gateway.submit(buy(), profile=B, caller=CALLER)).order
        await fleet.clock.advance(1.0)
        reads = len(fleet.brokers[A].reads)
        await fleet.clock.advance(700.0)
        assert len(fleet.brokers[A].reads) == reads
        cancelled = await fleet.gateway.cancel(order.intent_id, caller=CALLER)
        held = state(fleet)
        await _connected(fleet)
        again = (await fleet.gateway.submit(buy(), profile=A, caller=CALLER)).order
        rows = [record.entry for record in fleet.gateway.audit(limit=1000)]
    assert held == (SessionState.OFFLINE, "disconnected by tester: key rotation")
    assert (other.ord_status, cancelled.ord_status, again.ord_status) == (
        OrdStatus.NEW,
        OrdStatus.CANCELED,
        OrdStatus.NEW,
    )
    acts = [(row.action, row.reason) for row in rows if isinstance(row, AuditEntry) and row.object == A]
    assert ("profile.disconnect", "key rotation") in acts
    assert ("profile.connect", "done") in acts


async def test_its_stream_ends_at_once_though_the_venue_has_banned_it_for_an_hour_and_the_ban_is_kept(
    tmp_path: Path,
) -> None:
    ban = RateLimitExceeded("banned", hint=Hint(retry_after_s=3600.0, notify=True))
    async with opened(tmp_path, Policy()) as fleet:
        venue, session = fleet.brokers[A], fleet.gateway.sessions[A]
        venue.failing["get_open_orders"] = ban
        session.reconcile_again("test")
        await fleet.clock.advance(1.0)
        assert (session.state, session.stream_up) == (SessionState.DEGRADED, True)
        await fleet.gateway.disconnect(A, caller=CALLER, reason="let its timer run out")
        await fleet.clock.advance(1.0)
        assert not session.stream_up
        venue.failing.clear()
        connecting = asyncio.ensure_future(fleet.gateway.connect(A, caller=CALLER, reason="done"))
        await fleet.clock.advance(3000.0)
        assert (session.state, connecting.done()) == (SessionState.OFFLINE, False)
        await fleet.clock.advance(700.0)
        await connecting
        assert session.state is SessionState.READY


async def test_it_holds_across_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path, Policy()) as fleet:
        await fleet.gateway.disconnect(A, caller=CALLER, reason="key rotation")
    again = make(tmp_path, Policy(), brokers=fleet.brokers, clock=fleet.clock)
    await again.gateway.start()
    try:
        await again.clock.advance(60.0)
        held = state(again)
        await _connected(again)
        assert state(again)[0] is SessionState.READY
    finally:
        await again.stop()
    assert held == (SessionState.OFFLINE, "disconnected by tester: key rotation")


async def test_without_a_reason_or_a_disk_nothing_happens(tmp_path: Path) -> None:
    async with opened(tmp_path, Policy()) as fleet:
        for act in (fleet.gateway.disconnect, fleet.gateway.connect):
            with pytest.raises(InvalidRequest, match="say why"):
                await act(A, caller=CALLER, reason=" ")
        fleet.journal.fault_when = lambda entries: True
        with pytest.raises(JournalFault):
            await fleet.gateway.disconnect(A, caller=CALLER, reason="key rotation")
        fleet.journal.fault_when = lambda entries: False
        assert state(fleet)[0] is SessionState.READY


async def test_what_the_stream_says_late_does_not_connect_it(tmp_path: Path) -> None:
    async with opened(tmp_path, Policy()) as fleet:
        await fleet.gateway.disconnect(A, caller=CALLER, reason="key rotation")
        fleet.gateway.sessions[A].on_stream(True, "")
        await fleet.clock.advance(5.0)
        assert state(fleet)[0] is SessionState.OFFLINE


async def _connected(fleet: Fleet) -> None:
    connecting = asyncio.ensure_future(fleet.gateway.connect(A, caller=CALLER, reason="done"))
    await fleet.until(connecting.done)
    await connecting
    await fleet.until(fleet.ready)
