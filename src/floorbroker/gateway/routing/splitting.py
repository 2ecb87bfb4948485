"""How a quantity is split over several venues: the cheapest units first, wherever they are shown, by arithmetic to do again.

Every level that every venue shows is priced with what it costs there (`all_in`), and the quantity is walked through all of
them, cheapest first.  What nobody shows goes where the next unit would cost least.  Each venue's share is rounded down to its
step, and the largest takes what the rounding leaves; a share below a venue's minimum goes back to the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from floorbroker.domain.frozen import frozen
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import (
    LIMITED,
    WIDE,
    ZERO,
    OrderClass,
    OrderType,
    ProfileName,
    Quantity,
    Side,
    TimeInForce,
    is_multiple,
    round_to_lot,
    text_of,
    total_of,
)
from floorbroker.gateway.routing.cost import Cost, Offer, cost_at, fees_of
from floorbroker.gateway.routing.policy import VenueTerms

_BPS, _MS, _STEP = Decimal(10_000), Decimal(1000), Decimal("0.001")
_TYPES = frozenset({OrderType.MARKET, OrderType.LIMIT})
_WHOLE_TIFS = frozenset({TimeInForce.FOK, TimeInForce.OPG, TimeInForce.CLS})  # all or nothing, or met in one auction


@frozen
class Pool:
    """One venue to take from: what it shows, what it costs, its rules.  `most` units at the most; None for no bound."""

    profile: ProfileName
    offer: Offer
    terms: VenueTerms
    instrument: Instrument
    most: Decimal | None = None

    @property
    def step(self) -> Decimal:
        """The quantity step, fractions included where the venue takes them."""
        return self.instrument.fraction or self.instrument.lot

    @property
    def room(self) -> Decimal | None:
        """What it may be given at the most (units); None for no bound."""
        bounds = [bound for bound in (self.most, self.instrument.max_qty) if bound is not None]
        return min(bounds, default=None)


@frozen
class Part:
    """One venue's share of a split, numbered from 1, and what it would cost there."""

    number: int
    profile: ProfileName
    qty: Quantity
    cost: Cost

    def told(self) -> Mapping[str, str]:
        """Each number of its arithmetic as text."""
        return {"qty": text_of(self.qty), **self.cost.told()}


@frozen
class Plan:
    """Two parts or more.  `total_bps` is what all of it would cost, `whole_bps` what the best single venue would."""

    parts: tuple[Part, ...]
    total_bps: Decimal
    whole_bps: Decimal
    best: ProfileName
    why: str


def whole_because(wish: NewOrder) -> str:
    """Why a wish is never split, whatever venues show; empty for one that may be."""
    if wish.order_class is not OrderClass.SIMPLE or wish.legs:
        return "a group of orders stays together"
    if wish.order_type not in _TYPES:
        return f"a {wish.order_type.value} order waits for its price in one place"
    if wish.order_qty is None:
        return "an amount of money is not split"
    if wish.tif in _WHOLE_TIFS:
        return f"{wish.tif.value} is a word about the whole"
    if wish.post_only or wish.display_qty is not None:
        return "it wants to rest, and not to take what is shown"
    return ""


def split(
    wish: NewOrder, pools: Sequence[Pool], *, reference: Decimal, latency_bps_s: Decimal, most: int, gain_bps: Decimal
) -> Plan | str:
    """How to split a wish that may be, over `most` venues at the most; or why it stays whole.

    `pools` come in order of preference.  A split has to save `gain_bps` against the best single venue, unless that one shows too
    little.
    """
    wanted = wish.order_qty
    assert wanted is not None  # `whole_because` has asked
    if len(pools) < 2:
        return "fewer than two venues have a price, and rules, for it"
    costs = {
        pool.profile: cost_at(wish, pool.offer, pool.terms, reference=reference, latency_bps_s=latency_bps_s)
        for pool in pools
    }
    shares = _shares(wish, wanted, pools, reference=reference, latency_bps_s=latency_bps_s, most=most)
    if len(shares) < 2:
        return "one venue is the cheapest for all of it"
    able = [pool for pool in pools if pool.room is None or pool.room >= wanted]
    alone = [pool.profile for pool in able or pools]
    best = min(alone, key=lambda name: (bool(costs[name].missing), costs[name].total_bps))
    parts = _parts(wish, shares, pools, reference=reference, latency_bps_s=latency_bps_s)
    total = (total_of(WIDE.multiply(part.qty, part.cost.total_bps) for part in parts) / wanted).quantize(_STEP)
    whole, is_fuller = costs[best], bool(costs[best].missing) and not any(part.cost.missing for part in parts)
    saved = whole.total_bps - total
    if able and not is_fuller and saved < gain_bps:
        return f"a split would save {text_of(saved)} bps, less than {text_of(gain_bps)}"
    alone_bps = f"{text_of(whole.total_bps)} bps" + (f", but {whole.missing}" if whole.missing else "")
    why = f"{text_of(total)} bps over {len(parts)} venues; {best} alone {alone_bps}"
    return Plan(parts=parts, total_bps=total, whole_bps=whole.total_bps, best=best, why=why)


