"""`unresolved_orders.log`: a JSON line for each order that was rejected or that nobody knows the fate of, and one for its end.

The journal is the truth; this list is made from it and can be made again.  It is for people, so it stays small: at `MAX_BYTES`
it is set aside as `.1`, in place of the one before, and begun anew with the orders that are still unresolved.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from floorbroker.domain.errors import JournalFault
from floorbroker.domain.facts import (
    Ack,
    Cancelled,
    Exec,
    Expired,
    Fact,
    Filled,
    Held,
    HorizonPassed,
    InDoubt,
    NotSent,
    Reject,
    Unrecognised,
    Working,
)
from floorbroker.domain.ports import FactEntry, Record, Redactor
from floorbroker.domain.values import Environment, time_text
from floorbroker.store.lines import append, renew, repair

_ENCODER = msgspec.json.Encoder()
MAX_BYTES = 1024 * 1024
RESOLVED = "resolved"
_UNRESOLVED = frozenset({"unknown", "presumed_not_placed"})
_TELLING = (
    Ack,
    Working,
    Held,
    Exec,
    Filled,
    Cancelled,
    Expired,
    NotSent,
)  # what ends a doubt without a line of its own


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
        self._last_seq, self._open = _standing(path, self._environment)
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
            self._last_seq, self._open = _standing(self._path, self._environment)
            self._is_sure = True
        lines = [
            _line(record.seq, entry, what, self._environment)
            for record in records
            if record.seq > self._last_seq
            and isinstance(entry := record.entry, FactEntry)
            and (what := self._what(entry)) is not None
        ]
        if lines:
            self._is_sure = False  # a write that fails may have left some of them
            append(self._path, [self._encoded(line) for line in lines])
            self._last_seq, self._is_sure = lines[-1].seq, True
            self._set_aside()
        return len(lines)

    def _what(self, entry: FactEntry) -> str | None:
        """The word for a fact, None for one that is not listed: news of an order whose last word was a doubt ends that."""
        what = _word(entry.fact)
        if what is None and entry.intent_id in self._open and isinstance(entry.fact, _TELLING):
            what = RESOLVED
        if what is not None:
            _note(self._open, entry.intent_id, what)
        return what

    def _set_aside(self) -> None:
        """Begin anew when the list is long: with the newest line of each environment, and with what is still unresolved."""
        try:
            if self._path.stat().st_size <= MAX_BYTES:
                return
        except OSError as error:
            raise JournalFault(f"{self._path} cannot be read: {error.strerror}") from error
        renew(self._path, _carried(self._path.read_bytes().splitlines()))

    def _encoded(self, line: _Line) -> bytes:
        if self._redactor is not None:
            clean = self._redactor.clean
            venue_text = None if line.venue_text is None else clean(line.venue_text)
            line = msgspec.structs.replace(line, reason=clean(line.reason), venue_text=venue_text)
        return _ENCODER.encode(line)


def _word(fact: Fact) -> str | None:
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
            return msgspec.structs.replace(line, reason=fact.kind, order_id=getattr(fact, "order_id", None))


def _note(unresolved: set[str], intent_id: str, what: str) -> None:
    """Remember whether the last word on an order was a doubt; an odd word changes nothing about that."""
    if what in _UNRESOLVED:
        unresolved.add(intent_id)
    elif what != "unrecognised":
        unresolved.discard(intent_id)


def _standing(path: Path, environment: str) -> tuple[int, set[str]]:
    """The newest record listed for one environment, and the orders whose last word is a doubt.  Several journals share a list."""
    newest, unresolved = 0, set[str]()
    if repair(path) is None:
        return newest, unresolved
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                found = msgspec.json.decode(line, type=_Line)
            except msgspec.MsgspecError as error:
                raise JournalFault(f"line {number} of {path} is not ours") from error
            if found.environment == environment:
                newest = max(newest, found.seq)
                _note(unresolved, found.intent_id, found.what)
    return newest, unresolved


def _carried(lines: list[bytes]) -> list[bytes]:
    """Of a long list, the lines that the next one begins with: each environment's newest, and the doubts that stand."""
    newest: dict[str, int] = {}
    doubts: dict[tuple[str, str], int] = {}
    for number, line in enumerate(lines):
        found = msgspec.json.decode(line, type=_Line)
        newest[found.environment] = number
        order = (found.environment, found.intent_id)
        if found.what in _UNRESOLVED:
            doubts[order] = number
        elif found.what != "unrecognised":
            doubts.pop(order, None)
    return [lines[number] for number in sorted({*newest.values(), *doubts.values()})]
