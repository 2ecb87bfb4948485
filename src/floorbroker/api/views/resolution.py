"""An order in doubt as people look at it: evidence, candidates, what may be done, and what was."""

from __future__ import annotations

from floorbroker.api.views.orders import OrderView, order_view
from floorbroker.api.views.shape import View, text, when
from floorbroker.domain.values import time_text
from floorbroker.oms.inquest import Inquest


class QuestionView(View, frozen=True):
    """One question to one source of the venue; nothing follows from an answer that was not complete, which `trouble` explains."""

    at: str
    source: str
    complete: bool
    found: bool
    trouble: str


class LikelyOrderView(View, frozen=True):
    """An order of the venue's that may be the one in doubt."""

    order_id: str
    symbol: str
    side: str
    quantity: str | None
    limit_price: str | None
    time: str


class OfferView(View, frozen=True):
    """One action, whether it is allowed now, and why not or what it does."""

    action: str
    allowed: bool
    detail: str


class DeedView(View, frozen=True):
    """An action that somebody took."""

    seq: int
    at: str
    action: str
    by: str
    reason: str
    outcome: str


class ResolutionView(View, frozen=True):
    """A doubt: `standing` is settled, unknown, presumed, contradicted, forgotten or changing.

    `horizon` is when negatives begin to count, and is null where nothing waits for that; `negatives` of `needed` have counted.
    `bound_s` is how late the order may still arrive, and `bound_enforced` whether the venue itself sees to that.
    """

    order: OrderView
    standing: str
    bound_s: float
    bound_enforced: bool
    horizon: str | None
    negatives: int
    needed: int
    questions: tuple[QuestionView, ...]
    candidates: tuple[LikelyOrderView, ...]
    actions: tuple[OfferView, ...]
    taken: tuple[DeedView, ...]


def resolution_view(found: Inquest) -> ResolutionView:
    return ResolutionView(
        order=order_view(found.order),
        standing=found.standing.value,
        bound_s=found.bound_s,
        bound_enforced=found.bound_enforced,
        horizon=when(found.horizon),
        negatives=found.negatives,
        needed=found.needed,
        questions=tuple(
            QuestionView(
                at=time_text(one.at),
                source=one.source.value,
                complete=one.complete,
                found=one.found,
                trouble=one.trouble,
            )
            for one in found.questions
        ),
        candidates=tuple(
            LikelyOrderView(
                order_id=one.order_id or "",
                symbol=one.symbol,
                side="" if one.side is None else one.side.value,
                quantity=text(one.order_qty),
                limit_price=text(one.price),
                time=time_text(one.transact_time or one.at),
            )
            for one in found.candidates
        ),
        actions=tuple(OfferView(action=o.act.value, allowed=o.allowed, detail=o.detail) for o in found.offers),
        taken=tuple(
            DeedView(seq=d.seq, at=time_text(d.at), action=d.act, by=d.by, reason=d.reason, outcome=d.outcome)
            for d in found.deeds
        ),
    )
