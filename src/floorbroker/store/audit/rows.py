"""The audit's rows in canonical form, as they leave the journal (RELIABILITY 9).

A row is committed in the journal's own transaction, with what it tells of.  Its canonical form is RFC 8785 JSON whose
values are text; `seq` counts the audit rows of one environment without gaps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from floorbroker.domain.errors import JournalFault
from floorbroker.domain.ports import AuditEntry, Record
from floorbroker.domain.values import Environment, time_text
from floorbroker.store.reader import PAGE, JournalReader

VERSION = "1"


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One audit row.  The members stand in the order that RFC 8785 asks for, so that encoding it is canonical."""

    action: str
    actor: str
    detail: dict[str, str]
    env: str
    epoch: str
    mono: str
    node: str
    object: str
    outcome: str
    profile: str
    reason: str
    req: str
    seq: str
    ts: str
    v: str
    via: str


_ENCODE = msgspec.json.Encoder().encode


def audit_row(record: Record, *, number: int, mono_us: int, node: str, environment: str) -> Row:
    """One audit record; `ts` has nine decimals, `mono` counts microseconds of the monotonic clock."""
    entry = record.entry
    if not isinstance(entry, AuditEntry):
        raise JournalFault(f"record {record.seq} is no audit row")
    return Row(
        action=entry.action,
        actor=entry.actor,
        detail=_ordered(entry.detail),
        env=environment,
        epoch=str(record.epoch),
        mono=str(mono_us),
        node=node,
        object=entry.object,
        outcome=entry.outcome,
        profile=entry.profile,
        reason=entry.reason,
        req=entry.req,
        seq=str(number),
        ts=f"{time_text(record.at)[:-1]}000Z",
        v=VERSION,
        via=entry.via,
    )


def canonical(row: Row) -> bytes:
    """The row as RFC 8785 JSON."""
    return _ENCODE(row)


def audit_line(record: Record, *, number: int, mono_us: int, node: str, environment: Environment) -> bytes:
    """The canonical form of one audit record."""
    return canonical(audit_row(record, number=number, mono_us=mono_us, node=node, environment=environment.value))


def audit_pages(reader: JournalReader, *, node: str, after: int = 0, page: int = PAGE) -> Iterator[list[Row]]:
    """Rows numbered after `after`, oldest first, as far as the journal reaches by now."""
    environment = reader.environment.value
    while found := reader.audit_rows(after, page):
        yield [
            audit_row(record, number=number, mono_us=mono_us, node=node, environment=environment)
            for number, mono_us, record in found
        ]
        after = found[-1][0]


def audit_lines(reader: JournalReader, *, node: str, after: int = 0, limit: int | None = None) -> Iterator[bytes]:
    """Canonical rows numbered after `after`, oldest first, at most `limit`."""
    left = limit
    if left == 0:
        return
    for rows in audit_pages(reader, node=node, after=after, page=PAGE if left is None else min(PAGE, left)):
        for row in rows:
            yield canonical(row)
            left = None if left is None else left - 1
            if left == 0:
                return


def audit_tail(reader: JournalReader, count: int, *, node: str) -> list[bytes]:
    """The newest `count` canonical rows, oldest first."""
    return list(audit_lines(reader, node=node, after=max(0, reader.audit_count - count), limit=count))


def _ordered(detail: Mapping[str, str]) -> dict[str, str]:
    """By UTF-16 code units, as RFC 8785 orders members; ASCII, which all our own names are, sorts the same without."""
    names = sorted(detail) if all(map(str.isascii, detail)) else sorted(detail, key=_utf16)
    return {name: detail[name] for name in names}


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")
