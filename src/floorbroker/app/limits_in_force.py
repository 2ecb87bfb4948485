"""Limits are read at a start; where they are others than at the last one, the audit says so before an order can meet them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import cast

from floorbroker.app.compose import Seat
from floorbroker.domain.errors import JournalFault
from floorbroker.domain.ports import AuditEntry, Entry, Journal, Log, NoteEntry
from floorbroker.domain.values import ProfileName
from floorbroker.risk.limits import RiskLimits

TOPIC = "limits"


async def record_limits(journal: Journal, seats: Iterable[Seat], log: Log) -> None:
    """A row for each profile whose limits changed.  A journal that takes nothing now takes no orders either."""
    known = {
        record.entry.profile: record.entry.data
        for record in journal.notes(TOPIC, newest=True)
        if isinstance(record.entry, NoteEntry)
    }
    entries: list[Entry] = []
    for seat in seats:
        name, limits = seat.profile.name, in_words(seat.limits)
        if changes := changed(known.get(name, {}), limits):
            entries += [
                _row(name, changes, is_first=name not in known),
                NoteEntry(profile=name, topic=TOPIC, data=limits),
            ]
    if not entries:
        return
    try:
        await journal.commit(entries)
    except JournalFault as fault:
        log.error("limits.not_recorded", detail=fault.detail)


def in_words(limits: RiskLimits) -> dict[str, str]:
    """Every limit as text; sets in the order of their words."""
    found: dict[str, object] = limits.model_dump(mode="json")
    return {name: _word(value) for name, value in sorted(found.items())}


def _word(value: object) -> str:
    words = cast("list[str]", value) if isinstance(value, list) else None
    return json.dumps(value if words is None else sorted(words))


def changed(was: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """`name: old -> new` for each that is not the same; all of them where nothing was known."""
    return {
        name: f"{was.get(name, 'unset')} -> {now.get(name, 'unset')}" if was else now[name]
        for name in sorted({*was, *now})
        if was.get(name) != now.get(name)
    }


def _row(name: ProfileName, changes: Mapping[str, str], *, is_first: bool) -> AuditEntry:
    return AuditEntry(
        actor="operator",
        via="configuration",
        action="limits.set",
        object=name,
        profile=name,
        outcome="in force",
        reason="first start" if is_first else "",
        detail=changes,
    )
