"""What an order would meet, as JSON."""

from __future__ import annotations

from collections.abc import Iterable

from floorbroker.api.views.market import QuoteView, quote_view
from floorbroker.api.views.orders import CandidateView, PartView, candidate_view, part_view
from floorbroker.api.views.shape import View, text
from floorbroker.domain.errors import FieldError
from floorbroker.domain.options import Premium
from floorbroker.domain.records import MarginRequirement
from floorbroker.domain.values import text_of
from floorbroker.gateway.desk import Preview


class VerdictView(View, frozen=True):
    """One pre-trade control's answer."""

    control: str
    ok: bool
    detail: str
    limit: str | None
    value: str | None


class ObjectionView(View, frozen=True):
    """What the venue would object to."""

    pointer: str
    code: str
    detail: str


class MarginView(View, frozen=True):
    """What the order would tie up, in `currency`; `source` is computed or venue.

    `buying_power_effect` is how much buying power it takes: positive where it does.
    """

    currency: str
    initial: str
    buying_power_effect: str
    fees: str
    source: str


class PremiumView(View, frozen=True):
    """What an order of options pays or gets: `price` a share, times `multiplier`, times contracts; in `currency`.

    `buying_power` is what the account says that options may cost.
    """

    price: str | None
    multiplier: str
    total: str | None
    currency: str
    buying_power: str | None


class PreviewView(View, frozen=True):
    """What a submit would meet right now; nothing is reserved and nothing is sent.

    `candidates` come where the order names no profile and several could have it, `parts` where it would be split; verdicts,
    objections and margin are then those of the first part.
    """

    ok: bool
    profile: str
    verdicts: tuple[VerdictView, ...]
    objections: tuple[ObjectionView, ...]
    margin: MarginView | None
    quote: QuoteView | None
    candidates: tuple[CandidateView, ...] = ()
    parts: tuple[PartView, ...] = ()
    premium: PremiumView | None = None


class ValidationView(View, frozen=True):
    """A well formed order, and all that stands against it now; `digest` identifies its meaning."""

    ok: bool
    digest: str
    violations: tuple[ObjectionView, ...]


def _margin_view(margin: MarginRequirement) -> MarginView:
    return MarginView(
        currency=margin.currency,
        initial=text_of(margin.initial),
        buying_power_effect=text_of(margin.buying_power_effect),
        fees=text_of(margin.fees),
        source=margin.source,
    )


def _premium_view(premium: Premium) -> PremiumView:
    return PremiumView(
        price=text(premium.price),
        multiplier=text_of(premium.multiplier),
        total=text(premium.total),
        currency=premium.currency,
        buying_power=text(premium.power),
    )


def validation_view(preview: Preview, digest: str) -> ValidationView:
    return ValidationView(ok=preview.ok, digest=digest, violations=_objections(preview.violations))


def _objections(found: Iterable[FieldError]) -> tuple[ObjectionView, ...]:
    return tuple(ObjectionView(pointer=o.pointer, code=o.code, detail=o.detail) for o in found)


def preview_view(preview: Preview) -> PreviewView:
    return PreviewView(
        ok=preview.ok,
        profile=preview.profile,
        verdicts=tuple(
            VerdictView(control=v.control, ok=v.ok, detail=v.detail, limit=v.limit_text, value=v.value_text)
            for v in preview.verdicts
        ),
        objections=_objections(preview.objections),
        margin=None if preview.margin is None else _margin_view(preview.margin),
        quote=None if preview.quote is None else quote_view(preview.quote),
        candidates=tuple(candidate_view(seen) for seen in preview.seen),
        parts=tuple(part_view(part) for part in preview.parts),
        premium=None if preview.premium is None else _premium_view(preview.premium),
    )
