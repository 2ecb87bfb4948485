"""Bugs of a desk with several accounts: what holds for one of them and not for the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from floorbroker.domain.ports import Entry, NoteEntry, Record
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.desk import Caller, OrderFilter, Submitted
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.kill import GLOBAL, LATCH, KillSwitch
from tests.simulation.house import Plant
from tests.simulation.schedule import ROUTED, CancelAll, Crash, Plan, Reopen, Stop, Submit
from tests.simulation.teeth.bug import Bug, Wants, every, struck_by, with_act
from tests.simulation.teeth.ports import JournalAround, becomes
from tests.simulation.teeth.stopping import in_memory_alone
from tests.simulation.teeth.transport import SILENCE
from tests.simulation.worlds import ALL


class StopsTheFirstAlone(KillSwitch):
    """A kill of everything reaches the first account."""

    __slots__ = ()

    def level(self, profile: ProfileName) -> int:
        return super().level(profile) if profile == self.profiles()[0] else 0

    def blocked(self, profile: ProfileName) -> str:
        return super().blocked(profile) if profile == self.profiles()[0] else ""


class OpensEverything(KillSwitch):
    """Opening one account opens all of them."""

    __slots__ = ()

    async def reset(self, *, scope: ProfileName, caller: Caller, reason: str) -> None:
        for each in (GLOBAL, *self.profiles()):
            await super().reset(scope=each, caller=caller, reason=reason)


class ForgetsLatchesOfAccounts(JournalAround):
    """The latch of the whole desk is written down, those of accounts are not."""

    async def commit(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        kept = [e for e in entries if not (isinstance(e, NoteEntry) and e.topic == LATCH and e.profile != GLOBAL)]
        return await self.honest.commit(kept)


class CancelsAtTheFirst(Gateway):
    __slots__ = ()

    async def cancel_all(self, where: OrderFilter, *, caller: Caller, reason: str = "") -> Any:
        every_one, first = self.sessions, next(iter(self.sessions))
        self.sessions = {first: every_one[first]}
        try:
            return await super().cancel_all(where, caller=caller, reason=reason)
        finally:
            self.sessions = every_one


class PlacesElsewhere(Gateway):
    """An order that the first account does not answer for is placed at the second."""

    __slots__ = ()

    async def submit(self, order: Any, *, profile: ProfileName | None, caller: Caller, **more: Any) -> Submitted:
        first = await super().submit(order, profile=profile, caller=caller, **more)
        if profile is None or profile not in ROUTED or not first.order.in_doubt:
            return first
        return await super().submit(order, profile=_other(profile), caller=caller)


class PlacesTwice(Gateway):
    """To be sure, every order goes to both accounts at which it could be placed."""

    __slots__ = ()

    async def submit(self, order: Any, *, profile: ProfileName | None, caller: Caller, **more: Any) -> Submitted:
        first = await super().submit(order, profile=profile, caller=caller, **more)
        if profile is None or profile not in ROUTED or not first.order.is_open:
            return first
        return await super().submit(order, profile=_other(profile), caller=caller)


def _other(profile: ProfileName) -> ProfileName:
    """Where else the same is traded."""
    return ProfileName(ROUTED[1 - ROUTED.index(profile)])


def _gateway(kind: type) -> Plant:
    return Plant(desk=becomes(lambda desk: desk, kind))


def _switch(kind: type) -> Plant:
    return Plant(desk=becomes(lambda desk: desk.kill_switch, kind))


def _stops(*, whole: bool) -> Wants:
    """Somebody trips the kill switch of the whole desk, or of an account."""
    return lambda plan: any(isinstance(act, Stop) and (not act.account) is whole for act in plan.acts)


def _opens_an_account(plan: Plan) -> bool:
    """An account is opened while the whole desk is stopped."""
    stopped = [act.at_s for act in plan.acts if isinstance(act, Stop) and not act.account]
    return any(isinstance(act, Reopen) and act.account and act.at_s > min(stopped, default=1e9) for act in plan.acts)


def _sweeps_everything(plan: Plan) -> bool:
    return any(isinstance(act, CancelAll) and not act.account for act in plan.acts)


def _names_one_of_two(plan: Plan) -> bool:
    return any(isinstance(act, Submit) and act.account in ROUTED for act in plan.acts)


BUGS = (
    Bug(
        name="kill of everything stops the first account",
        what="A kill switch for the whole desk is asked by the first account alone.",
        breaks="I14",
        plant=_switch(StopsTheFirstAlone),
        wants=_stops(whole=True),
        venue=ALL,
    ),
    Bug(
        name="one account opened, all opened",
        what="Who opens the kill switch of one account opens every latch there is.",
        breaks="RELIABILITY 6",
        plant=_switch(OpensEverything),
        wants=every(_stops(whole=True), _opens_an_account),
        venue=ALL,
    ),
    Bug(
        name="latch of an account in memory alone",
        what="Neither journal nor permit hears of a kill of one account, so a restart opens it.",
        breaks="I14",
        plant=Plant(journal=ForgetsLatchesOfAccounts, desk=in_memory_alone),
        wants=every(_stops(whole=False), with_act(Crash)),
        venue=ALL,
    ),
    Bug(
        name="everything cancelled at one account",
        what="Who cancels everything cancels what is open at the first account.",
        breaks="RELIABILITY 2",
        plant=_gateway(CancelsAtTheFirst),
        wants=_sweeps_everything,
        venue=ALL,
    ),
    Bug(
        name="UNKNOWN placed at another account",
        what="An order that was not answered for is placed again at another account at which it could be.",
        breaks="I16",
        plant=_gateway(PlacesElsewhere),
        wants=every(_names_one_of_two, struck_by(*SILENCE)),
        venue=ALL,
    ),
    Bug(
        name="routed to two accounts",
        what="An order that works at one account is placed at a second one as well.",
        breaks="I1, I16",
        plant=_gateway(PlacesTwice),
        wants=_names_one_of_two,
        venue=ALL,
    ),
)
