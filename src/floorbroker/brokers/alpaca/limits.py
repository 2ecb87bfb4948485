"""Rate limits as data.

Documents: alpaca.markets/learn/how-to-fix-common-trading-api-errors-at-alpaca (200 a minute per account, more by agreement:
option `trading_requests_min`);
docs.alpaca.markets/docs/about-market-data-api (200 a minute on the Basic plan, 10,000 on Algo Trader Plus).

Replies may carry X-RateLimit-Limit, -Remaining and -Reset (epoch seconds): `transport.layers.ratelimit.standard_limits` reads
exactly these, and a plan with more raises the data budget by itself.
"""

from __future__ import annotations

from dataclasses import replace

from floorbroker.transport.bucket import READ_SHARES, Budget
from floorbroker.transport.limiter import Limits

TRADING = Budget(name="trading", capacity=200, per_s=60.0)
DATA = Budget(name="data", capacity=200, per_s=60.0, shares=READ_SHARES)

LIMITS = Limits(budgets=(TRADING, DATA), routes={"data": ("data",), "*": ("trading",)})


def limits_for(trading_requests_min: int) -> Limits:
    """The limits of an account whose plan allows so many trading requests a minute."""
    return replace(LIMITS, budgets=(replace(TRADING, capacity=trading_requests_min), DATA))
