"""The rate-limit layer: every attempt pays its own tokens, and every reply may teach us the venue's count."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError, Outcome
from floorbroker.domain.ports import NO_TRACER, Meter, Tracer
from floorbroker.transport.bucket import LimitNews
from floorbroker.transport.limiter import Limiter
from floorbroker.transport.types import Request, Response, Transport

ReadLimits = Callable[
    [Response], LimitNews | Sequence[LimitNews] | None
]  # several where a reply counts several budgets

TOO_MANY_REQUESTS = 429
_SPEAKING = frozenset({"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"})
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")


class RateLimit:
    """Waits for tokens in lane order, `max_wait_s` at most; then `RateLimitExceeded` (NOT_SENT).

    A request that is proven not sent gives its tokens back.  A 429 pauses the buckets it drew on.
    """

    def __init__(
        self,
        inner: Transport,
        *,
        limiter: Limiter,
        read_limits: ReadLimits,
        max_wait_s: float,
        meter: Meter | None = None,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._inner = inner
        self._limiter = limiter
        self._read_limits = read_limits
        self._max_wait_s = max_wait_s
        self._meter = meter
        self._tracer = tracer

    async def send(self, request: Request) -> Response:
        grant = self._limiter.at_once(request.endpoint, lane=request.lane, weight=request.weight)
        if grant is None:
            began_s = self._limiter.clock.monotonic()
            with self._tracer.span("venue.wait", endpoint=request.endpoint, lane=request.lane.name.lower()):
                grant = await self._limiter.acquire(
                    request.endpoint, lane=request.lane, weight=request.weight, max_wait_s=self._max_wait_s
                )
            if self._meter is not None:
                waited_s = self._limiter.clock.monotonic() - began_s
                self._meter.observe("rate_wait_seconds", waited_s, lane=request.lane.name.lower())
        try:
            response = await self._inner.send(request)
        except FloorbrokerError as error:
            if error.outcome is Outcome.NOT_SENT:
                self._limiter.give_back(grant)
            raise
        self._learn(request, response)
        return response

    def _learn(self, request: Request, response: Response) -> None:
        told = self._read_limits(response)
        several = () if told is None else (told,) if isinstance(told, LimitNews) else told
        for news in several:
            self._limiter.learn(request.endpoint, news)
        waits_s = [news.retry_after_s for news in several if news.retry_after_s is not None]
        if response.status == TOO_MANY_REQUESTS or waits_s:
            self._limiter.throttled(request.endpoint, max(waits_s, default=None))
            if self._meter is not None:
                self._meter.count("rate_limited", endpoint=request.endpoint)
        if self._meter is not None:
            self._gauge(request.endpoint, self._meter)

    def _gauge(self, endpoint: str, meter: Meter) -> None:
        for budget, share in self._limiter.used_share(endpoint).items():
            meter.gauge("rate_budget_used", share, budget=budget)


def standard_limits(clock: Clock) -> ReadLimits:
    """Reads `Retry-After` and `X-RateLimit-Limit`, `-Remaining` and `-Reset` (in epoch seconds)."""

    def read(response: Response) -> LimitNews | None:
        headers = response.headers
        if _SPEAKING.isdisjoint(headers):
            return None
        now = clock.now()
        reset = number(headers.get("x-ratelimit-reset"))
        news = LimitNews(
            limit=number(headers.get("x-ratelimit-limit")),
            remaining=number(headers.get("x-ratelimit-remaining")),
            reset_s=None if reset is None else max(0.0, reset - now.timestamp()),
            retry_after_s=retry_after_s(headers.get("retry-after"), now),
        )
        return None if news == LimitNews() else news

    return read


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After header, which is seconds or an HTTP date (RFC 9110, 10.2.3); None when unreadable."""
    seconds = number(value)
    if seconds is not None or value is None:
        return seconds
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def number(value: str | None) -> float | None:
    """A header's number, plainly written; anything else says nothing."""
    if value is None or not _NUMBER.fullmatch(value):
        return None
    return float(value)
