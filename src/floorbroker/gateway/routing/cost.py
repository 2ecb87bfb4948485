"""What an order would cost at a venue, in basis points, by arithmetic that a person can do again.

A quantity is walked through what the venue shows on the other side, best price first; a limit order takes nothing beyond its
limit, and what it does not take rests there.  The average price of that is compared with the best touch of all venues; fees
and the expected latency are added.  What is not shown is not guessed: a venue that shows too little is said to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Context, Decimal

from floorbroker.domain.frozen import frozen
from floorbroker.domain.instrument import usual_multiplier
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import LIMITED, WIDE, ZERO, Side, text_of
from floorbroker.gateway.routing.policy import VenueTerms

_ONE = Decimal(1)
_BPS = Decimal(10_000)
_MS = Decimal(1000)
_STEP = Decimal("0.001")
_NOTHING_BPS = Decimal("0.000")
_SHOWN = Context(prec=12)
Levels = Sequence[tuple[Decimal, Decimal]]


@frozen
class Offer:
    """What a venue shows on the side that an order would meet: (price, units) best first, `age_s` seconds old.

    `other` is the best price of the order's own side.  A level of zero units has a price whose depth is not told.
    """

    levels: tuple[tuple[Decimal, Decimal], ...]
    age_s: float
    source: str  # book or quote
    other: Decimal | None = None

    @property
    def touch(self) -> Decimal:
        """The best price."""
        return self.levels[0][0]


@frozen
class Cost:
    """One venue's cost in basis points against `reference`, the best touch of all; a lower total is better.

    `price_bps` is the touch's distance, `depth_bps` what walking the book adds.  `missing` says what the venue does not show.
    """

    reference: Decimal
    touch: Decimal
    average: Decimal
    taken: Decimal  # units met by what is shown
    resting: Decimal  # units that would wait at the limit
    price_bps: Decimal
    depth_bps: Decimal
    fee_bps: Decimal
    latency_bps: Decimal
    spread_bps: Decimal | None
    age_s: float
    source: str
    missing: str = ""
    latency_ms: Decimal = ZERO  # what is expected of it, from which `latency_bps` is made

    @property
    def total_bps(self) -> Decimal:
        return self.price_bps + self.depth_bps + self.fee_bps + self.latency_bps

    def told(self) -> Mapping[str, str]:
        """Each number of the arithmetic as text."""
        found = {
            "reference_px": text_of(self.reference),
            "touch_px": text_of(self.touch),
            "avg_px": text_of(_SHOWN.plus(self.average)),
            "taken_qty": text_of(_SHOWN.plus(self.taken)),
            "resting_qty": text_of(_SHOWN.plus(self.resting)),
            "price_bps": text_of(self.price_bps),
            "depth_bps": text_of(self.depth_bps),
            "fee_bps": text_of(self.fee_bps),
            "latency_ms": text_of(self.latency_ms),
            "latency_bps": text_of(self.latency_bps),
            "spread_bps": "" if self.spread_bps is None else text_of(self.spread_bps),
            "total_bps": text_of(self.total_bps),
            "age_ms": str(round(self.age_s * 1000)),
            "source": self.source,
            "missing": self.missing,
        }
        return {name: text for name, text in found.items() if text}


def reference_of(side: Side, offers: Iterable[Offer]) -> Decimal | None:
    """The best touch of all venues: the lowest ask for a buy, the highest bid for a sell."""
    touches = [offer.touch for offer in offers]
    if not touches:
        return None
    return min(touches) if side is Side.BUY else max(touches)


def cost_at(wish: NewOrder, offer: Offer, terms: VenueTerms, *, reference: Decimal, latency_bps_s: Decimal) -> Cost:
    """What a wish would cost at one venue.  `reference` is above zero."""
    limit = wish.price if wish.order_type in LIMITED else None
    touch, last = offer.levels[0][0], offer.levels[-1][0]
    wanted = units_of(wish, touch)
    spent, taken = _walk(offer.levels, wanted, limit, wish.side)
    left = wanted - taken
    resting = left if limit is not None and _worse(last, limit, wish.side) else ZERO
    unshown = left - resting
    at = limit if resting and limit is not None else last
    average = (spent + left * at) / wanted
    start = limit if limit is not None and resting == wanted else touch
    fee = fees_of(terms, average, multiplier=usual_multiplier(wish.symbol) if terms.fee_per_unit else _ONE)
    return Cost(
        reference=reference,
        touch=touch,
        average=average,
        taken=taken,
        resting=resting,
        price_bps=_bps(reference, start, reference, wish.side),
        depth_bps=_bps(start, average, reference, wish.side),
        fee_bps=WIDE.quantize(fee, _STEP) if fee else _NOTHING_BPS,
        latency_bps=(terms.latency_ms / _MS * latency_bps_s).quantize(_STEP),
        spread_bps=None if offer.other is None else _bps(offer.other, touch, reference, wish.side),
        age_s=offer.age_s,
        source=offer.source,
        missing=_missing(offer, wanted, unshown) if unshown > 0 else "",
        latency_ms=terms.latency_ms,
    )


def fees_of(terms: VenueTerms, price: Decimal, *, multiplier: Decimal) -> Decimal:
    """A unit's fees at `price`, in basis points of its value: an option's is that of the `multiplier` shares it is about."""
    if not terms.fee_per_unit or not price:
        return terms.fee_bps
    return terms.fee_bps + WIDE.divide(terms.fee_per_unit, price * multiplier) * _BPS


def units_of(wish: NewOrder, price: Decimal) -> Decimal:
    """Units asked for; an amount of money is measured at `price`."""
    if wish.order_qty is not None:
        return wish.order_qty
    assert wish.notional is not None  # a wish has one of the two
    return wish.notional / price


def _walk(levels: Levels, wanted: Decimal, limit: Decimal | None, side: Side) -> tuple[Decimal, Decimal]:
    """Money spent and units taken of what is shown, no further than the limit."""
    spent = taken = ZERO
    for price, size in levels:
        if taken >= wanted or (limit is not None and _worse(price, limit, side)):
            break
        units = min(size, wanted - taken)
        spent, taken = spent + units * price, taken + units
    return spent, taken


def _worse(price: Decimal, limit: Decimal, side: Side) -> bool:
    """Whether a price lies beyond a limit."""
    return price > limit if side is Side.BUY else price < limit


def _bps(better: Decimal, worse: Decimal, reference: Decimal, side: Side) -> Decimal:
    """How far apart two prices are; to our disadvantage is positive.  However far that is, it has room."""
    distance = worse - better if side is Side.BUY else better - worse
    return WIDE.quantize(distance / reference * _BPS, _STEP) if distance else _NOTHING_BPS


def _missing(offer: Offer, wanted: Decimal, unshown: Decimal) -> str:
    if all(size == 0 for _, size in offer.levels):
        return "the venue does not tell how much stands at its price"
    return (
        f"only {text_of(wanted - unshown)} of {text_of(wanted)} are shown; the rest is counted at the last price shown"
    )
