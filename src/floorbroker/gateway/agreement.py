"""What doors hear of reconciliation: rounds and adjustments as announcements, and both read back from the journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from floorbroker.domain.errors import JournalFault
from floorbroker.domain.frozen import frozen
from floorbroker.domain.ports import NoteEntry, Record
from floorbroker.domain.values import ProfileName, text_of, time_text
from floorbroker.gateway.desk import KeptRound, RoundResult
from floorbroker.oms.adjustments import Adjusted, Adjustment, adjusted_of
from floorbroker.oms.rounds import BETWEEN, Kind, Round, agreed


@frozen
class Told:
    """An announcement: on which channel, by which word, what it is about, and what it says."""

    channel: str
    word: str
    key: str
    data: Mapping[str, str]


def told_of(found: Round | Adjustment, profile: ProfileName) -> Told | None:
    """A round, with its counts and differences as text, or an adjustment; None for a sweep that found what was known already."""
    if isinstance(found, Adjustment):
        return Told(channel="positions", word="adjustment", key=found.symbol, data=_adjusted(found))
    if found.kind is Kind.OPEN_ORDERS and not found.counts["changed"]:
        return None
    data = {
        "kind": found.kind.value,
        "started": time_text(found.at),
        "converged": str(found.converged).lower(),
        "differences": BETWEEN.join(found.differences),
        **{name: str(count) for name, count in found.counts.items()},
    }
    return Told(channel="health", word="reconciled", key=profile, data=data)


def _adjusted(found: Adjustment) -> dict[str, str]:
    return {
        "symbol": found.symbol,
        "qty": text_of(found.qty),
        "venue": text_of(found.venue),
        "ours": text_of(found.ours),
        "cause": found.cause,
    }


def adjustments_of(records: Iterable[Record], profile: ProfileName) -> list[Adjusted]:
    """One profile's, newest first."""
    found = [one for record in records if record.entry.profile == profile and (one := adjusted_of(record)) is not None]
    return found[::-1]


def kept_round(record: Record) -> KeptRound:
    """A round as its note tells it.  Raises `JournalFault` for a record that is none."""
    entry = record.entry
    if not isinstance(entry, NoteEntry) or "started" not in entry.data:
        raise JournalFault(f"record {record.seq} of the journal is not a round of reconciliation")
    data = entry.data
    result = RoundResult(
        profile=entry.profile,
        at=datetime.fromisoformat(data["started"]),
        converged=agreed(data),
        counts={name: int(text) for name, text in data.items() if text.isdecimal()},
        differences=tuple(data["differences"].split(BETWEEN)) if data.get("differences") else (),
    )
    return KeptRound(seq=record.seq, result=result)
