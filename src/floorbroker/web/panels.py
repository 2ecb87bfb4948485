"""What the first rendering of the page shows, as plain rows; a panel that cannot be filled says why."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Generic, TypeVar

from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.orders import Order
from floorbroker.domain.records import Account
from floorbroker.domain.values import Environment, OrderType, ProfileName, TimeInForce
from floorbroker.gateway.desk import (
    Desk,
    Fill,
    KillState,
    OrderFilter,
    Page,
    ProfilePosition,
    ProfileStatus,
    SessionState,
)

ROWS_MAX = 100
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel(Generic[T]):
    """Content, or one sentence about why there is none."""

    content: T | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Everything the template reads.  `seq` is where the event stream picks up, so nothing falls between."""

    environment: Environment
    environments: tuple[Environment, ...]
    profile: ProfileName | None
    profiles: tuple[ProfileStatus, ...]
    standing: str
    account: Panel[Account]
    positions: Panel[list[ProfilePosition]]
    orders: list[Order]
    open_count: int
    fills: list[Fill]
    kill: KillState
    seq: int
    order_types: tuple[str, ...] = tuple(t.value for t in OrderType)
    tifs: tuple[str, ...] = tuple(t.value for t in TimeInForce)


async def screen_of(
    desk: Desk, *, environment: Environment, environments: tuple[Environment, ...], profile: str
) -> Screen:
    """The page of one environment, narrowed to a profile when its name is known."""
    statuses = desk.profiles()
    name = next((s.profile.name for s in statuses if s.profile.name == profile), None)
    seq = desk.last_seq()  # read before the rest: an event seen twice is harmless, one missed is not
    where, first = OrderFilter(profile=name), Page(limit=ROWS_MAX)
    return Screen(
        environment=environment,
        environments=environments,
        profile=name,
        profiles=statuses,
        standing=standing_of([s for s in statuses if name in {None, s.profile.name}]),
        account=await _panel(desk.account(name)),
        positions=await _panel(desk.positions(name)),
        orders=desk.orders(where, first),
        open_count=sum(s.open_orders for s in statuses if name in {None, s.profile.name}),
        fills=desk.fills(where, first),
        kill=desk.kill_state(),
        seq=seq,
    )


async def _panel(asked: Awaitable[T]) -> Panel[T]:
    try:
        return Panel(content=await asked)
    except FloorbrokerError as error:
        return Panel(trouble=error.detail)


def standing_of(statuses: list[ProfileStatus]) -> str:
    """One word for several sessions: the worst of the enabled ones."""
    worst = [
        SessionState.STOPPED,
        SessionState.OFFLINE,
        SessionState.LOCKED,
        SessionState.DEGRADED,
        SessionState.CONNECTING,
        SessionState.RECONCILING,
        SessionState.READY,
    ]
    states = {s.state for s in statuses if s.profile.enabled}
    return next((state.value for state in worst if state in states), SessionState.OFFLINE.value)
