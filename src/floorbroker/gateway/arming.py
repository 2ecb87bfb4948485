"""Arming: a person says, by name and for a while, that a live profile may trade (RELIABILITY 9, 12).

It is durable before it counts, it ends by itself, and a kill ends it.  Where it ends is kept twice: as wall time, which a
restart can read, and as monotonic time, which no hand at the clock can set back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FieldError, InvalidRequest, KillSwitchOn, NotArmed, NotFound
from floorbroker.domain.frozen import frozen
from floorbroker.domain.ports import AuditEntry, Entry, Journal, NoteEntry, Record
from floorbroker.domain.values import ProfileName, time_text
from floorbroker.gateway.desk import ArmingState, Caller
from floorbroker.gateway.kill import GLOBAL, LATCH

ARMING = "live.arming"
DEFAULT_S = 8 * 3600
LEAST_S, MOST_S = 60, 24 * 3600
NOT_ENABLED = "live trading is not enabled: set enabled = true under [live] in floorbroker.toml"


@frozen
class Confirmation:
    """What a person did to show that they mean it: they typed the profile's name.

    Proof of a fresh log-in joins it here as soon as the server has users who log in.
    """

    typed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arm:
    """Until when, on both clocks; `ended` says why it does not count any more."""

    until: datetime
    ends_at: float
    since: datetime
    by: str
    reason: str
    ended: str = ""


@dataclass(slots=True, kw_only=True)
class Arming:
    """The arms of one live desk.  `profiles` are those it may arm; `blocked` tells of the kill switch."""

    journal: Journal
    clock: Clock
    enabled: bool
    profiles: Callable[[], tuple[ProfileName, ...]]
    blocked: Callable[[ProfileName], str]
    _arms: dict[ProfileName, _Arm] = field(default_factory=dict[ProfileName, _Arm])
    _kills: int = 0

    # -- asked before each send ------------------------------------------------------------------------------------------

    def not_armed(self, profile: ProfileName) -> str:
        """Why this profile sends no new orders; empty while it is armed."""
        if not self.enabled:
            return NOT_ENABLED
        arm = self._arms.get(profile)
        if arm is not None and not arm.ended and self._holds(arm):
            return ""
        return f"profile {profile} is not armed{_why(arm)}; a person arms it: floorbroker live arm --profile {profile}"

    def _holds(self, arm: _Arm) -> bool:
        return self.clock.monotonic() < arm.ends_at and self.clock.now() < arm.until

    def states(self) -> tuple[ArmingState, ...]:
        """Each live profile, armed or not."""
        return tuple(self._state(profile) for profile in self.profiles())

    def _state(self, profile: ProfileName) -> ArmingState:
        arm, why_not = self._arms.get(profile), self.not_armed(profile)
        if arm is None:
            return ArmingState(profile=profile, armed=False, why_not=why_not)
        return ArmingState(
            profile=profile,
            armed=not why_not,
            why_not=why_not,
            until=arm.until,
            since=arm.since,
            by=arm.by,
            reason=arm.reason,
        )

    # -- what people do --------------------------------------------------------------------------------------------------

    async def arm(
        self, profile: ProfileName, *, for_s: int, confirmation: Confirmation, caller: Caller, reason: str
    ) -> ArmingState:
        """Durable first, then in force.  Raises `InvalidRequest`, `NotArmed` (live is not enabled), `KillSwitchOn`."""
        self._assert_may(profile, for_s=for_s, confirmation=confirmation, reason=reason)
        kills, since, asked_at = self._kills, self.clock.now(), self.clock.monotonic()
        arm = _Arm(
            until=since + timedelta(seconds=for_s),
            ends_at=asked_at + for_s,
            since=since,
            by=caller.principal,
            reason=reason,
        )
        await self.journal.commit(_entries(profile, arm, caller, granted_s=for_s, asked_at=asked_at))
        if kills != self._kills:
            raise KillSwitchOn("the kill switch was tripped meanwhile, which disarms; reset it first")
        self._arms[profile] = arm
        return self._state(profile)

    def _assert_may(self, profile: ProfileName, *, for_s: int, confirmation: Confirmation, reason: str) -> None:
        if profile not in self.profiles():
            raise NotFound(f"no live profile {profile!r}; there are: {', '.join(self.profiles()) or 'none'}")
        if not self.enabled:
            raise NotArmed(NOT_ENABLED)
        if confirmation.typed != profile:
            raise _wrong("/confirm", "confirm", f"type the profile's name to arm it: {profile}")
        if not reason.strip():
            raise _wrong("/reason", "missing", "arming needs a reason")
        if not LEAST_S <= for_s <= MOST_S:
            raise _wrong("/for_s", "out_of_range", f"arm for {LEAST_S} to {MOST_S} seconds (a minute to a day)")
        if blocked := self.blocked(profile):
            raise KillSwitchOn(f"{blocked}; reset it before you arm")

    async def disarm(self, profile: ProfileName | None, *, caller: Caller, reason: str) -> tuple[ArmingState, ...]:
        """One profile, or all of them: in memory at once, then durable.  Raises `JournalFault` when only the first was done."""
        if profile is not None and profile not in self.profiles():
            raise NotFound(f"no live profile {profile!r}; there are: {', '.join(self.profiles()) or 'none'}")
        entries = self._end(profile or GLOBAL, caller=caller, why=f"disarmed: {reason}")
        if entries:
            await self.journal.commit(entries)
        return self.states()

    def on_kill(self, scope: ProfileName, caller: Caller, reason: str) -> Sequence[Entry]:
        """A kill, or its reset, ends every arm in its scope at once; what is returned goes into the same commit."""
        self._kills += 1
        return self._end(scope, caller=caller, why=f"disarmed by the kill switch: {reason}")

    def _end(self, scope: ProfileName, *, caller: Caller, why: str) -> list[Entry]:
        entries: list[Entry] = []
        for name, arm in self._arms.items():
            if scope in (GLOBAL, name) and not arm.ended:
                self._arms[name] = ended = _ended(arm, why)
                entries += _entries(name, ended, caller)
        return entries

    # -- a start ---------------------------------------------------------------------------------------------------------

    def restore(self, record: Record, *, known_now: datetime) -> None:
        """Take one replayed note, in the order of the journal; any word of the kill switch ends what came before it.

        `known_now` is the latest time the journal has seen: a clock that was set back before the start gains nothing.
        """
        entry = record.entry
        if not isinstance(entry, NoteEntry):
            return
        if entry.topic == LATCH:
            self._end(entry.profile, caller=_NOBODY, why="disarmed by the kill switch")
        elif entry.topic == ARMING:
            self._arms[entry.profile] = self._restored(entry, record.at, known_now)

    def _restored(self, entry: NoteEntry, since: datetime, known_now: datetime) -> _Arm:
        data, clock = entry.data, self.clock
        until = datetime.fromisoformat(data["until"])
        left_s = (until - max(clock.now(), known_now)).total_seconds()
        ran_s = clock.monotonic() - float(data["asked_at"])
        if ran_s >= 0:  # the machine has run on since: it knows how long ago that was, whatever the wall clock says
            left_s = min(left_s, float(data["granted_s"]) - ran_s)
        return _Arm(
            until=until,
            ends_at=clock.monotonic() + left_s,
            since=since,
            by=data["by"],
            reason=data["reason"],
            ended=data["ended"],
        )


_NOBODY = Caller(principal="gateway", via="gateway")


def _ended(arm: _Arm, why: str) -> _Arm:
    return _Arm(until=arm.until, ends_at=arm.ends_at, since=arm.since, by=arm.by, reason=arm.reason, ended=why)


def _why(arm: _Arm | None) -> str:
    if arm is None:
        return ""
    return f" ({arm.ended})" if arm.ended else f" (that ran out at {time_text(arm.until)})"


def _entries(
    profile: ProfileName, arm: _Arm, caller: Caller, *, granted_s: float = 0.0, asked_at: float = 0.0
) -> list[Entry]:
    """What is remembered, and the audit's row, for one transaction."""
    data = {
        "until": time_text(arm.until),
        "granted_s": str(granted_s),
        "asked_at": str(asked_at),
        "by": arm.by,
        "reason": arm.reason,
        "ended": arm.ended,
    }
    row = AuditEntry(
        actor=caller.principal,
        via=caller.via,
        action="live.disarm" if arm.ended else "live.arm",
        object=profile,
        profile=profile,
        outcome="done",
        reason=arm.ended or arm.reason,
        req=caller.request_id,
        detail={"until": time_text(arm.until)},
    )
    return [NoteEntry(profile=profile, topic=ARMING, data=data), row]


def _wrong(pointer: str, code: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, fields=(FieldError(pointer=pointer, code=code, detail=detail),))
