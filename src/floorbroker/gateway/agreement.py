"""What doors hear of reconciliation: rounds and adjustments as announcements, and adjustments read back from the journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from floorbroker.domain.frozen import frozen
from floorbroker.domain.ports import Record
from floorbroker.domain.values import ProfileName, text_of, time_text
from floorbroker.oms.adjustments import Adjusted, Adjustment, adjusted_of
from floorbroker.oms.rounds import Kind, Round


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
        "differences": "; ".join(found.differences),
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
