"""What the first rendering of the page shows, as plain rows; a panel that cannot be filled says why."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.orders import Order
from floorbroker.domain.values import Environment, OrderType, ProfileName, TimeInForce
from floorbroker.gateway.consolidated import Consolidated, left_out
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
from floorbroker.oms.adjustments import Adjusted

ROWS_MAX = 100
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel(Generic[T]):
    """Content, or one sentence about why there is none."""

    content: T | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """An account at a glance: one profile's, or that of all of them, which `account` then counts."""

    currency: str
    equity: Decimal
    cash: Decimal
    buying_power: Decimal
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Everything the template reads.  `seq` is where the event stream picks up, so nothing falls between."""

    environment: Environment
    environments: tuple[Environment, ...]
    profile: ProfileName | None
    profiles: tuple[ProfileStatus, ...]
    standing: str
    account: Panel[Figures]
    positions: Panel[list[ProfilePosition]]
    orders: list[Order]
    open_count: int
    fills: list[Fill]
    adjustments: list[Adjusted]
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
    only = name or (statuses[0].profile.name if len(statuses) == 1 else None)
    if only is None:
        account, positions = all_of(await desk.consolidated())
    else:
        account, positions = await _panel(_one(desk, only)), await _panel(desk.positions(only))
    return Screen(
        environment=environment,
        environments=environments,
        profile=name,
        profiles=statuses,
        standing=standing_of([s for s in statuses if name in {None, s.profile.name}]),
        account=account,
        positions=positions,
        orders=desk.orders(where, first),
        open_count=sum(s.open_orders for s in statuses if name in {None, s.profile.name}),
        fills=desk.fills(where, first),
        adjustments=_adjustments(desk, [s.profile.name for s in statuses if name in {None, s.profile.name}]),
        kill=desk.kill_state(),
        seq=seq,
    )


def all_of(whole: Consolidated) -> tuple[Panel[Figures], Panel[list[ProfilePosition]]]:
    """All profiles as one account, and what they hold; whatever is not in it is said beside it."""
    figures = Figures(
        currency=whole.currency,
        equity=whole.equity,
        cash=whole.cash,
        buying_power=whole.buying_power,
        account=f"{len(whole.profiles)} of {len(whole.profiles) + len(whole.missing)} profiles",
    )
    rows = sorted((row for net in whole.positions for row in net.parts), key=lambda r: (r.profile, r.position.symbol))
    trouble = partial(left_out(whole))
    shown = figures if whole.profiles else None  # nobody told anything: that is not nothing
    return Panel(content=shown, trouble=trouble), Panel(content=rows, trouble=trouble)


def partial(sentences: Sequence[str]) -> str:
    """One line over everything that is left out; empty when nothing is."""
    return f"Partial: {'; '.join(sentences)}" if sentences else ""


async def _one(desk: Desk, name: ProfileName) -> Figures:
    told = await desk.account(name)
    return Figures(
        currency=told.currency,
        equity=told.equity,
        cash=told.cash,
        buying_power=told.buying_power,
        account=told.account,
    )


def _adjustments(desk: Desk, names: Sequence[ProfileName]) -> list[Adjusted]:
    """What was written into positions, and why; newest first."""
    found = sorted((one for name in names for one in desk.adjustments(name)), key=lambda one: -one.seq)
    return found[:ROWS_MAX]


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
        SessionState.MAINTENANCE,
        SessionState.DEGRADED,
        SessionState.CONNECTING,
        SessionState.RECONCILING,
        SessionState.READY,
    ]
    states = {s.state for s in statuses if s.profile.enabled}
    return next((state.value for state in worst if state in states), SessionState.OFFLINE.value)
