"""Rate limits: the etiquette of `info.py` as budgets, and what replies tell of the venue's own count.

Replies carry X-Ratelimit-Allowed, -Used, -Available and -Expiry (epoch; in ms by most accounts, so what is above 10^11 is taken
for ms).  Over the limit the venue answers 429, or 400 with the words "Quota Violation".
Document: documentation.tradier.com/brokerage-api/overview/rate-limiting.
"""

from __future__ import annotations

from floorbroker.brokers.tradier.info import INFO
from floorbroker.domain.clock import Clock
from floorbroker.domain.values import Environment
from floorbroker.transport.bucket import LimitNews
from floorbroker.transport.layers.ratelimit import ReadLimits, number, retry_after_s
from floorbroker.transport.limiter import Limits, limits_of
from floorbroker.transport.types import Response

_SANDBOX = {"standard": 60, "markets": 60}
_MS_FROM = 1e11
_WINDOW_S = 60.0
_LOOKED_INTO = 1024


def limits_for(environment: Environment, trading_requests_min: int = 60) -> Limits:
    """The sandbox allows half of what is read; a simulator plays production."""
    trading = {"trading": trading_requests_min}
    return limits_of(INFO.etiquette, _SANDBOX | trading if environment is Environment.PAPER else trading)


def is_quota_violation(response: Response) -> bool:
    """The words in which the venue says that a window is spent, whatever the status."""
    return response.status in (400, 429) and b"quota violation" in response.body[:_LOOKED_INTO].lower()


def read_limits(clock: Clock) -> ReadLimits:
    """What a reply of the venue says about its limits; a window's end further away than a window is not believed."""

    def read(response: Response) -> LimitNews | None:
        headers, now = response.headers, clock.now()
        expiry = number(headers.get("x-ratelimit-expiry"))
        ends_s = None if expiry is None else (expiry / 1000 if expiry > _MS_FROM else expiry)
        left_s = None if ends_s is None else min(max(ends_s - now.timestamp(), 0.0), _WINDOW_S)
        news = LimitNews(
            remaining=number(headers.get("x-ratelimit-available")),
            reset_s=left_s,
            retry_after_s=(left_s or 1.0)
            if is_quota_violation(response)
            else retry_after_s(headers.get("retry-after"), now),
        )
        return None if news == LimitNews() else news

    return read
