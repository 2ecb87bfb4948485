"""Rate limits: the etiquette of `info.py` as budgets, and what replies tell of the venue's own count.

Replies carry X-Bapi-Limit, -Status (what is left) and -Reset-Timestamp (ms; later than now only when the limit is passed).  Too
many requests are retCode 10006 in an answer with status 200; over the limit of the address the answer is HTTP 403 with the words
"access too frequent" and no retCode, and all traffic stops for ten minutes.  Limits differ by category and may be raised for an
account, and a reply does not say which it counted by: the budgets hold the lowest published ones, and what is left steers them
when it is little.
Document: bybit-exchange.github.io/docs/v5/rate-limit.
"""

from __future__ import annotations

import re

from floorbroker.brokers.bybit.auth import epoch_ms
from floorbroker.brokers.bybit.info import INFO
from floorbroker.domain.clock import Clock
from floorbroker.transport.bucket import LimitNews
from floorbroker.transport.layers.ratelimit import ReadLimits, number
from floorbroker.transport.limiter import Limits, limits_of
from floorbroker.transport.types import Response

LIMITS = limits_of(INFO.etiquette)
BAN_S = 600.0
TOO_MANY = frozenset({b"10006", b"10018", b"10429", b"429"})
_CODE = re.compile(rb'"retCode"\s*:\s*(-?[0-9]{1,9})')
_LOOKED_INTO = 4096
_TOO_FREQUENT = b"too frequent"
_PAUSE_S = 1.0
_SCARCE = 0.2  # of what the venue allows: less than ordinary work ever leaves, so somebody else spends it


def limits_for(order_requests_s: int) -> Limits:
    """The limits of an account that may send so many of each kind of order command a second."""
    raised = {rule.name: order_requests_s for rule in INFO.etiquette.allowances if rule.option == "order_requests_s"}
    return limits_of(INFO.etiquette, raised)


def is_ban(response: Response) -> bool:
    """HTTP 403 that says "access too frequent": too many requests of this address.

    Any other 403 (for the country, for rights, from something between the venue and us) stops nothing, cancels least of all.
    """
    return response.status == 403 and _TOO_FREQUENT in response.body[:_LOOKED_INTO].lower()


def read_limits(clock: Clock) -> ReadLimits:
    """What a reply of the venue says about its limits."""

    def read(response: Response) -> LimitNews | None:
        if is_ban(response):
            return LimitNews(ban_s=BAN_S)
        headers = response.headers
        reset = number(headers.get("x-bapi-limit-reset-timestamp"))
        wait_s = None if reset is None else (reset - epoch_ms(clock.now())) / 1000
        code = _CODE.search(response.body[:_LOOKED_INTO])
        if code is not None and code[1] in TOO_MANY:
            return LimitNews(retry_after_s=_PAUSE_S if wait_s is None else min(max(wait_s, 0.1), 60.0))
        left, limit = number(headers.get("x-bapi-limit-status")), number(headers.get("x-bapi-limit"))
        is_scarce = left is not None and limit is not None and left <= limit * _SCARCE
        return LimitNews(remaining=left) if is_scarce else None

    return read
