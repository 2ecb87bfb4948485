"""Rate limits: the plan as a budget.  No header tells the service's own count; a 429 may carry `Retry-After`."""

from __future__ import annotations

from floorbroker.domain.clock import Clock
from floorbroker.marketdata.providers.polygon.info import INFO, PER_MINUTE
from floorbroker.transport.bucket import LimitNews
from floorbroker.transport.layers.ratelimit import ReadLimits, retry_after_s
from floorbroker.transport.limiter import Limits, limits_of
from floorbroker.transport.types import Response


def limits_for(plan: str) -> Limits:
    """The budget of a plan, by its word in `INFO.options`."""
    return limits_of(INFO.etiquette, {"requests": PER_MINUTE[plan]})


def read_limits(clock: Clock) -> ReadLimits:
    """What a reply says about the limits: how long to wait, where it says so."""

    def read(response: Response) -> LimitNews | None:
        told_s = retry_after_s(response.headers.get("retry-after"), clock.now())
        return None if told_s is None else LimitNews(retry_after_s=told_s)

    return read
