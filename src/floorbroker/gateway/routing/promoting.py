"""Demoting and promoting profiles: looks at them every second, makes each turn durable, and says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FieldError, FloorbrokerError, InvalidRequest
from floorbroker.domain.ports import AuditEntry, Entry, Journal, Log, Meter, NoteEntry, Record
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.routing.policy import Policy, Strategy
from floorbroker.gateway.routing.standing import Hysteresis, Look, Turn
from floorbroker.gateway.session import ProfileSession
from floorbroker.oms.unforeseen import ours

STANDING = "route.standing"
TICK_S = 1.0
_SELF = Caller(principal="gateway", via="gateway")
Told = Callable[[ProfileName, Mapping[str, str]], None]


@dataclass(slots=True, kw_only=True)
class Promotions:
    """Who is demoted, durable before it counts.  A profile that a person demoted comes back when a person says so."""

    policy: Policy
    journal: Journal
    clock: Clock
    log: Log
    meter: Meter
    sessions: Mapping[ProfileName, ProfileSession]
    health: Callable[[ProfileName], int]
    tell: Told
    _why: dict[ProfileName, str] = field(default_factory=dict[ProfileName, str])
    _by_hand: set[ProfileName] = field(default_factory=set[ProfileName])
    _hysteresis: Hysteresis = field(init=False)

    def __post_init__(self) -> None:
        self._hysteresis = Hysteresis(self.policy.moving)

    @property
    def demoted(self) -> frozenset[ProfileName]:
        """Every profile that is demoted now."""
        return frozenset(self._why)

    def why(self, profile: ProfileName) -> str:
        """Why a profile is demoted; empty when it is not."""
        return self._why.get(profile, "")

    def active(self, names: tuple[ProfileName, ...]) -> ProfileName | None:
        """The first of a list that is not demoted; the first at all when all of them are."""
        here = [name for name in names or tuple(self.sessions) if name in self.sessions]
        return next((name for name in here if name not in self._why), here[0] if here else None)

    # -- a start ------------------------------------------------------------------------------------------------------------

    def restore(self) -> None:
        """Who was demoted when the journal ended."""
        for record in self.journal.notes(STANDING, newest=True):
            self._take(record)

    def _take(self, record: Record) -> None:
        entry = record.entry
        if isinstance(entry, NoteEntry):
            self._set(
                entry.profile, demoted=entry.data["demoted"] == "true", why=entry.data["why"], by=entry.data["by"]
            )

    def _set(self, profile: ProfileName, *, demoted: bool, why: str, by: str) -> None:
        if demoted:
            self._why[profile] = why
        else:
            self._why.pop(profile, None)
        if demoted and by != _SELF.principal:
            self._by_hand.add(profile)
        else:
            self._by_hand.discard(profile)

    # -- the watch ----------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Ends by cancellation."""
        while True:
            await self.clock.sleep(TICK_S)
            try:
                with ours(self.log, "failover.unforeseen"):
                    await self.look()
            except (
                FloorbrokerError
            ) as error:  # what could not be made durable did not happen: the next look tries again
                self.log.error("failover.not_done", tag=self.policy.moving.log_tag, detail=error.detail)

    async def look(self) -> None:
        """One look at every profile that a failover route names."""
        looks = [self._look(name) for name in self._watched()]
        free = [look for look in looks if look.profile not in self._by_hand]
        for turn in self._hysteresis.turns(free, self.demoted, self.clock.monotonic()):
            if turn.profile not in self._by_hand:  # a person may have spoken while the turn before was made durable
                await self._turn(turn, caller=_SELF)

    def _watched(self) -> list[ProfileName]:
        rules = [rule for rule in self.policy.rules if rule.uses is Strategy.FAILOVER]
        named = [name for rule in rules for name in (rule.profiles or tuple(self.sessions))]
        return [name for name in dict.fromkeys(named) if name in self.sessions]

    def _look(self, name: ProfileName) -> Look:
        return Look(profile=name, trouble=self.sessions[name].not_ready(), health=self.health(name))

    async def _turn(self, turn: Turn, *, caller: Caller) -> None:
        """Durable, then in force, then told: the turn itself, and who is in front of each route after it."""
        before = self._fronts()
        await self.journal.commit(_entries(turn, caller))
        self._set(turn.profile, demoted=turn.demoted, why=turn.why, by=caller.principal)
        word = "demoted" if turn.demoted else "restored"
        self._say(word, turn.profile, turn.why)
        for name in dict.fromkeys(now for was, now in zip(before, self._fronts(), strict=True) if now != was):
            if name is not None:
                self._say("promoted", name, f"{turn.profile} was {word}: {turn.why}")

    def _fronts(self) -> list[ProfileName | None]:
        return [self.active(rule.profiles) for rule in self.policy.rules if rule.uses is Strategy.FAILOVER]

    def _say(self, word: str, profile: ProfileName, why: str) -> None:
        tag = self.policy.moving.log_tag
        self.log.warning("failover.standing", tag=tag, profile=profile, turn=word, detail=why)
        self.meter.count("promotions", profile=profile, event=word)
        self.tell(profile, {"event": word, "reason": why})

    # -- what people do -----------------------------------------------------------------------------------------------------

    async def set_by_hand(self, profile: ProfileName, *, demoted: bool, caller: Caller, reason: str) -> None:
        """Demote a profile until a person restores it, or restore it now.  Raises `InvalidRequest`, `JournalFault`."""
        if not reason.strip():
            detail = "say why, for the record"
            raise InvalidRequest(detail, fields=(FieldError(pointer="/reason", code="missing", detail=detail),))
        await self._turn(Turn(profile=profile, demoted=demoted, why=reason), caller=caller)


def _entries(turn: Turn, caller: Caller) -> list[Entry]:
    data = {"demoted": str(turn.demoted).lower(), "why": turn.why, "by": caller.principal}
    row = AuditEntry(
        actor=caller.principal,
        via=caller.via,
        action="route.demote" if turn.demoted else "route.restore",
        object=turn.profile,
        profile=turn.profile,
        outcome="done",
        reason=turn.why,
        req=caller.request_id,
    )
    return [NoteEntry(profile=turn.profile, topic=STANDING, data=data), row]
