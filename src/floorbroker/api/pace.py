"""How much a caller and an address may ask: each has a bucket of units that fills by the second; requests take what they cost.

Stopping is never refused for what was asked before it: cancels, trips and disarmings have a bucket of their own.  A stranger
takes from one that all strangers of an address share, so that what they ask is nobody else's loss.
"""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from floorbroker.api.addresses import counted_as
from floorbroker.domain.clock import Clock
from floorbroker.domain.frozen import frozen
from floorbroker.people.identity import Identity

WINDOW_S = 60
BUCKETS_MAX = 8192
TURNED_AWAY = 5  # units that a wrong token takes besides its request
COSTS: dict[str, int] = {
    # Work that takes long, asks a venue, or derives a key.  All else costs one.
    "log_in": 20,
    "prove": 20,
    "set_password": 100,
    "add_user": 100,
    "connect_profile": 1000,
    "self_check_profile": 1000,
    "test_profile": 1000,
    "rotate_profile": 1000,
    "finish_login": 1000,
    "reconcile_profile": 500,
    "create_vault": 3000,
    "unlock_vault": 3000,
    "rotate_vault": 3000,
    "verify_audit": 3000,
    "run_backtest": 1000,
    "test_webhook": 100,
    "test_notification": 500,
    "retry_delivery": 100,
    "get_option_chain": 100,
    "size_option": 100,
    "get_bars": 20,
    "get_account": 10,
    "list_audit": 10,
    "list_orders": 5,
    "list_fills": 5,
    "list_decisions": 5,
    "list_backtests": 5,
    "get_metrics": 10,
    "get_openapi": 20,
    "get_reference": 20,
    "preview_order": 2,
    "submit_order": 2,
}
_STOPPING = re.compile(
    r"DELETE /api/v1/[a-z]+/orders(/[^/]+)?|PUT /api/v1/[a-z]+/kill-switch|DELETE /api/v1/live/arming|"
    r"POST /api/v1/[a-z]+/profiles/[^/]+/disconnect"
)


@frozen
class Rates:
    """Units a minute: of each caller, of all that comes from one address, and of all strangers there.  Zero is no limit."""

    caller: int = 60_000
    address: int = 240_000
    stranger: int = 1_200


@dataclass(slots=True)
class _Bucket:
    left: float
    at_s: float


@dataclass(slots=True)
class Taken:
    """What one request takes from: names of policies, keys and sizes; `Pace.more` takes again from the same."""

    parts: tuple[tuple[str, str, int], ...]


@dataclass(slots=True)
class Pace:
    """All buckets of a door; times are `Clock.monotonic`."""

    clock: Clock
    rates: Rates
    _buckets: OrderedDict[str, _Bucket] = field(default_factory=OrderedDict[str, _Bucket])

    def parts(self, identity: Identity | None, address: str, *, only_stops: bool) -> Taken:
        """From which buckets a request takes."""
        lane, place = "stop " if only_stops else "", counted_as(address)
        if identity is None:
            found = [("stranger", f"stranger {place}", self.rates.stranger)]
        else:
            who = identity.token_id or identity.user_id or identity.principal
            found = [("caller", f"{lane}caller {who}", self.rates.caller)]
        found.append(("address", f"{lane}address {place}", self.rates.address))
        return Taken(tuple(part for part in found if part[2] > 0))

    def take(self, taken: Taken, units: int) -> float:
        """Seconds until there is room for so many units; zero when they were taken now.

        What costs more than a whole bucket waits for a full one.
        """
        found = [(self._at(key, size), size) for _, key, size in taken.parts]
        waits = [max(min(units, size) - bucket.left, 0.0) * WINDOW_S / size for bucket, size in found]
        if wait_s := max(waits, default=0.0):
            return wait_s
        for bucket, _ in found:
            bucket.left = max(bucket.left - units, 0.0)
        return 0.0

    def headers(self, taken: Taken) -> dict[str, str]:
        """`RateLimit` and `RateLimit-Policy`: units that are left, and seconds until all are there again."""
        policies, limits = list[str](), list[str]()
        for name, key, size in taken.parts:
            bucket = self._at(key, size)
            policies.append(f'"{name}";q={size};w={WINDOW_S}')
            limits.append(f'"{name}";r={int(bucket.left)};t={math.ceil((size - bucket.left) * WINDOW_S / size)}')
        return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(limits)} if limits else {}

    def _at(self, key: str, size: int) -> _Bucket:
        now_s = self.clock.monotonic()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(size, now_s)
            if len(self._buckets) > BUCKETS_MAX:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        bucket.left = min(size, bucket.left + (now_s - bucket.at_s) * size / WINDOW_S)
        bucket.at_s = now_s
        return bucket


def stops(method: str, path: str) -> bool:
    """Whether a request only takes risk away; a reset of the kill switch, which has the same path, is asked for a proof."""
    return _STOPPING.fullmatch(f"{method} {path}") is not None


def charge(request: HTTPConnection, pace: Pace | None, units: int) -> None:
    """Take from what this request takes from.  Raises `HTTPException` 429 where there is not so much."""
    if pace is None or units <= 0:
        return
    if (wait_s := pace.take(request.state.taken, units)) > 0:
        detail = "too much was asked from here in the last minute: RateLimit says of what"
        raise HTTPException(429, detail, headers={"Retry-After": str(math.ceil(wait_s))})


def assert_known(routes: Iterable[str]) -> None:
    """Raise `LookupError` for a cost of no route."""
    if gone := COSTS.keys() - set(routes):
        raise LookupError(f"costs of no route: {', '.join(sorted(gone))}")
