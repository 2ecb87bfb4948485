"""The kill switch (RELIABILITY 6): refuse in memory at once, then make it durable, then act."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import Conflict, FieldError, Forbidden, InvalidRequest, JournalFault
from floorbroker.domain.ports import NO_STEPS, AuditEntry, Entry, Journal, Log, NoteEntry, Record, Steps
from floorbroker.domain.values import ProfileName, time_text
from floorbroker.gateway.desk import Caller, KillState, LatchState
from floorbroker.gateway.resetting import Closed, why_not
from floorbroker.gateway.scopes import GLOBAL, NARROW, WITHOUT_POSITIONS, Kind, in_words, parted

LATCH = "latch"
LEVELS = (1, 2, 3)
_SELF = Caller(principal="gateway", via="gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinel:
    """A kill that was written beside the server, by the command line or by hand: level, scope and why."""

    level: int
    scope: ProfileName
    reason: str
    by: str


class Permits(Protocol):
    """Files that trading needs: one permit a profile, and the sentinel.  Removing a file works on a full disk."""

    def has(self, profile: ProfileName) -> bool: ...

    def grant(self, profile: ProfileName) -> None: ...

    def withdraw(self, profile: ProfileName) -> None: ...

    def sentinels(self) -> list[Sentinel]: ...

    def clear_sentinels(self, scope: ProfileName) -> None: ...

    async def changed(self, clock: Clock) -> None:
        """Returns when a kill may have been written beside us, half a second after it was at the latest."""
        ...


@dataclass(slots=True)
class _Latch:
    level: int = 0
    reason: str = ""
    by: str = ""
    at: datetime | None = None
    trip: str = ""  # which trip closed it, the same before and after a restart
    token: str = ""  # by which it was closed


def _nothing_else(scope: ProfileName, caller: Caller, reason: str) -> Sequence[Entry]:
    """Where nothing was armed, nothing has to be disarmed."""
    del scope, caller, reason
    return ()


def _no_number(profile: ProfileName) -> frozenset[str]:
    """Where nobody tells account numbers, no account can be named."""
    del profile
    return frozenset()


@dataclass(slots=True)
class KillSwitch:
    """The latches of one environment, by scope (`gateway/scopes.py`).

    `disarm` ends the arming of a scope in memory, and gives the records of that for the same commit.  `accounts` tells under
    which numbers a profile's account is known.
    """

    journal: Journal
    permits: Permits
    clock: Clock
    log: Log
    profiles: Callable[[], tuple[ProfileName, ...]]
    steps: Steps = NO_STEPS
    disarm: Callable[[ProfileName, Caller, str], Sequence[Entry]] = _nothing_else
    accounts: Callable[[ProfileName], frozenset[str]] = _no_number
    _latches: dict[ProfileName, _Latch] = field(default_factory=dict[ProfileName, _Latch])
    _narrow: dict[ProfileName, _Latch] = field(default_factory=dict[ProfileName, _Latch])  # those in force, of NARROW
    _owed: dict[ProfileName, tuple[Entry, ...]] = field(
        default_factory=dict[ProfileName, tuple[Entry, ...]]
    )  # kills that no disk took yet

    def restore(self, record: Record) -> None:
        """Take one replayed record; the newest word on each scope stands."""
        entry = record.entry
        if isinstance(entry, NoteEntry) and entry.topic == LATCH:
            data = entry.data
            trip = data.get("trip", time_text(record.at))
            token = data.get("token", "")
            self._set(entry.profile, _Latch(int(data["level"]), data["reason"], data["by"], record.at, trip, token))

    async def open_permits(self, of: Sequence[ProfileName] | None = None) -> None:
        """After the replay, for the profiles `of` that begin, else for all: one that never had a permit gets its first, and the
        journal remembers that it did.

        From then on a missing permit means a kill, even one that no disk took (RELIABILITY I14): it stays until a reset.  Where
        others kept their permits it was one of that profile alone, so that it becomes a latch of its own: no reset of everything
        opens it.  Where none of several kept one, it may have been everything: no reset of one of them opens that.
        A profile that comes while everything is stopped is remembered as well: its permit comes with the reset.
        """
        begun = self.profiles() if of is None else of
        held = [profile for profile in self.profiles() if self.permits.has(profile)]
        lost = [p for p in begun if p not in held and p in self._latches and self.level(p) == 0]
        if lost and not held and len(self.profiles()) > 1:
            await self.trip(1, scope=GLOBAL, caller=_SELF, reason="every permit was withdrawn, and no record says why")
        for profile in lost if held else ():
            await self.trip(1, scope=profile, caller=_SELF, reason="its permit was withdrawn, and no record says why")
        for profile in begun:
            if profile not in self._latches:
                if self.level(profile) == 0:
                    self.permits.grant(profile)
                await self._commit(*self._entries("first", 0, scope=profile, caller=_SELF, reason="first start"))
                self._latches.setdefault(profile, _Latch(0, "first start", _SELF.principal, self.clock.now()))

    def _set(self, scope: ProfileName, latch: _Latch) -> None:
        self._latches[scope] = latch
        if parted(scope)[0] in NARROW:
            self._narrow.pop(scope, None)
            if latch.level:
                self._narrow[scope] = latch

    def trip_of(self, profile: ProfileName) -> str:
        """Which trip closed the strictest latch of a profile; empty while none is closed."""
        scopes = (GLOBAL, profile, *(self._accounts_of(profile) if self._narrow else ()))
        latches = [self._latch(scope) for scope in scopes]
        return max(latches, key=lambda latch: (latch.level, _moment(latch))).trip

    def level_at(self, scope: ProfileName) -> int:
        """The level of one latch alone."""
        return self._latch(scope).level

    def _latch(self, scope: ProfileName) -> _Latch:
        return self._latches.get(scope, _Latch())

    # -- what is in force --------------------------------------------------------------------------------------------------

    def level(self, profile: ProfileName) -> int:
        """The level in force for a whole profile."""
        latches = self._latches
        everywhere = latches[GLOBAL].level if GLOBAL in latches else 0
        level = max(everywhere, latches[profile].level) if profile in latches else everywhere
        return (
            max([level, *(self._latch(scope).level for scope in self._accounts_of(profile))]) if self._narrow else level
        )

    def _accounts_of(self, profile: ProfileName) -> list[ProfileName]:
        """The latched scopes of its account."""
        named = (ProfileName(f"{Kind.ACCOUNT.value}:{number}") for number in sorted(self.accounts(profile)))
        return [scope for scope in named if scope in self._narrow]

    @property
    def bars_some(self) -> bool:
        """Whether a strategy or a token may be barred while its profile is not: then each order is looked at."""
        return bool(self._narrow)

    def level_of(self, profile: ProfileName, *, strategy: str, principal: str) -> int:
        """The level in force for an order of a strategy, wished for by a principal, at a profile."""
        level = self.level(profile)
        for scope in _theirs(strategy, principal) if self._narrow else ():
            if scope in self._narrow:
                level = max(level, self._narrow[scope].level)
        return level

    def blocked(self, profile: ProfileName) -> str:
        """Why new orders are refused at a profile; empty when they are not.  Looks at the permit each time."""
        if why := self.latched(profile):
            return why
        return (
            "" if self.permits.has(profile) else f"the kill switch is on: the permit of profile {profile} is withdrawn"
        )

    def latched(self, profile: ProfileName) -> str:
        """The same by the latches in memory alone, for a first look at what is asked in full before anything leaves."""
        latches = self._latches
        for scope in (GLOBAL, profile, *(self._accounts_of(profile) if self._narrow else ())) if latches else ():
            latch = latches.get(scope)
            if latch is not None and latch.level:
                return _why(scope, latch)
        return ""

    def barred(self, strategy: str, principal: str) -> str:
        """Why orders of a strategy, or of a principal, are refused wherever they go; empty when they are not."""
        if not self._narrow:
            return ""
        latched = (scope for scope in _theirs(strategy, principal) if scope in self._narrow)
        return next((_why(scope, self._narrow[scope]) for scope in latched), "")

    def state(self) -> KillState:
        top = self._latch(GLOBAL)
        closed = {scope: latch for scope, latch in sorted(self._latches.items()) if latch.level}
        named = {scope: latch.level for scope, latch in closed.items() if parted(scope)[0] is Kind.PROFILE}
        withdrawn = {p: 1 for p in self.profiles() if not self.permits.has(p) and self.level(p) == 0}
        newest = max([top, *closed.values()], key=lambda latch: (latch.level > 0, _moment(latch)))
        return KillState(
            level=top.level,
            by_profile={**withdrawn, **named},
            reason=newest.reason,
            at=newest.at,
            by=newest.by,
            latches=tuple(
                LatchState(scope=scope, level=latch.level, reason=latch.reason, by=latch.by, at=latch.at)
                for scope, latch in closed.items()
            ),
        )

    # -- on and off ---------------------------------------------------------------------------------------------------------

    async def trip(self, level: int, *, scope: ProfileName, caller: Caller, reason: str) -> bool:
        """Block now, durably; cancelling is the caller's next step.  A full disk does not stop it: the permit is gone.

        A strategy or a token has no permit and no position: level 3 is 2 for it, and where the journal does not take its latch,
        every profile loses its permit, so that no restart lets it in.  So does every profile that may be an account's, where
        nobody knows yet which is.

        False where it says nothing new: the latch was as strict already, for the same reason.  A kill comes by several ways.
        """
        if level not in LEVELS:
            detail = f"kill level {level} is not one of {LEVELS}"
            raise InvalidRequest(detail, fields=(FieldError(pointer="/level", code="not_one_of", detail=detail),))
        self.steps.reach("kill.asked")
        before, now = self._latch(scope), self.clock.now()
        trip = before.trip if before.trip and level < max(LEVELS) else time_text(now)
        level = max(min(level, _most(scope)), before.level)
        is_news = (level, reason) != (before.level, before.reason)
        self._set(scope, _Latch(level, reason, caller.principal, now, trip, caller.token))
        disarmed = [entry for one in self._arms_of(scope) for entry in self.disarm(one, caller, reason)]
        self.steps.reach("kill.memory")
        for profile in self.within(scope):
            self._withdraw(profile)
        self.steps.reach("kill.permits")
        self._owed[scope] = self._entries("on", level, scope=scope, caller=caller, reason=reason, along=disarmed)
        try:
            await self._commit()
        except JournalFault as fault:
            self.log.error("kill.not_journaled", detail=fault.detail, scope=scope)
            for profile in self._perhaps_within(scope):
                self._withdraw(profile)
        self.steps.reach("kill.journal")
        return is_news

    async def settle(self) -> None:
        """Write the kills that no disk took, once one does: a permit tells neither its level nor its scope."""
        if not self._owed or not self.journal.is_writable:
            return
        try:
            await self._commit()
        except JournalFault as fault:
            self.log.warning("kill.still_not_journaled", detail=fault.detail)

    def _perhaps_within(self, scope: ProfileName) -> tuple[ProfileName, ...]:
        """The profiles that a kill might be about besides those that it surely stops."""
        if parted(scope)[0] not in NARROW:
            return ()
        is_known = bool(self.within(scope))
        return tuple(profile for profile in self.profiles() if not is_known or not self.accounts(profile))

    def _arms_of(self, scope: ProfileName) -> tuple[ProfileName, ...]:
        """What is disarmed with a scope: everything, the profiles of an account, and of a strategy nothing."""
        kind = parted(scope)[0]
        if kind is Kind.ACCOUNT:
            return self.within(scope)
        return () if kind in WITHOUT_POSITIONS else (scope,)

    def _withdraw(self, profile: ProfileName) -> None:
        try:
            self.permits.withdraw(profile)
        except OSError as error:  # the latch in memory holds already, and the journal is next
            self.log.error("kill.permit_not_withdrawn", profile=profile, error=error.strerror)

    async def reset(self, *, scope: ProfileName, caller: Caller, reason: str) -> None:
        """Open the latch: durable first, then in memory.  A human's act, with a reason.

        Raises `Forbidden` for who may not (`gateway/resetting.py`), and `Conflict` when the switch was tripped again meanwhile,
        or a kill was written beside the server that nobody here has seen: what is newer holds.
        """
        if wrong := why_not(caller, Closed(token=self._latch(scope).token)):
            raise Forbidden(wrong)
        if not reason.strip():
            detail = "a reset needs a reason"
            raise InvalidRequest(detail, fields=(FieldError(pointer="/reason", code="missing", detail=detail),))
        self.steps.reach("kill.reset")
        disarmed = [entry for one in self._arms_of(scope) for entry in self.disarm(one, caller, reason)]
        before, beside = self._latches.get(scope), self.permits.sentinels()
        if self.pending_sentinels():
            raise Conflict("a kill was written beside the server a moment ago: look at it before anything is reset")
        await self._commit(*self._entries("off", 0, scope=scope, caller=caller, reason=reason, along=disarmed))
        self.steps.reach("kill.reset_durable")
        if self._latches.get(scope) is not before or self.permits.sentinels() != beside:
            raise Conflict("the kill switch was tripped again meanwhile: look at it before it is reset")
        self._set(scope, _Latch(0, reason, caller.principal, self.clock.now()))
        self.permits.clear_sentinels(scope)
        self.steps.reach("kill.open")
        for profile in self.within(scope):
            if self.level(profile) == 0:
                self.permits.grant(profile)
        self.steps.reach("kill.permitted")

    def pending_sentinels(self) -> list[Sentinel]:
        """Kills written beside the server that are stricter than what is in force here.

        A profile that is none of ours belongs to another environment's desk; accounts, strategies and tokens may be anywhere.
        """
        mine = {GLOBAL, *self.profiles()}
        found = [s for s in self.permits.sentinels() if s.scope in mine or parted(s.scope)[0] in NARROW]
        return [s for s in found if min(s.level, _most(s.scope)) > self._latch(s.scope).level]

    def within(self, scope: ProfileName) -> tuple[ProfileName, ...]:
        """The profiles that a scope stops altogether."""
        kind, name = parted(scope)
        if kind is Kind.ACCOUNT:
            return tuple(profile for profile in self.profiles() if name in self.accounts(profile))
        return self.profiles() if kind is Kind.ALL else (scope,) if kind is Kind.PROFILE else ()

    async def _commit(self, *entries: Entry) -> None:
        """Durable, after the kills that no disk took so far."""
        owed, self._owed = self._owed, {}
        try:
            await self.journal.commit([*(entry for along in owed.values() for entry in along), *entries])
        except BaseException:
            still = {scope: along for scope, along in owed.items() if self._latch(scope).level}
            self._owed = still | self._owed
            raise

    def _entries(
        self,
        word: str,
        level: int,
        *,
        scope: ProfileName,
        caller: Caller,
        reason: str,
        along: Sequence[Entry] = (),
    ) -> tuple[Entry, ...]:
        data = {"level": str(level), "reason": reason, "by": caller.principal}
        if word == "on":
            data |= {"trip": self._latch(scope).trip, "token": caller.token}
        note = NoteEntry(profile=scope, topic=LATCH, data=data)
        row = AuditEntry(
            actor=caller.principal,
            via=caller.via,
            action=f"kill.{word}",
            object=scope,
            profile=scope,
            outcome="done",
            reason=reason,
            req=caller.request_id,
            detail={"level": str(level), "at": time_text(self.clock.now())},
        )
        return (note, row, *along)


def _theirs(strategy: str, principal: str) -> list[ProfileName]:
    """The scopes that an order belongs to besides its profile's."""
    named = ((Kind.STRATEGY, strategy), (Kind.TOKEN, principal))
    return [ProfileName(f"{kind.value}:{name}") for kind, name in named if name]


def _most(scope: ProfileName) -> int:
    """The highest level that a scope can have."""
    return 2 if parted(scope)[0] in WITHOUT_POSITIONS else max(LEVELS)


def _moment(latch: _Latch) -> float:
    return latch.at.timestamp() if latch.at else 0.0


def _why(scope: ProfileName, latch: _Latch) -> str:
    return f"the kill switch is on (level {latch.level}, {in_words(scope)}): {latch.reason}"
