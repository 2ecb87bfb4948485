"""Records: what reconciliation found and adjusted, and the audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from floorbroker.domain.frozen import frozen
from floorbroker.domain.ports import AuditEntry, Record
from floorbroker.gateway.desk import KeptRound
from floorbroker.web.frame import Ask, Screen
from floorbroker.web.panels import adjustments_of

AUDIT_ROWS = 200
SEARCHED_MAX = 5_000  # rows that one visit looks through for a word
ROUNDS_A_PAGE = 30


async def reconciliation(ask: Ask) -> Mapping[str, Any]:
    """When each profile was compared with its venue, what came of it, and what was written into positions for it."""
    before = number_of(ask.params.get("before", ""))
    rounds, older = rounds_of(ask, before)
    adjustments = adjustments_of(ask.desk, ask.names)
    return {"statuses": ask.statuses, "rounds": rounds, "older": older, "before": before, "adjustments": adjustments}


def rounds_of(ask: Ask, before: int | None) -> tuple[list[KeptRound], int | None]:
    """Rounds of all shown profiles, newest first, and where the page behind them begins; None when nothing is older."""
    found = [
        kept for name in ask.names for kept in ask.desk.rounds(name, before=before, limit=ROUNDS_A_PAGE + 1)
    ]  # one more tells whether there is more
    newest = sorted(found, key=lambda kept: -kept.seq)
    shown = newest[:ROUNDS_A_PAGE]
    return shown, shown[-1].seq if len(newest) > len(shown) else None


@frozen
class AuditPage:
    """Rows, newest first; `older` and `newer` are sequences for the address, None at the ends."""

    rows: tuple[Record, ...]
    older: int | None
    newer: int | None


async def audit(ask: Ask) -> Mapping[str, Any]:
    """A page of the journal's audit rows; `before` in the address says where it begins, `word` what the rows have in them."""
    word, before = ask.params.get("word", "").strip().lower(), number_of(ask.params.get("before", ""))
    return {"page": audit_page(ask, before=before, word=word), "word": word, "before": before}


def number_of(text: str) -> int | None:
    """A sequence in an address; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 15 else None


def audit_page(ask: Ask, *, before: int | None, word: str) -> AuditPage:
    """The newest rows before a sequence, as many as fit; the journal is asked backwards, a stretch at a time."""
    end = ask.desk.last_seq() + 1 if before is None else before
    found: list[Record] = []
    step, seen = AUDIT_ROWS, 0
    while end > 1 and len(found) <= AUDIT_ROWS and seen < SEARCHED_MAX:
        begin = max(0, end - 1 - step)
        rows = [r for r in ask.desk.audit(after=begin, limit=step) if r.seq < end]
        seen += step
        found += [row for row in reversed(rows) if _has(row, ask, word)]
        end = begin + 1
    shown = found[:AUDIT_ROWS]
    older = shown[-1].seq if len(found) > AUDIT_ROWS else end if end > 1 else None
    return AuditPage(rows=tuple(shown), older=older, newer=None if before is None else before)


def _has(row: Record, ask: Ask, word: str) -> bool:
    entry = row.entry
    if not isinstance(entry, AuditEntry) or (ask.profile is not None and entry.profile != ask.profile):
        return False
    told = (entry.actor, entry.via, entry.action, entry.object, entry.outcome, entry.reason, entry.profile, entry.req)
    told = (*told, entry.detail.get("order", ""))
    return not word or any(word in text.lower() for text in told)


RECONCILIATION = Screen(
    path="/reconciliation",
    title="Reconciliation",
    template="reconciliation.html",
    build=reconciliation,
    live=("positions", "health"),
    scripts=("reconciliation.js",),
)
AUDIT = Screen(path="/audit", title="Audit", template="audit.html", build=audit, scripts=("audit.js",))
