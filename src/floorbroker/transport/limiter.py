"""Waits for tokens: the asynchronous shell around `bucket`, in order of lanes, with a deadline, on a handed-in clock.

One limiter belongs to one account and is shared by its read stack and its command stack, since the venue counts them
together.
"""

from __future__ import annotations

import asyncio
import math
from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from floorbroker.domain.capability import Allowance, Etiquette
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import Hint, Outcome, RateLimitExceeded
from floorbroker.transport.bucket import ORDER_SHARES, READ_SHARES, Bucket, Budget, LimitNews, Taken
from floorbroker.transport.types import Lane

_NAP_MIN_S = 0.001
_NAP_MAX_S = 1.0  # a refund or a better limit is noticed within this time
_BAN_MAX_S = 7 * 86_400.0
_WAITERS_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A venue's rate rules as data (`brokers/<venue>/limits.py`).

    `routes` maps an endpoint (`orders.submit`), its first word (`orders`) or `*` for all the rest to the names of the
    budgets it draws on; the most exact entry counts.  An endpoint without an entry is not limited.
    """

    budgets: tuple[Budget, ...]
    routes: Mapping[str, tuple[str, ...]]


def limits_of(etiquette: Etiquette, requests: Mapping[str, int] | None = None) -> Limits:
    """A venue's budgets, derived from its etiquette.  `requests` says what an account's plan allows, by allowance."""
    said = requests or {}
    return Limits(
        budgets=tuple(
            Budget(
                name=allowance.name,
                capacity=said.get(allowance.name, allowance.requests),
                per_s=allowance.per_s,
                shares=READ_SHARES if allowance.reads_only else ORDER_SHARES,
            )
            for allowance in etiquette.allowances
        ),
        routes={
            endpoint: _names(etiquette.allowances, endpoint)
            for allowance in etiquette.allowances
            for endpoint in allowance.endpoints
        },
    )


def _names(allowances: tuple[Allowance, ...], endpoint: str) -> tuple[str, ...]:
    """Those that count this endpoint; where each of them only counts beside a wider one, that one as well."""
    mine = [allowance for allowance in allowances if endpoint in allowance.endpoints]
    names = tuple(allowance.name for allowance in mine)
    if endpoint == "*" or not all(allowance.beside for allowance in mine):
        return names
    wider = endpoint.rpartition(".")[0] or "*"
    return names + _names(allowances, wider)


class Grant(NamedTuple):
    """Tokens taken for one request."""

    taken: tuple[tuple[Bucket, Taken], ...]


_FREE = Grant(())


@dataclass(slots=True, eq=False)
class _Waiter:
    lane: Lane
    number: int
    weight: float
    buckets: tuple[Bucket, ...]
    grant: Grant | None = field(default=None)

    def __lt__(self, other: _Waiter) -> bool:
        return (self.lane, self.number) < (other.lane, other.number)

    @property
    def wish(self) -> tuple[Lane, float, tuple[Bucket, ...]]:
        """Those with the same wait the same time."""
        return self.lane, self.weight, self.buckets

    def wait_s(self, now: float) -> float:
        return max((bucket.wait_s(bucket.cost(self.weight), self.lane, now) for bucket in self.buckets), default=0.0)

    def take(self, now: float) -> Grant:
        return Grant(tuple((bucket, bucket.take(bucket.cost(self.weight), now)) for bucket in self.buckets))


class Limiter:
    """The budgets of one account."""

    def __init__(self, limits: Limits, *, clock: Clock) -> None:
        self.clock = clock
        self._buckets = {budget.name: Bucket(budget) for budget in limits.budgets}
        self._routes = {key: tuple(self._buckets[name] for name in names) for key, names in limits.routes.items()}
        self._found: dict[str, tuple[Bucket, ...]] = {}  # endpoints are names in our own code, so this stays small
        self._numbers = count()
        self._banned_until = -math.inf
        self.waiting: list[_Waiter] = []

    def buckets(self, endpoint: str) -> tuple[Bucket, ...]:
        """The buckets an endpoint draws on."""
        found = self._found.get(endpoint)
        if found is None:
            keys = (endpoint, endpoint.partition(".")[0], "*")
            found = next((self._routes[key] for key in keys if key in self._routes), ())
            self._found[endpoint] = found
        return found

    def used_share(self, endpoint: str) -> dict[str, float]:
        """Part in use of each budget the endpoint draws on, by name; above 1.0 when cancels went past it."""
        now = self.clock.monotonic()
        return {bucket.budget.name: bucket.used(now) / bucket.capacity for bucket in self.buckets(endpoint)}

    @property
    def shares(self) -> dict[str, float]:
        """Part in use of each budget, by name."""
        now = self.clock.monotonic()
        return {name: bucket.used(now) / bucket.capacity for name, bucket in self._buckets.items()}

    @property
    def fullest(self) -> float:
        """Part in use of the budget that is nearest to its end, paces apart; 0.0 where nothing is counted."""
        now = self.clock.monotonic()
        counted = (bucket for bucket in self._buckets.values() if not bucket.budget.paces)
        return max((bucket.used(now) / bucket.capacity for bucket in counted), default=0.0)

    async def acquire(self, endpoint: str, *, lane: Lane, weight: float = 1, max_wait_s: float) -> Grant:
        """Take tokens, after waiting for them if need be.

        Raises `RateLimitExceeded` (NOT_SENT) at once when the wait would be longer than `max_wait_s`, or during a ban.
        """
        granted = self.at_once(endpoint, lane=lane, weight=weight)
        if granted is not None:
            return granted
        if len(self.waiting) >= _WAITERS_MAX:
            raise _refusal("too many requests are waiting for the rate budget", None)
        waiter = _Waiter(lane, next(self._numbers), weight, self.buckets(endpoint))
        return await self._queue(waiter, self.clock.monotonic() + max_wait_s)

    def at_once(self, endpoint: str, *, lane: Lane, weight: float = 1) -> Grant | None:
        """Tokens that need no waiting for, since nobody waits and enough are free, or since it is a cancel; else None.

        Raises `RateLimitExceeded` (NOT_SENT) during a ban.
        """
        now = self.clock.monotonic()
        if now < self._banned_until:
            self._refuse_when_banned(now)
        if self.waiting and lane is not Lane.CANCEL:
            return None
        buckets = self.buckets(endpoint)
        if len(buckets) == 1:
            (bucket,) = buckets
            taken = bucket.taken_at_once(bucket.cost(weight), lane, now)
            return None if taken is None else Grant(((bucket, taken),))
        if any(bucket.wait_s(bucket.cost(weight), lane, now) > 0.0 for bucket in buckets):
            return None
        return Grant(tuple((bucket, bucket.take(bucket.cost(weight), now)) for bucket in buckets)) if buckets else _FREE

    def give_back(self, grant: Grant) -> None:
        """The request was proven not sent: its tokens are free again."""
        for bucket, taken in grant.taken:
            bucket.give_back(taken)

    def learn(self, endpoint: str, news: LimitNews) -> None:
        """Adapt to what a reply said."""
        now = self.clock.monotonic()
        if news.ban_s is not None and not math.isnan(news.ban_s):
            self._banned_until = max(self._banned_until, now + min(news.ban_s, _BAN_MAX_S))
        named = self._buckets.get(news.budget) if news.budget is not None else next(iter(self.buckets(endpoint)), None)
        if named is not None:
            named.learn(news, now)

    def throttled(self, endpoint: str, retry_after_s: float | None) -> None:
        """The venue answered 429: pause what this endpoint draws on."""
        now = self.clock.monotonic()
        for bucket in self.buckets(endpoint):
            bucket.throttled(retry_after_s, now)

    async def _queue(self, waiter: _Waiter, deadline: float) -> Grant:
        insort(self.waiting, waiter)
        try:
            while waiter.grant is None:
                await self._nap(waiter, deadline)
        except asyncio.CancelledError:
            if waiter.grant is not None:
                self.give_back(waiter.grant)
            raise
        finally:
            if waiter in self.waiting:
                self.waiting.remove(waiter)
        return waiter.grant

    async def _nap(self, waiter: _Waiter, deadline: float) -> None:
        now = self.clock.monotonic()
        self._refuse_when_banned(now)
        self._grant_in_order(now)
        if waiter.grant is not None:
            return
        wait_s = waiter.wait_s(now)
        if now + wait_s > deadline or now >= deadline:
            raise _refusal("the rate budget is used up", wait_s)
        nap_s = min(self._turn_s(waiter, now), deadline - now, _NAP_MAX_S)
        await self.clock.sleep(max(nap_s, _NAP_MIN_S))

    def _grant_in_order(self, now: float) -> None:
        """Serve every waiter that can go; one that cannot holds back those behind it on the same buckets."""
        held: set[int] = set()
        for waiter in tuple(self.waiting):
            keys = {id(bucket) for bucket in waiter.buckets}
            if held.isdisjoint(keys) and waiter.wait_s(now) == 0.0:
                waiter.grant = waiter.take(now)
                self.waiting.remove(waiter)
            else:
                held |= keys

    def _turn_s(self, waiter: _Waiter, now: float) -> float:
        """When its turn may come: those before it on the same buckets go first, unless they give up."""
        mine = set(map(id, waiter.buckets))
        before = (other for other in self.waiting if not waiter < other)
        alike = {other.wish: other for other in before if not mine.isdisjoint(map(id, other.buckets))}
        return max(other.wait_s(now) for other in alike.values())

    def _refuse_when_banned(self, now: float) -> None:
        if now < self._banned_until:
            raise _refusal("the venue has banned us for a while", self._banned_until - now)


def _refusal(detail: str, retry_after_s: float | None) -> RateLimitExceeded:
    known = retry_after_s if retry_after_s is not None and math.isfinite(retry_after_s) else None
    return RateLimitExceeded(detail, outcome=Outcome.NOT_SENT, hint=Hint(retry_after_s=known))
