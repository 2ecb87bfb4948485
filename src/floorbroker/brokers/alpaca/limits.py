"""Rate limits: the etiquette of `info.py` as budgets.

Replies may carry X-RateLimit-Limit, -Remaining and -Reset (epoch seconds): `transport.layers.ratelimit.standard_limits` reads
exactly these, and a plan with more raises the data budget by itself.
"""

from __future__ import annotations

from floorbroker.brokers.alpaca.info import INFO
from floorbroker.transport.limiter import Limits, limits_of

LIMITS = limits_of(INFO.etiquette)


def limits_for(trading_requests_min: int) -> Limits:
    """The limits of an account whose plan allows so many trading requests a minute."""
    return limits_of(INFO.etiquette, {"trading": trading_requests_min})