def _parts(
    wish: NewOrder,
    shares: Mapping[ProfileName, Decimal],
    pools: Sequence[Pool],
    *,
    reference: Decimal,
    latency_bps_s: Decimal,
) -> tuple[Part, ...]:
    """The largest share first."""
    by_name = {pool.profile: pool for pool in pools}
    found: list[Part] = []
    for number, (name, share) in enumerate(sorted(shares.items(), key=lambda item: -item[1]), start=1):
        pool, qty = by_name[name], Quantity(share)
        mine = replace(wish, order_qty=qty)
        cost = cost_at(mine, pool.offer, pool.terms, reference=reference, latency_bps_s=latency_bps_s)
        found.append(Part(number=number, profile=name, qty=qty, cost=cost))
    return tuple(found)


def _shares(
    wish: NewOrder,
    wanted: Decimal,
    pools: Sequence[Pool],
    *,
    reference: Decimal,
    latency_bps_s: Decimal,
    most: int,
) -> Mapping[ProfileName, Decimal]:
    """Units for each venue, in whole steps and above every minimum; without those that cannot have any.  May be empty."""
    left = list(pools)
    while len(left) > 1:
        raw = _allocated(wish, wanted, left, reference=reference, latency_bps_s=latency_bps_s)
        taking = [pool for pool in left if raw[pool.profile] > 0]
        if len(taking) > most:
            smallest = min(taking, key=lambda pool: raw[pool.profile])
            left = [pool for pool in taking if pool is not smallest]
            continue
        shares = _rounded(raw, wanted, taking)
        poor = [pool for pool in taking if _is_below(pool, shares.get(pool.profile, ZERO), wish)]
        if not poor:
            return shares
        smallest = min(poor, key=lambda pool: shares.get(pool.profile, ZERO))
        left = [pool for pool in taking if pool is not smallest]
    return {}


def _allocated(
    wish: NewOrder, wanted: Decimal, pools: Sequence[Pool], *, reference: Decimal, latency_bps_s: Decimal
) -> dict[ProfileName, Decimal]:
    """Units by venue before any rounding: every level in the order of what it costs, then the rest."""
    limit = wish.price if wish.order_type in LIMITED else None
    given = {pool.profile: ZERO for pool in pools}
    levels = [
        (all_in(price, pool, wish.side, reference=reference, latency_bps_s=latency_bps_s), place, size, pool)
        for place, pool in enumerate(pools)
        for price, size in pool.offer.levels
        if limit is None or (price - limit) * wish.side.sign <= 0
    ]
    left = wanted
    for _, _, size, pool in sorted(levels, key=lambda level: level[:2]):
        units = min(size, left, _room(pool, given))
        given[pool.profile] += units
        left -= units
    ends = [
        (
            all_in(
                limit if limit is not None else pool.offer.levels[-1][0],
                pool,
                wish.side,
                reference=reference,
                latency_bps_s=latency_bps_s,
            ),
            place,
            pool,
        )
        for place, pool in enumerate(pools)
    ]
    for _, _, pool in sorted(ends, key=lambda end: end[:2]):
        units = min(left, _room(pool, given))
        given[pool.profile] += units
        left -= units
    return given


def _room(pool: Pool, given: Mapping[ProfileName, Decimal]) -> Decimal:
    return Decimal("Infinity") if pool.room is None else pool.room - given[pool.profile]


def all_in(price: Decimal, pool: Pool, side: Side, *, reference: Decimal, latency_bps_s: Decimal) -> Decimal:
    """What a unit at `price` costs in basis points of `reference`: its distance, fees, and the expected latency."""
    distance = WIDE.divide((price - reference) * side.sign, reference) * _BPS
    fees = fees_of(pool.terms, price, multiplier=pool.instrument.multiplier)
    return distance + fees + pool.terms.latency_ms / _MS * latency_bps_s


def _rounded(
    raw: Mapping[ProfileName, Decimal], wanted: Decimal, pools: Sequence[Pool]
) -> Mapping[ProfileName, Decimal]:
    """Whole steps that sum to what is wanted: all are rounded down, and one takes the rest.  Empty when nobody can."""
    down = {pool.profile: Decimal(round_to_lot(Quantity(raw[pool.profile]), pool.step)) for pool in pools}
    for anchor in sorted(pools, key=lambda pool: -raw[pool.profile]):
        rest = wanted - total_of(share for name, share in down.items() if name != anchor.profile)
        if is_multiple(rest, anchor.step) and (anchor.room is None or rest <= anchor.room):
            return {**down, anchor.profile: rest}
    return {}


def _is_below(pool: Pool, share: Decimal, wish: NewOrder) -> bool:
    """Whether a share is none, or less than the venue takes; one with a limit is worth no more there than at that."""
    rules, price = pool.instrument, pool.offer.touch
    if wish.price is not None and wish.order_type in LIMITED:
        price = min(price, wish.price)
    return share <= 0 or share < rules.min_qty or share * price * rules.multiplier < rules.min_notional
