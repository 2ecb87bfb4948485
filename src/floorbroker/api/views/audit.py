"""What is said of the audit's proof."""

from __future__ import annotations

from floorbroker.api.views.shape import View
from floorbroker.store.audit.evidence import Verdict


class AuditFindingView(View, frozen=True):
    """The first thing that is wrong; `seq` is the first record that is not proven any more."""

    kind: str
    seq: int
    where: str
    detail: str


class AuditVerdictView(View, frozen=True):
    """What the verifier found; `used` says what that stands on, `waiting` rows are not exported yet."""

    environment: str
    ok: bool
    log: str
    records: int
    first: int
    last: int
    checkpoints: int
    segments: int
    waiting: int
    used: tuple[str, ...]
    remarks: tuple[str, ...]
    finding: AuditFindingView | None


def verdict_view(verdict: Verdict) -> AuditVerdictView:
    """A verdict for doors."""
    found = verdict.finding
    return AuditVerdictView(
        environment=verdict.environment,
        ok=verdict.ok,
        log=verdict.log,
        records=verdict.records,
        first=verdict.first,
        last=verdict.last,
        checkpoints=verdict.checkpoints,
        segments=verdict.segments,
        waiting=verdict.waiting,
        used=verdict.used,
        remarks=tuple(verdict.remarks),
        finding=None
        if found is None
        else AuditFindingView(kind=found.kind, seq=found.seq, where=found.where, detail=found.detail),
    )
