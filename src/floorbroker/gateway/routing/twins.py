"""The same wish again within seconds, wherever a route put the first: a double click must not be routed around its own guard."""

from __future__ import annotations

from collections.abc import Iterable

from floorbroker.domain.errors import RiskLimitExceeded
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import text_of
from floorbroker.gateway.session import ProfileSession


def twin_at(sessions: Iterable[ProfileSession], wish: NewOrder) -> tuple[ProfileSession, RiskLimitExceeded] | None:
    """The account that had the same wish within its `duplicate_window_s`, and the refusal that says so; None where none had."""
    for session in () if wish.allow_duplicate else sessions:
        window_s = session.ctx.limits.duplicate_window_s
        age_s = session.ctx.gate.twin_age_s(wish, float(window_s))
        if age_s is not None:
            return session, _refusal(f"{age_s:.1f} s ago at {session.ctx.profile.name}", text_of(window_s))
    return None


def _refusal(when: str, window: str) -> RiskLimitExceeded:
    detail = f"the same order was placed {when}; set allow_duplicate and another key if it is meant"
    return RiskLimitExceeded(detail, control="duplicate", limit=window)
