"""Kept reports of research as JSON."""

from __future__ import annotations

from typing import Any

from floorbroker.api.views.shape import View
from floorbroker.app.studies import KeptReport
from floorbroker.domain.values import time_text


class ReportView(View, frozen=True):
    """One kind of report, of which the newest is kept; `as_of` is the last day that it knows, and `is_whole` whether no data
    was missing (null where it does not say).
    """

    name: str
    as_of: str
    universe: str
    source: str
    kept_at: str
    is_whole: bool | None


class WholeReportView(View, frozen=True):
    """A report with all it says: `report` is the file that is kept, member by member."""

    name: str
    as_of: str
    kept_at: str
    report: dict[str, Any]


def report_view(kept: KeptReport) -> ReportView:
    whole = kept.report.get("is_whole")
    return ReportView(
        name=kept.name,
        as_of=kept.word("as_of"),
        universe=kept.word("universe"),
        source=kept.word("source"),
        kept_at=time_text(kept.kept_at),
        is_whole=whole if isinstance(whole, bool) else None,
    )


def whole_report_view(kept: KeptReport) -> WholeReportView:
    return WholeReportView(
        name=kept.name, as_of=kept.word("as_of"), kept_at=time_text(kept.kept_at), report=dict(kept.report)
    )
