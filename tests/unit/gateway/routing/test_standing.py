"""Demotion and promotion: decided with hysteresis, durable, told, and never of the last one that works."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from floorbroker.domain.errors import InvalidRequest, JournalFault
from floorbroker.domain.ports import Entry, NoteEntry
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.routing.policy import Moving, Strategy
from floorbroker.gateway.routing.promoting import STANDING
from floorbroker.gateway.routing.standing import Hysteresis, Look
from tests.support.fake_broker import buy
from tests.support.fleet import CALLER, A, B, C, make, opened, ruled

MOVING = Moving(demote_below=40, demote_after_s=10, promote_above=80, promote_after_s=60)
FAILOVER = ruled(Strategy.FAILOVER)


def looks(a: int | str, b: int | str = 100) -> list[Look]:
    """Health by profile, or a trouble in words."""
    found = {A: a, B: b}
    return [
        Look(profile=name, trouble=told if isinstance(told, str) else "", health=100 if isinstance(told, str) else told)
        for name, told in found.items()
    ]


def played(course: list[tuple[float, int | str]]) -> list[tuple[float, ProfileName, bool]]:
    """Every turn of a course of `a`'s health, with when it came."""
    watch, demoted, found = Hysteresis(MOVING), set[ProfileName](), list[tuple[float, ProfileName, bool]]()
    for at_s, health in course:
        for turn in watch.turns(looks(health), frozenset(demoted), at_s):
            found.append((at_s, turn.profile, turn.demoted))
            (demoted.add if turn.demoted else demoted.discard)(turn.profile)
    return found


def test_a_bad_profile_is_demoted_when_it_was_bad_long_enough() -> None:
    assert played([(0, "down"), (9.9, "down"), (10, "down"), (11, "down")]) == [(10, A, True)]
    assert played([(0, 39), (10, 39)]) == [(10, A, True)]


def test_a_dip_demotes_nobody() -> None:
    assert played([(0, "down"), (9, "down"), (9.5, 100), (10, "down"), (19, "down")]) == []
    assert played([(0, 40), (100, 40)]) == []


def test_it_comes_back_only_after_it_was_good_long_enough() -> None:
    course = [(0, "down"), (10, "down"), (11, 100), (70, 100), (71, 100)]
    assert played(course) == [(10, A, True), (71, A, False)]


def test_between_the_two_thresholds_nothing_changes() -> None:
    assert played([(0, "down"), (10, "down"), (11, 80), (200, 80), (201, 60), (400, 41)]) == [(10, A, True)]


def test_the_last_that_can_be_used_is_never_demoted() -> None:
    watch = Hysteresis(MOVING)
    none = frozenset[ProfileName]()
    assert watch.turns(looks("down", "down"), none, 0) == []
    assert watch.turns(looks("down", "down"), none, 20) == []
    assert [turn.profile for turn in watch.turns(looks("down", 100), none, 21)] == [A]


@pytest.mark.asyncio
async def test_the_next_is_promoted_and_the_former_comes_back(tmp_path: Path) -> None:
    async with opened(tmp_path, FAILOVER) as fleet:
        fleet.health[A] = 20
        assert (await fleet.place(buy())).profile == A  # not yet demoted: it still takes orders
        await fleet.clock.advance(12.0)
        during = await fleet.place(buy())
        fleet.health[A] = 100
        await fleet.clock.advance(50.0)
        still = await fleet.place(buy())
        await fleet.clock.advance(15.0)
        after = await fleet.place(buy())
        words = ("demoted", "restored", "promoted")
        told = [(e.data["event"], e.profile) for e in fleet.told if e.data.get("event") in words]
    assert [during.profile, still.profile, after.profile] == [B, B, A]
    assert told == [("demoted", A), ("promoted", B), ("restored", A), ("promoted", A)]
    assert fleet.log.events.count("failover.standing") == 4


