"""What trips the kill switch by itself, when, and that it stays tripped until a person looks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from floorbroker.domain.values import ProfileName
from floorbroker.gateway.desk import RoundResult
from floorbroker.gateway.tripwires import Tripwires, Wire, diverged
from tests.support.house import NOON, PROFILE, Desk, opened


def found(*differences: str, converged: bool = False, error: str = "") -> RoundResult:
    return RoundResult(profile=PROFILE, at=NOON, converged=converged, counts={}, differences=differences, error=error)


def test_a_wire_breaks_once_after_its_time_and_again_after_it_was_well() -> None:
    wire = Wire(10.0)
    told = [(s, wire.breaks(now_s=s, wrong=wrong)) for s, wrong in ((0, True), (9, True), (10, True), (30, True))]
    assert [s for s, breaks in told if breaks] == [10]
    assert not wire.breaks(now_s=31.0, wrong=False)
    assert not wire.breaks(now_s=32.0, wrong=True)
    assert wire.breaks(now_s=42.0, wrong=True)


def test_a_wire_of_no_seconds_never_breaks() -> None:
    wire = Wire(0.0)
    assert not any(wire.breaks(now_s=float(s), wrong=True) for s in range(1000))


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (None, ""),
        (found(converged=True), ""),
        (found(error="no answer"), ""),  # a round that could not be finished says nothing of positions
        (found("AAPL: 1 here, 2 there"), "AAPL: 1 here, 2 there"),
        (found(), "positions do not agree"),
    ],
)
def test_only_a_finished_round_diverges(result: RoundResult | None, told: str) -> None:
    assert diverged(result) == told


@dataclass
class Bad:
    """An attendant that is in trouble when told to be."""

    trouble: str = ""

    async def start(self) -> None:
        """Nothing has to be started."""

    async def finish(self) -> None:
        """Nothing was."""


async def strung(desk: Desk, *, audit_s: float = 0.0, divergence_s: float = 0.0) -> Bad:
    """The desk's own wires, looked at every second."""
    bad = Bad()
    desk.gateway.attendants = (bad,)
    desk.gateway.audit_fault_s, desk.gateway.divergence_s = audit_s, divergence_s
    desk.ctx.spawn(desk.gateway.tripwires().run(), name="tripwires")
    return bad


@pytest.mark.asyncio
async def test_an_audit_that_cannot_be_written_for_long_stops_everything_until_a_reset(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        bad = await strung(desk, audit_s=10.0)
        bad.trouble = "the audit cannot be written: no space"
        await desk.wait(5)
        assert desk.gateway.kill_state().level == 0
        await desk.until(lambda: desk.gateway.kill_state().level == 1, longest_s=10)
        bad.trouble = ""
        await desk.wait(20)
        state = desk.gateway.kill_state()
        assert (state.level, state.by) == (1, "gateway")
        assert "no space, for 10 s" in state.reason


@pytest.mark.asyncio
async def test_positions_that_do_not_agree_for_long_stop_their_profile(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await strung(desk, divergence_s=10.0)
        desk.session.last_round = found("AAPL: 1 here, 2 there")
        await desk.until(lambda: bool(desk.gateway.kill_state().by_profile), longest_s=20)
        state = desk.gateway.kill_state()
        assert (state.level, state.by_profile) == (0, {PROFILE: 1})
        assert "AAPL: 1 here, 2 there" in state.reason


@pytest.mark.asyncio
async def test_what_heals_in_time_trips_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        tripped: list[ProfileName] = []

        async def trip(scope: ProfileName, reason: str) -> None:
            tripped.append(scope)

        sessions = {PROFILE: desk.session}
        wires = Tripwires(
            sessions=sessions, trouble=str, trip=trip, clock=desk.clock, log=desk.log, audit_s=1.0, divergence_s=5.0
        )
        desk.session.last_round = found("off by one")
        for result in (found("off by one"), found(converged=True), found("off by two")):
            desk.session.last_round = result
            await wires.look()
            await desk.wait(4)
        await wires.look()
        assert tripped == []


@pytest.mark.asyncio
async def test_a_round_that_fails_in_between_heals_nothing_and_trips_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        tripped: list[ProfileName] = []

        async def trip(scope: ProfileName, reason: str) -> None:
            tripped.append(scope)

        wires = Tripwires(
            sessions={PROFILE: desk.session}, trouble=str, trip=trip, clock=desk.clock, log=desk.log, divergence_s=10.0
        )
        lasting, silent = found("AAPL: 1 here, 2 there"), found(error="no answer")
        told: list[int] = []
        for result in (lasting, silent, lasting, silent, silent, lasting):
            desk.session.last_round = result
            await wires.look()
            told.append(len(tripped))
            await desk.wait(4)
        assert told == [0, 0, 0, 0, 0, 1]
