"""The audit's rows in canonical form, and their way out of the journal (RELIABILITY 9).

A row is committed in the journal's own transaction, with what it tells of.  Its canonical form is RFC 8785 JSON whose
values are text; `seq` counts audit rows without gaps.  The exporter writes the rows as JSON lines under the home's
`audit` folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import rfc8785

from floorbroker.domain.errors import JournalFault
from floorbroker.domain.ports import AuditEntry, Record
from floorbroker.domain.values import Environment, time_text
from floorbroker.store.lines import append, repair
from floorbroker.store.reader import PAGE, JournalReader

VERSION = "1"
SEGMENT_BYTES = 64 * 1024 * 1024


class _Numbered(msgspec.Struct):
    seq: str


def audit_line(record: Record, *, number: int, mono_us: int, node: str, environment: Environment) -> bytes:
    """The canonical form of one audit record; `ts` has nine decimals, `mono` counts microseconds of the monotonic
    clock.
    """
    entry = record.entry
    if not isinstance(entry, AuditEntry):
        raise JournalFault(f"record {record.seq} is no audit row")
    row: dict[str, str | dict[str, str]] = {
        "v": VERSION, "seq": str(number), "ts": f"{time_text(record.at)[:-1]}000Z", "mono": str(mono_us), "node": node,
        "epoch": str(record.epoch), "actor": entry.actor, "via": entry.via, "action": entry.action,
        "object": entry.object, "env": environment.value, "profile": entry.profile, "outcome": entry.outcome,
        "reason": entry.reason, "req": entry.req, "detail": dict(entry.detail),
    }  # fmt: skip
    return rfc8785.dumps(row)


def audit_lines(reader: JournalReader, *, node: str, after: int = 0, limit: int | None = None) -> Iterator[bytes]:
    """Canonical rows numbered after `after`, oldest first, at most `limit`."""
    environment = reader.environment
    left = limit
    while left is None or left > 0:
        page = reader.audit_rows(after, PAGE if left is None else min(PAGE, left))
        if not page:
            return
        for number, mono_us, record in page:
            yield audit_line(record, number=number, mono_us=mono_us, node=node, environment=environment)
            after = number
        left = None if left is None else left - len(page)


def audit_tail(reader: JournalReader, count: int, *, node: str) -> list[bytes]:
    """The newest `count` canonical rows, oldest first."""
    return list(audit_lines(reader, node=node, after=max(0, reader.audit_count - count), limit=count))


class AuditExporter:
    """Copies audit rows to `folder/<environment>-NNNNNN.jsonl`, each row once, in segments of `segment_bytes`.

    Where it stands is read from the files themselves, so a crash between the two never doubles or skips a row.
    """

    def __init__(self, reader: JournalReader, folder: Path, *, node: str, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._reader = reader
        self._folder = folder
        self._node = node
        self._segment_bytes = segment_bytes
        self._last: int | None = None

    def export(self) -> int:
        """Write what is new; the number of the last row on disk.  Raises `JournalFault` when the disk says no."""
        last = self._standing() if self._last is None else self._last
        self._last = None  # until the write is through, the files are the only truth
        while lines := list(audit_lines(self._reader, node=self._node, after=last, limit=PAGE)):
            append(self._segment(), lines)
            last = _number(lines[-1])
        self._last = last
        return last

    def segments(self) -> list[Path]:
        """The files written so far, oldest first."""
        return sorted(self._folder.glob(f"{self._reader.environment.value}-*.jsonl"))

    def _segment(self) -> Path:
        written = self.segments()
        if written and written[-1].stat().st_size < self._segment_bytes:
            return written[-1]
        number = int(written[-1].stem.rpartition("-")[2]) + 1 if written else 1  # older ones may have been archived
        return self._folder / f"{self._reader.environment.value}-{number:06}.jsonl"

    def _standing(self) -> int:
        """The last row in the newest segment that holds one; a row cut short by a crash is taken off."""
        for path in reversed(self.segments()):
            line = repair(path)
            if line is not None:
                return _number(line)
        return 0


def _number(line: bytes) -> int:
    try:
        return int(msgspec.json.decode(line, type=_Numbered).seq)
    except (msgspec.MsgspecError, ValueError) as error:
        raise JournalFault("the last line of an audit file is no audit row") from error