@pytest.mark.asyncio
async def test_who_is_demoted_survives_a_restart(tmp_path: Path) -> None:
    fleet = make(tmp_path, FAILOVER)
    await fleet.gateway.start()
    await fleet.until(fleet.ready)
    fleet.health[A] = 20
    await fleet.clock.advance(12.0)
    await fleet.crash()
    async with opened(tmp_path, FAILOVER, brokers=fleet.brokers, clock=fleet.clock) as again:
        assert again.promotions.why(A) == "its health is 20, below 40"
        assert (await again.place(buy())).profile == B


@pytest.mark.asyncio
async def test_a_turn_that_is_not_durable_did_not_happen_and_is_tried_again(tmp_path: Path) -> None:
    async with opened(tmp_path, FAILOVER) as fleet:
        fleet.journal.fault_when = lambda entries: any(
            isinstance(entry, NoteEntry) and entry.topic == STANDING for entry in entries
        )
        fleet.health[A] = 20
        await fleet.clock.advance(12.0)
        assert not fleet.promotions.demoted
        assert "failover.not_done" in fleet.log.events
        fleet.journal.fault_when = lambda entries: False
        await fleet.clock.advance(2.0)
        assert fleet.promotions.demoted == {A}


@pytest.mark.asyncio
async def test_a_person_demotes_and_restores(tmp_path: Path) -> None:
    async with opened(tmp_path, FAILOVER) as fleet:
        with pytest.raises(InvalidRequest, match="say why"):
            await fleet.promotions.set_by_hand(A, demoted=True, caller=CALLER, reason=" ")
        await fleet.promotions.set_by_hand(A, demoted=True, caller=CALLER, reason="maintenance")
        await fleet.clock.advance(120.0)  # health alone does not bring it back
        order = await fleet.place(buy())
        assert order.profile == B
        assert [seen.reason for seen in fleet.route(order).seen] == [
            "first in order of preference that is not demoted",
            "not asked: behind beta",
            "not asked: demoted, and behind beta",
        ]
        await fleet.promotions.set_by_hand(A, demoted=False, caller=CALLER, reason="done")
        assert (await fleet.place(buy())).profile == A
        fleet.journal.fault_when = lambda entries: True
        with pytest.raises(JournalFault):
            await fleet.promotions.set_by_hand(C, demoted=True, caller=CALLER, reason="x")
        assert not fleet.promotions.demoted


@pytest.mark.asyncio
async def test_a_turn_decided_before_a_person_spoke_is_not_made_after(tmp_path: Path) -> None:
    """Two profiles come back in one look; while the first is written, a person keeps the second out."""

    def written(entries: Sequence[Entry]) -> bool:
        return any(isinstance(e, NoteEntry) and (e.topic, e.profile) == (STANDING, A) for e in entries)

    async with opened(tmp_path, FAILOVER) as fleet:
        fleet.health.update({A: 20, B: 20})
        await fleet.clock.advance(12.0)
        assert fleet.promotions.demoted == {A, B}
        durable = asyncio.Event()
        fleet.journal.hold_when = lambda entries: durable if written(entries) else None
        fleet.health.update({A: 100, B: 100})
        await fleet.until(lambda: sum(map(written, fleet.journal.commits)) == 2)
        await fleet.promotions.set_by_hand(B, demoted=True, caller=CALLER, reason="maintenance")
        durable.set()
        await fleet.clock.advance(3.0)
        assert (fleet.promotions.demoted, fleet.promotions.why(B)) == ({B}, "maintenance")


def test_what_held_before_nobody_looked_is_forgotten() -> None:
    """A person kept `a` out for an hour: a second of trouble after that is no hour of it."""
    watch, none = Hysteresis(MOVING), frozenset[ProfileName]()
    watch.turns(looks("down"), none, 0)
    watch.turns([look for look in looks("down") if look.profile != A], none, 1)
    assert watch.turns(looks("down"), none, 3600) == []
    assert [turn.profile for turn in watch.turns(looks("down"), none, 3610)] == [A]
