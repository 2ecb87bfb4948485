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
from floorbroker.domain.values import time_text
from floorbroker.store.lines import append, repair

_ENCODER = msgspec.json.Encoder()


class _Line(msgspec.Struct, frozen=True):
    seq: int
    at: str
    profile: str
    intent_id: str
    what: str
    reason: str
    order_id: str | None = None
    venue_text: str | None = None


class UnresolvedLog:
    """Appends to `path`.  Each record is written once, also when it is offered again after a restart."""

    def __init__(self, path: Path, *, redactor: Redactor | None = None) -> None:
        self._path = path
        self._redactor = redactor
        self._last_seq = _last_seq(path)
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
            self._last_seq, self._is_sure = _last_seq(self._path), True
        lines = [
            _line(record.seq, entry, what)
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


def _line(seq: int, entry: FactEntry, what: str) -> _Line:
    fact = entry.fact
    at = time_text(fact.at)
    line = _Line(seq=seq, at=at, profile=entry.profile, intent_id=entry.intent_id, what=what, reason="")
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


def _last_seq(path: Path) -> int:
    line = repair(path)
    if line is None:
        return 0
    try:
        return msgspec.json.decode(line, type=_Line).seq
    except msgspec.MsgspecError as error:
        raise JournalFault(f"the last line of {path} is not ours") from error
