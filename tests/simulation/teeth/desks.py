"""Bugs of a desk with several accounts: what holds for one of them and not for the next."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from floorbroker.domain.orders import Order
from floorbroker.domain.ports import Entry, KeyEntry, NoteEntry, Record
from floorbroker.domain.values import IntentId, ProfileName
from floorbroker.gateway.desk import Caller, OrderFilter, Submitted
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.kill import GLOBAL, LATCH, KillSwitch
from floorbroker.gateway.routing.attempt import Attempt, Trip, Wanted
from floorbroker.gateway.routing.record import RouteRecord
from floorbroker.gateway.routing.router import Router
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


class LosesKeys(Router):
    """A key is not bound to what it placed when a route was chosen for it."""

    __slots__ = ()

    def _beside(self, intent_id: IntentId, route: RouteRecord, attempt: Attempt) -> Iterator[Entry]:
        return (entry for entry in super()._beside(intent_id, route, attempt) if not isinstance(entry, KeyEntry))


class MovesDoubt(Router):
    """Whoever is not answered tries the next account."""

    __slots__ = ()

    async def _moved(self, order: Order, wanted: Wanted, trip: Trip) -> Order | None:
        route = self.record(order)
        if not order.in_doubt or route is None:
            return await super()._moved(order, wanted, trip)
        return await self._move(order, route, wanted, trip)

    def _assert_dead(self, old: Order | None, new: IntentId) -> None:
        """Whatever became of it."""


class MovesTwice(Router):
    """Both the caller's own act and whoever hears of the end move an intent on."""

    __slots__ = ()

    def _stays(self, order: Order, route: RouteRecord) -> str:
        return ""

    def _assert_dead(self, old: Order | None, new: IntentId) -> None:
        """Another may have taken its place."""

    @contextmanager
    def _acting_for(self, intent_id: IntentId) -> Generator[None]:
        yield


def _router(kind: type) -> Plant:
    return Plant(desk=becomes(lambda desk: desk.router, kind))


def _fails_over(plan: Plan) -> bool:
    """Orders are routed, and some may be proven not sent or refused."""
    return bool(plan.routes) and any(isinstance(act, Submit) and not act.account for act in plan.acts)


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
    Bug(
        name="key lost in routing",
        what="The key of an order for which a route was chosen is bound to nothing.",
        breaks="I20",
        plant=_router(LosesKeys),
        wants=_fails_over,
        venue=ALL,
    ),
    Bug(
        name="UNKNOWN moved on failover",
        what="An order that was not answered for moves to the next route as if it were proven dead.",
        breaks="I16",
        plant=_router(MovesDoubt),
        wants=every(_fails_over, struck_by(*SILENCE)),
        venue=ALL,
    ),
    Bug(
        name="failover twice",
        what="The caller's act and the news of the end both move an intent that was not sent.",
        breaks="I1, I16",
        plant=_router(MovesTwice),
        wants=every(_fails_over, struck_by("order.refuse", "order.stall")),
        venue=ALL,
    ),
)
