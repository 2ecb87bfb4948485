"""Acts at the doors as audit rows: who came in, who was turned away, in the journal of every desk of this process.

Who is turned away writes at most so many rows a minute, and then one row that says how many more there were: a flood of
guesses must not fill the disk.  Who comes in does so only when that is durable.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.ports import AuditEntry, Journal, Log
from floorbroker.domain.values import Environment
from floorbroker.store.audit.notes import EVERYWHERE

REFUSED_PER_MINUTE = 10
KNOWN_MAX = 1024
MINUTE_S = 60.0


@dataclass(slots=True, kw_only=True)
class Trail:
    """Implements `api.auth.Acts`."""

    journals: Mapping[Environment, Journal]
    clock: Clock
    log: Log
    _known: OrderedDict[tuple[str, str, str], None] = field(default_factory=OrderedDict[tuple[str, str, str], None])
    _written_s: deque[float] = field(default_factory=deque[float])
    _unwritten: int = 0

    async def came_in(self, principal: str, *, via: str, action: str, address: str) -> None:
        """A login or a logout.  Raises `JournalFault` where it cannot be recorded: then it must not happen."""
        await self._write(principal, via=via, action=action, outcome="done", address=address)

    def is_new(self, principal: str, via: str, address: str) -> bool:
        """Whether this is the first use of a way in from an address, in the life of this process."""
        return (principal, via, address) not in self._known

    async def first_use(self, principal: str, *, via: str, address: str) -> None:
        """The first use of a token from an address; a journal that cannot be written does not keep the owner out."""
        if len(self._known) >= KNOWN_MAX:
            self._known.popitem(last=False)
        self._known[principal, via, address] = None
        try:
            await self._write(principal, via=via, action="door.token", outcome="first use", address=address)
        except FloorbrokerError as error:
            self.log.error("door.not_recorded", detail=error.detail)

    async def turned_away(self, *, via: str, action: str, outcome: str, address: str, account: str = "") -> None:
        """A wrong token or password, or one too many; `account` is one that exists."""
        now_s = self.clock.monotonic()
        while self._written_s and now_s - self._written_s[0] >= MINUTE_S:
            self._written_s.popleft()
        if len(self._written_s) >= REFUSED_PER_MINUTE:
            self._unwritten += 1
            return
        self._written_s.append(now_s)
        more, self._unwritten = self._unwritten, 0
        try:
            detail = {"not_recorded_before": str(more)} if more else {}
            detail |= {"account": account} if account else {}
            await self._write("unknown", via=via, action=action, outcome=outcome, address=address, **detail)
        except FloorbrokerError as error:
            self.log.error("door.not_recorded", detail=error.detail)

    async def _write(self, actor: str, *, via: str, action: str, outcome: str, address: str, **detail: str) -> None:
        row = AuditEntry(
            actor=actor,
            via=via,
            action=action,
            object=address,
            profile=EVERYWHERE,
            outcome=outcome,
            detail=detail,
        )
        for journal in self.journals.values():
            await journal.commit([row])
