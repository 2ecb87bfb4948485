"""Profiles that come to a running desk and leave it, without a restart.

A profile is taken up as at a start, by the same steps: its name is the one that its broker and environment had before, its
limits are recorded, its session is wired, its orders are replayed from the journal, its permit is looked at, and it trades
once a round has agreed.  The desk works on meanwhile.  One comes or goes at a time.

    stored ──▶ bound ──▶ wired ──▶ replayed ──▶ permit ──▶ CONNECTING ──▶ RECONCILING ──▶ READY

The first profile of an environment brings its desk: a journal, a kill switch and an audit of its own, opened as at a start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from floorbroker.app.binding import assert_bound, bind
from floorbroker.app.compose import Seat, Surroundings, seated_at
from floorbroker.app.config import POLICIES
from floorbroker.app.home import Home
from floorbroker.app.limits_in_force import record_limits
from floorbroker.app.recovery import recovering
from floorbroker.app.unlocking import Unlocking
from floorbroker.brokers.wiring import Shells
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import Conflict, NotReady
from floorbroker.domain.ports import AuditEntry, Log, Profile
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.gateway.desk import NO_LOCK, Caller
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.session import SETTLE_S, ProfileSession

OFF = "it is switched off"
OUTDATED = "its session goes on as it was: what was changed holds once it is switched off and on"
ELSE = ", or disconnect it, which leaves them watched"
T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Seating:
    """Takes profiles up in the desks that run, and lets them go.

    `look` reads the configuration anew and gives a profile's seat; it raises `ConfigInvalid` for one that is off or wrong.
    `trusting` are the shells for a profile that names an authority of its own; `begin` opens and starts the desk of an
    environment that has none, around its first seat.
    """

    home: Home
    vault: Unlocking
    clock: Clock
    log: Log
    desks: dict[Environment, Gateway]
    look: Callable[[ProfileName], Seat]
    trusting: Callable[[Profile], Shells | None]
    begin: Callable[[Seat], Awaitable[Gateway]] | None = None
    on_desk: list[Callable[[Environment], Awaitable[None]]] = field(
        default_factory=list[Callable[[Environment], Awaitable[None]]]
    )  # told of a desk that began beside the others
    around: dict[Environment, Surroundings] = field(default_factory=dict[Environment, Surroundings])
    made_of: dict[ProfileName, Mapping[str, str]] = field(default_factory=dict[ProfileName, Mapping[str, str]])
    outlived: set[ProfileName] = field(
        default_factory=set[ProfileName]
    )  # their sessions hold secrets that were replaced
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _is_over: bool = False
    _acts: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])

    # -- where it stands --------------------------------------------------------------------------------------------------

    def session(self, profile: Profile) -> ProfileSession | None:
        """The session that a profile has now."""
        desk = self.desks.get(profile.environment)
        return None if desk is None else desk.sessions.get(profile.name)

    def told(self, profile: Profile, *, enabled: bool) -> str:
        """What a running desk makes of a stored profile, for people."""
        session = self.session(profile)
        if session is not None:
            why = f", {session.reason}" if session.reason not in {"", session.state.value} else ""
            return f"the desk has it: {session.state.value}{why}"
        return "the desk does not have it: connect it" if enabled else OFF

    def is_outdated(self, name: ProfileName, made_of: Mapping[str, str]) -> bool:
        """Whether a profile has a session that would be another one if it began now, of what is written of it."""
        return name in self.outlived or self.made_of.get(name, made_of) != made_of

    # -- coming -----------------------------------------------------------------------------------------------------------

    async def take_up(self, profile: Profile, *, caller: Caller, reason: str) -> None:
        """Open a session for a stored profile, and wait a while until it is ready or has said why it is not.

        Harmless for one that has a session.  Raises `ConfigInvalid`, `Conflict` and `JournalFault` as a start does; then nothing
        of it is left in the desk.
        """
        session = await self._to_its_end(self._taken_up(profile, caller, reason))
        await session.until_settled(within_s=SETTLE_S)

    async def _taken_up(self, profile: Profile, caller: Caller, reason: str) -> ProfileSession:
        async with self._turn:
            if self._is_over:
                raise NotReady("the desk is stopping")
            if (there := self.session(profile)) is not None:
                return there
            seat = await asyncio.to_thread(self.look, profile.name)  # a file, a keyring: they must not hold up a desk
            await asyncio.to_thread(assert_bound, self.home, [seat.profile], self.log)
            if seat.lock is not NO_LOCK:
                self.vault.lend()
            desk = self.desks.get(profile.environment)
            if desk is not None:
                session = await self._begun(desk, seat, caller, reason)
            elif self.begin is not None:
                desk = await self.begin(seat)
                await desk.journal.commit([_row("profile.open", seat.profile, caller, reason)])
                session = desk.sessions[profile.name]
            else:
                raise NotReady(f"this desk does not serve {profile.environment.value}")
            self.log.info("profile.opened", profile=profile.name, environment=profile.environment.value)
            return session

    async def _begun(self, desk: Gateway, seat: Seat, caller: Caller, reason: str) -> ProfileSession:
        name, around = seat.profile.name, self.around[seat.profile.environment]
        if (shells := self.trusting(seat.profile)) is not None:
            around = replace(around, shells=shells)
        await bind(desk.journal, [seat.profile], self.log)
        await record_limits(desk.journal, [seat], self.log)
        session = seated_at(desk, seat, around)
        try:
            for _ in recovering(desk, {name: session}):
                await self.clock.sleep(0)  # the desk goes on between the pages
            await desk.journal.commit([_row("profile.open", seat.profile, caller, reason)])
            desk.sessions[name], self.made_of[name] = session, seat.made_of
            self.lend(session)
            await desk.begin((session,))
        except BaseException:
            if name in desk.sessions:
                await self._dismiss(desk, session, caller=caller, reason="it could not be taken up")
            else:
                await session.stop()
                desk.forget(name)
            raise
        return session

    def lend(self, session: ProfileSession) -> None:
        """From now on a session hears when the vault is locked and unlocked."""
        self.vault.listeners.append(session.on_lock)

    # -- going ------------------------------------------------------------------------------------------------------------

    async def let_go(self, profile: Profile, *, caller: Caller, reason: str, force: bool = False) -> bool:
        """End the session of a profile; whether it had one.

        From the first moment it takes no new orders.  Raises `Conflict` when orders are open after what was under way has
        ended, and the session goes on then; with `force` they stay at the venue, where nobody watches them.
        """
        return await self._to_its_end(self._let_go(profile, caller, reason, force=force))

    async def _let_go(
        self, profile: Profile, caller: Caller, reason: str, *, force: bool = False, or_else: str = ELSE
    ) -> bool:
        async with self._turn:
            desk, session = self.desks.get(profile.environment), self.session(profile)
            if desk is None or session is None:
                return False
            if not force:
                await self._assert_idle(session, reason, or_else)
            await desk.journal.commit([_row("profile.close", profile, caller, reason)])
            await self._dismiss(desk, session, caller=caller, reason=reason)
            self.log.info("profile.closed", profile=profile.name, environment=profile.environment.value)
            return True

    @staticmethod
    async def _assert_idle(session: ProfileSession, reason: str, or_else: str) -> None:
        """Nothing new from now on, and nothing open once what is under way has ended."""
        _assert_nothing_open(session, or_else)
        was_held = bool(session.held)
        if not was_held:
            session.hold(reason)
        await session.service.sends_ended()
        try:
            _assert_nothing_open(session, or_else)
        except Conflict:
            if not was_held:
                session.release()
            raise

    async def _dismiss(self, desk: Gateway, session: ProfileSession, *, caller: Caller, reason: str) -> None:
        if session.on_lock in self.vault.listeners:
            self.vault.listeners.remove(session.on_lock)
        await desk.dismiss(session.ctx.profile.name, caller=caller, reason=reason)
        self.outlived.discard(session.ctx.profile.name)
        self.made_of.pop(session.ctx.profile.name, None)

    # -- another session --------------------------------------------------------------------------------------------------

    async def resettled(self, profile: Profile) -> bool:
        """A session takes up at once, whatever is open, what it need not begin anew for; whether nothing else of it was changed.

        Raises `ConfigInvalid` for what no session can be made of.
        """
        async with self._turn:
            desk, name = self.desks.get(profile.environment), profile.name
            session = self.session(profile)
            seat = await asyncio.to_thread(self.look, name)
            if desk is None or session is None or name in self.outlived:
                return False
            others = self.made_of.get(name, {}).items() ^ seat.made_of.items()
            if any(member not in POLICIES for member, _ in others):
                return False
            session.ctx.external = seat.external
            opted = desk.killing.flattening.opted
            (opted.add if seat.flatten else opted.discard)(name)
            self.made_of[name] = seat.made_of
            desk.killing.look()  # a kill that is on may have more to close now
            return True

    async def reseated(self, profile: Profile, *, caller: Caller, reason: str) -> bool:
        """What a session is made of was changed: the one a profile has ends, and another begins; whether it had one.

        Raises `Conflict` while orders are open, and `ConfigInvalid` for what no session can be made of: the old one goes on then.
        Raises what `take_up` raises, and the profile has no session then.
        """
        if self.session(profile) is None:
            return False
        await asyncio.to_thread(self.look, profile.name)
        await self._to_its_end(self._let_go(profile, caller, reason, or_else=""))
        await self.take_up(profile, caller=caller, reason=reason)
        return True

    # -- new secrets ------------------------------------------------------------------------------------------------------

    async def renewed(self, profile: Profile, *, caller: Caller, with_more: bool = False) -> None:
        """The secrets of a profile were replaced: its session logs in with the new ones.

        Where the vault lends them, nothing else has to change; a session that holds its own begins anew, and so does one that
        was lent less than there is now (`with_more`).  Raises `Conflict` for one of those that has open orders, and what
        `take_up` raises.
        """
        session, reason = self.session(profile), "its secrets were replaced"
        if session is None:
            return
        if session.lock is NO_LOCK or with_more:
            self.outlived.add(profile.name)
            await self.reseated(profile, caller=caller, reason=reason)
            return
        session.renew(reason)
        await session.until_settled(within_s=SETTLE_S)

    # -- within -----------------------------------------------------------------------------------------------------------

    async def _to_its_end(self, act: Coroutine[Any, Any, T]) -> T:
        """What was begun is done, also when whoever asked for it does not wait any more."""
        task = asyncio.get_running_loop().create_task(act, name="seating")
        self._acts.add(task)
        task.add_done_callback(self._acts.discard)
        return await asyncio.shield(task)

    async def finish(self) -> None:
        """Before the desks stop: nobody comes any more, and who is on the way has come or gone."""
        self._is_over = True
        while self._acts:
            await asyncio.gather(*self._acts, return_exceptions=True)


def _assert_nothing_open(session: ProfileSession, or_else: str) -> None:
    if count := len(session.ctx.book.open_orders()):
        raise Conflict(f"profile {session.ctx.profile.name} has {count} open orders: cancel them first{or_else}")


def _row(action: str, profile: Profile, caller: Caller, reason: str) -> AuditEntry:
    return AuditEntry(
        actor=caller.principal,
        via=caller.via,
        action=action,
        object=profile.name,
        profile=profile.name,
        outcome="done",
        reason=reason,
        req=caller.request_id,
    )
