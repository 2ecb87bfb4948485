"""Bugs of the kill switch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from floorbroker.domain.clock import Clock
from floorbroker.domain.orders import Order
from floorbroker.domain.ports import Entry, NoteEntry, Record
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.kill import GLOBAL, LATCH, KillSwitch, Permits, Sentinel
from floorbroker.gateway.killing import CANCEL_ROUND_S, Killing
from tests.simulation.house import Plant
from tests.simulation.places import PROFILE
from tests.simulation.schedule import Crash, Plan, Reopen, Stop
from tests.simulation.teeth.bug import Bug, every, stopped, struck_by, with_act
from tests.simulation.teeth.ports import JournalAround, becomes, ctx_of
from tests.simulation.worlds import ALL


class ForgetsLatches(JournalAround):
    async def commit(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        kept = [e for e in entries if not (isinstance(e, NoteEntry) and e.topic == LATCH)]
        return await self.honest.commit(kept)


@dataclass(slots=True)
class AlwaysPermitted:
    """Permits that nobody withdraws."""

    honest: Permits

    def has(self, profile: ProfileName) -> bool:
        return True

    def grant(self, profile: ProfileName) -> None:
        """It is granted."""

    def withdraw(self, profile: ProfileName) -> None:
        """Nor is it withdrawn."""

    def sentinels(self) -> list[Sentinel]:
        return self.honest.sentinels()

    def clear_sentinels(self, scope: ProfileName) -> None:
        self.honest.clear_sentinels(scope)

    async def changed(self, clock: Clock) -> None:
        await self.honest.changed(clock)


def in_memory_alone(desk: Gateway) -> None:
    """Permits are granted to everybody, whoever withdraws them."""
    desk.kill_switch.permits = AlwaysPermitted(desk.kill_switch.permits)


def _permits_granted_anew(desk: Gateway) -> None:
    if desk.kill_switch.level(PROFILE) == 0:
        desk.kill_switch.permits.grant(PROFILE)


class OpensOneOfAll(KillSwitch):
    """A start that finds no permit at all closes nothing, so a reset of one profile opens it."""

    __slots__ = ()

    async def trip(self, level: int, *, scope: ProfileName, caller: Caller, reason: str) -> None:
        if caller.via != "gateway" or scope != GLOBAL:
            await super().trip(level, scope=scope, caller=caller, reason=reason)


def _not_asked_at_the_wire(desk: Gateway) -> None:
    """Decisions see the switch; the last look before the first byte does not."""
    ctx = ctx_of(desk)
    at_the_wire = ctx.switches
    ctx.switches = replace(at_the_wire)
    at_the_wire.blocked = lambda: ""


class OnlyBlocks(Killing):
    __slots__ = ()

    def begin(self, name: ProfileName) -> None:
        """What is open stays open."""


class ForgetsDoubts(Killing):
    """What is not known to be there when the switch trips is nobody's business any more."""

    __slots__ = ()

    def covered(self, name: ProfileName) -> list[Order]:
        return [order for order in super().covered(name) if not order.in_doubt]

    def on_change(self, order: Order) -> None:
        """Whatever shows up later stays."""


class Hurried:
    """A clock by which nobody waits longer than from one round of a kill to the next."""

    def __init__(self, honest: Clock) -> None:
        self._honest = honest

    def now(self) -> datetime:
        return self._honest.now()

    def monotonic(self) -> float:
        return self._honest.monotonic()

    async def sleep(self, delay_s: float) -> None:
        await self._honest.sleep(min(delay_s, CANCEL_ROUND_S))


def _rounds_without_rest(desk: Gateway) -> None:
    desk.killing.clock = Hurried(desk.killing.clock)


def _never_reopened(plan: Plan) -> bool:
    is_tripped = any(isinstance(act, Stop) and act.level > 1 for act in plan.acts)
    return is_tripped and not any(isinstance(act, Reopen) for act in plan.acts)


BUGS = (
    Bug(
        name="kill switch in memory alone",
        what="Neither the permit nor the journal hears of a trip, so a restart opens it.",
        breaks="I14",
        plant=Plant(journal=ForgetsLatches, desk=in_memory_alone),
        wants=every(stopped, with_act(Crash)),
    ),
    Bug(
        name="permit granted anew at a start",
        what="A start that reads of no trip grants the missing permit; a trip that no disk took is forgotten.",
        breaks="I14",
        plant=Plant(desk=_permits_granted_anew),
        wants=every(stopped, with_act(Crash)),
    ),
    Bug(
        name="kill switch not asked at the wire",
        what="An order that was decided before a trip still leaves after it.",
        breaks="I14",
        plant=Plant(desk=_not_asked_at_the_wire),
        wants=stopped,
    ),
    Bug(
        name="kill that only blocks",
        what="Level 2 refuses new orders and leaves the open ones to work.",
        breaks="RELIABILITY 6",
        plant=Plant(desk=becomes(lambda desk: desk.killing, OnlyBlocks)),
        wants=_never_reopened,
    ),
    Bug(
        name="late acceptance under a kill left open",
        what="Level 2 cancels what is known to be open, and forgets orders in doubt that show up afterwards.",
        breaks="RELIABILITY 6",
        plant=Plant(desk=becomes(lambda desk: desk.killing, ForgetsDoubts)),
        wants=_never_reopened,
    ),
)

# Plans show it too seldom to be hunted; `tests/simulation/kept/` has one that does.
RARE = (
    Bug(
        name="unwritten kill of everything opened by halves",
        what="A kill of everything that no disk took is opened for one profile by a reset of that one.",
        breaks="I14",
        plant=Plant(desk=becomes(lambda desk: desk.kill_switch, OpensOneOfAll)),
        wants=every(stopped, struck_by("disk.full")),
        venue=ALL,
    ),
    Bug(
        name="kill rounds without rest",
        what="A kill lists everything every second for as long as something is open, so that a venue's budget leaves no look"
        " for an order in doubt.",
        breaks="RELIABILITY 6",
        plant=Plant(desk=_rounds_without_rest),
        wants=every(_never_reopened, struck_by("read.throttle")),
        venue="binance",
    ),
)
