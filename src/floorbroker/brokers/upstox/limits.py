"""Rate limits: the etiquette of `info.py` as budgets.

The venue tells no count with its replies; over the limit it answers 429 with UDAPI10005, or with a page of its own.
Document: upstox.com/developer/api-documentation/rate-limiting.
"""

from __future__ import annotations

from floorbroker.brokers.upstox.info import INFO, Options
from floorbroker.domain.clock import Clock
from floorbroker.transport.bucket import LimitNews
from floorbroker.transport.layers.ratelimit import ReadLimits, retry_after_s
from floorbroker.transport.limiter import Limits, limits_of
from floorbroker.transport.types import Response

_PAUSE_S = 1.0


def limits_for(options: Options) -> Limits:
    """The limits of an account that may send so many order commands a second."""
    return limits_of(INFO.etiquette, {"orders_second": int(options.orders_per_s)})


def read_limits(clock: Clock) -> ReadLimits:
    """What a reply of the venue says about its limits: that one is passed, or nothing."""

    def read(response: Response) -> LimitNews | None:
        if response.status != 429:
            return None
        return LimitNews(retry_after_s=retry_after_s(response.headers.get("retry-after"), clock.now()) or _PAUSE_S)

    return read
