"""The kill switch (RELIABILITY 6): refuse in memory at once, then make it durable, then act."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FieldError, InvalidRequest, JournalFault
from floorbroker.domain.ports import NO_STEPS, AuditEntry, Entry, Journal, Log, NoteEntry, Record, Steps
from floorbroker.domain.values import ProfileName, time_text
from floorbroker.gateway.desk import Caller, KillState

LATCH = "latch"
GLOBAL = ProfileName("*")
LEVELS = (1, 2)
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


def _nothing_else(scope: ProfileName, caller: Caller, reason: str) -> Sequence[Entry]:
    """Where nothing was armed, nothing has to be disarmed."""
    del scope, caller, reason
    return ()


@dataclass(slots=True)
class KillSwitch:
    """The latch of one environment: a level for everything (`*`) and one for each profile.

    `disarm` ends the arming of a scope in memory, and gives the records of that for the same commit.
    """

    journal: Journal
    permits: Permits
    clock: Clock
    log: Log
    profiles: Callable[[], tuple[ProfileName, ...]]
    steps: Steps = NO_STEPS
    disarm: Callable[[ProfileName, Caller, str], Sequence[Entry]] = _nothing_else
    _latches: dict[ProfileName, _Latch] = field(default_factory=dict[ProfileName, _Latch])

    def restore(self, record: Record) -> None:
        """Take one replayed record; the newest word on each scope stands."""
        entry = record.entry
        if isinstance(entry, NoteEntry) and entry.topic == LATCH:
            data = entry.data
            self._latches[entry.profile] = _Latch(int(data["level"]), data["reason"], data["by"], record.at)

    async def open_permits(self) -> None:
        """After the replay: a profile that never had one gets its first permit, and the journal remembers that it did.

        From then on a missing permit means a kill, even one that no disk took (RELIABILITY I14): it stays until a reset.
        """
        for profile in self.profiles():
            if self.level(profile) == 0 and profile not in self._latches:
                self.permits.grant(profile)
                await self._commit("first", 0, scope=profile, caller=_SELF, reason="first start")
                self._latches[profile] = _Latch(0, "first start", _SELF.principal, self.clock.now())

    def level(self, profile: ProfileName) -> int:
        """The level in force for a profile."""
        latches = self._latches
        everywhere = latches[GLOBAL].level if GLOBAL in latches else 0
        return max(everywhere, latches[profile].level) if profile in latches else everywhere

    def _latch(self, scope: ProfileName) -> _Latch:
        return self._latches.get(scope, _Latch())

    def blocked(self, profile: ProfileName) -> str:
        """Why new orders are refused; empty when they are not.  Looks at the permit each time."""
        for scope in (GLOBAL, profile):
            latch = self._latches.get(scope)
            if latch is not None and latch.level:
                where = "all profiles" if scope == GLOBAL else f"profile {profile}"
                return f"the kill switch is on (level {latch.level}, {where}): {latch.reason}"
        return (
            "" if self.permits.has(profile) else f"the kill switch is on: the permit of profile {profile} is withdrawn"
        )

    def state(self) -> KillState:
        top = self._latch(GLOBAL)
        named = {scope: latch for scope, latch in self._latches.items() if scope != GLOBAL and latch.level}
        withdrawn = {p: 1 for p in self.profiles() if not self.permits.has(p) and self.level(p) == 0}
        newest = max(
            [top, *named.values()], key=lambda latch: (latch.level > 0, latch.at.timestamp() if latch.at else 0.0)
        )
        return KillState(
            level=top.level,
            by_profile={**withdrawn, **{scope: latch.level for scope, latch in sorted(named.items())}},
            reason=newest.reason,
            at=newest.at,
            by=newest.by,
        )

    async def trip(self, level: int, *, scope: ProfileName, caller: Caller, reason: str) -> None:
        """Block now, durably; cancelling is the caller's next step.  A full disk does not stop it: the permit is gone."""
        if level not in LEVELS:
            detail = f"kill level {level} is not one of {LEVELS}"
            raise InvalidRequest(detail, fields=(FieldError(pointer="/level", code="not_one_of", detail=detail),))
        self.steps.reach("kill.asked")
        level = max(level, self._latch(scope).level)
        self._latches[scope] = _Latch(level, reason, caller.principal, self.clock.now())
        disarmed = self.disarm(scope, caller, reason)
        self.steps.reach("kill.memory")
        for profile in self._in(scope):
            self._withdraw(profile)
        self.steps.reach("kill.permits")
        try:
            await self._commit("on", level, scope=scope, caller=caller, reason=reason, along=disarmed)
        except JournalFault as fault:
            self.log.error("kill.not_journaled", detail=fault.detail, scope=scope)
        self.steps.reach("kill.journal")

    def _withdraw(self, profile: ProfileName) -> None:
        try:
            self.permits.withdraw(profile)
        except OSError as error:  # the latch in memory holds already, and the journal is next
            self.log.error("kill.permit_not_withdrawn", profile=profile, error=error.strerror)

    async def reset(self, *, scope: ProfileName, caller: Caller, reason: str) -> None:
        """Open the latch: durable first, then in memory.  A human's act, with a reason."""
        if not reason.strip():
            detail = "a reset needs a reason"
            raise InvalidRequest(detail, fields=(FieldError(pointer="/reason", code="missing", detail=detail),))
        self.steps.reach("kill.reset")
        disarmed = self.disarm(scope, caller, reason)
        await self._commit("off", 0, scope=scope, caller=caller, reason=reason, along=disarmed)
        self.steps.reach("kill.reset_durable")
        self._latches[scope] = _Latch(0, reason, caller.principal, self.clock.now())
        self.permits.clear_sentinels(scope)
        self.steps.reach("kill.open")
        for profile in self._in(scope):
            if self.level(profile) == 0:
                self.permits.grant(profile)
        self.steps.reach("kill.permitted")

    def pending_sentinels(self) -> list[Sentinel]:
        """Kills written beside the server that are stricter than what is in force here.

        A scope that is none of our profiles belongs to another environment's desk.
        """
        mine = {GLOBAL, *self.profiles()}
        return [s for s in self.permits.sentinels() if s.scope in mine and s.level > self._latch(s.scope).level]

    def _in(self, scope: ProfileName) -> tuple[ProfileName, ...]:
        return self.profiles() if scope == GLOBAL else (scope,)

    async def _commit(
        self,
        word: str,
        level: int,
        *,
        scope: ProfileName,
        caller: Caller,
        reason: str,
        along: Sequence[Entry] = (),
    ) -> None:
        note = NoteEntry(
            profile=scope, topic=LATCH, data={"level": str(level), "reason": reason, "by": caller.principal}
        )
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
        await self.journal.commit([note, row, *along])
