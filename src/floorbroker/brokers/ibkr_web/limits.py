"""Rate limits: the etiquette of `info.py`, and beside it the pace of each endpoint that the venue names.

A pace is one request, or a few, in so many seconds; there is no fifth of one request to keep free, so a pace is used whole.
Over any of them the venue answers 429 and puts the address into a penalty box: then nothing is sent for as long as it lasts.
It counts what arrives, so all is asked for a little more seldom than it allows: distances shrink on a network.
Document: interactivebrokers.com/campus/ibkr-api-page/cpapi-v1, pacing limitations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from floorbroker.brokers.ibkr_web.info import INFO, Options
from floorbroker.transport.bucket import FULL_SHARES, Budget, LimitNews
from floorbroker.transport.limiter import Limits, limits_of
from floorbroker.transport.types import Response

READ_WAIT_S = 60.0
"""How long a read waits for its turn: several that are asked for once in five seconds may stand in a row."""


@dataclass(frozen=True, slots=True)
class Pace:
    """So many requests of one endpoint in any `per_s` seconds."""

    requests: int
    per_s: float


PACES: Mapping[str, Pace] = MappingProxyType(
    {
        "orders.list": Pace(1, 5.0),
        "trades.list": Pace(1, 5.0),
        "portfolio.accounts": Pace(1, 5.0),
        "market.snapshot": Pace(10, 1.0),
        "market.bars": Pace(5, 5.0),
        "access.tickle": Pace(1, 1.0),
    }
)
"""By endpoint, as `rest/calls.py` names them.  Five histories may run at once: five begin in five seconds at most."""

_SLACK = 1.2
"""Windows are kept this much longer than the venue's own, but for lists, which have an option."""

_LISTED = ("orders.list", "trades.list", "portfolio.accounts")


def limits_for(options: Options | None = None) -> Limits:
    """The budgets of an account; `list_every_s` says how often lists may be asked for."""
    every_s = float((options or Options()).list_every_s)
    paces = {
        name: Pace(pace.requests, every_s if name in _LISTED else pace.per_s * _SLACK) for name, pace in PACES.items()
    }
    whole = limits_of(INFO.etiquette)
    return Limits(
        budgets=(
            *(replace(budget, per_s=budget.per_s * _SLACK) for budget in whole.budgets),
            *(
                Budget(name=name, capacity=pace.requests, per_s=pace.per_s, shares=FULL_SHARES, paces=True)
                for name, pace in paces.items()
            ),
        ),
        routes={**whole.routes, **{name: (name, *whole.routes["*"]) for name in paces}},
    )


def spent_before(limits: Limits) -> tuple[LimitNews, ...]:
    """What a life of ours that ended a moment ago may have asked for: all of it.

    The venue goes on counting where a process was killed and started again, and answers one list too soon with the penalty box.
    """
    return tuple(LimitNews(budget=budget.name, remaining=0) for budget in limits.budgets)


def read_limits(options: Options | None = None) -> Callable[[Response], LimitNews | None]:
    """What a reply tells: 429 alone says something, that the address is in the penalty box."""
    penalty_s = float((options or Options()).penalty_s)

    def read(response: Response) -> LimitNews | None:
        return LimitNews(ban_s=penalty_s) if response.status == 429 else None

    return read


LIMITS = limits_for()
