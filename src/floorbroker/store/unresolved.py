"""`unresolved_orders.log`: one JSON line per order that was rejected or that nobody knows the fate of, for people.

The journal is the truth; this list is made from it and can be made again.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from floorbroker.domain.errors import JournalFault
from floorbroker.domain.facts import Fact, HorizonPassed, InDoubt, Reject, Unrecognised
from floorbroker.domain.ports import FactEntry, Record, Redactor
from floorbroker.domain.values import Environment, time_text
from floorbroker.store.lines import append, repair

_ENCODER = msgspec.json.Encoder()


class _Line(msgspec.Struct, frozen=True):
    seq: int
    environment: str
    at: str
    profile: str
    intent_id: str
    what: str
    reason: str
    order_id: str | None = None
    venue_text: str | None = None


class UnresolvedLog:
    """Appends to `path`, one environment's records.  Each is written once, also when it is offered again after a restart."""

    def __init__(self, path: Path, *, environment: Environment, redactor: Redactor | None = None) -> None:
        self._path = path
        self._environment = environment.value
        self._redactor = redactor
        self._last_seq = _last_seq(path, self._environment)
        self._is_sure = True

    @property
    def last_seq(self) -> int:
        """The journal record of the newest line: replay after it to catch up."""
        return self._last_seq

    def take(self, records: Iterable[Record]) -> int:
        """Write down those that belong here, durably; how many.  Raises `JournalFault`; offer the same records again
        then.
        """
        if not self._is_sure:
            self._last_seq, self._is_sure = _last_seq(self._path, self._environment), True
        lines = [
            _line(record.seq, entry, what, self._environment)
            for record in records
            if record.seq > self._last_seq
            and isinstance(entry := record.entry, FactEntry)
            and (what := _what(entry.fact)) is not None
        ]
        if lines:
            self._is_sure = False  # a write that fails may have left some of them
            append(self._path, [self._encoded(line) for line in lines])
            self._last_seq, self._is_sure = lines[-1].seq, True
        return len(lines)

    def _encoded(self, line: _Line) -> bytes:
        if self._redactor is not None:
            clean = self._redactor.clean
            venue_text = None if line.venue_text is None else clean(line.venue_text)
            line = msgspec.structs.replace(line, reason=clean(line.reason), venue_text=venue_text)
        return _ENCODER.encode(line)


def _what(fact: Fact) -> str | None:
    match fact:
        case Reject():
            return "rejected"
        case InDoubt():
            return "unknown"
        case HorizonPassed(presumed=presumed):
            return "presumed_not_placed" if presumed else "not_placed"
        case Unrecognised():
            return "unrecognised"
        case _:
            return None


def _line(seq: int, entry: FactEntry, what: str, environment: str) -> _Line:
    fact = entry.fact
    line = _Line(
        seq=seq,
        environment=environment,
        at=time_text(fact.at),
        profile=entry.profile,
        intent_id=entry.intent_id,
        what=what,
        reason="",
    )
    match fact:
        case Reject():
            return msgspec.structs.replace(line, reason=fact.reason, order_id=fact.order_id, venue_text=fact.venue_text)
        case InDoubt():
            return msgspec.structs.replace(line, reason=fact.reason)
        case HorizonPassed():
            return msgspec.structs.replace(line, reason=f"{fact.negatives} complete negatives after the horizon")
        case Unrecognised():
            return msgspec.structs.replace(
                line, reason="a word we do not know", order_id=fact.order_id, venue_text=fact.text
            )
        case _:
            return line


def _last_seq(path: Path, environment: str) -> int:
    """The newest record listed for one environment; the journals of several share the list."""
    if repair(path) is None:
        return 0
    newest = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                found = msgspec.json.decode(line, type=_Line)
            except msgspec.MsgspecError as error:
                raise JournalFault(f"line {number} of {path} is not ours") from error
            if found.environment == environment:
                newest = max(newest, found.seq)
    return newest
