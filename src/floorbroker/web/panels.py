"""What several pages show, as plain rows; a panel that cannot be filled says why."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.consolidated import Consolidated, left_out
from floorbroker.gateway.desk import Desk, ProfilePosition, ProfileStatus, SessionState
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
class Holdings:
    """An account and what it holds."""

    account: Panel[Figures]
    positions: Panel[list[ProfilePosition]]


async def holdings_of(desk: Desk, profile: ProfileName | None) -> Holdings:
    """Of one profile, of the only one, or of all as one."""
    names = [status.profile.name for status in desk.profiles()]
    only = profile or (names[0] if len(names) == 1 else None)
    if only is None:
        account, positions = all_of(await desk.consolidated())
        return Holdings(account=account, positions=positions)
    return Holdings(account=await panel_of(_one(desk, only)), positions=await panel_of(desk.positions(only)))


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


def adjustments_of(desk: Desk, names: Sequence[ProfileName]) -> list[Adjusted]:
    """What was written into positions, and why; newest first."""
    found = sorted((one for name in names for one in desk.adjustments(name)), key=lambda one: -one.seq)
    return found[:ROWS_MAX]


async def panel_of(asked: Awaitable[T]) -> Panel[T]:
    """The answer, or what the error says."""
    try:
        return Panel(content=await asked)
    except FloorbrokerError as error:
        return Panel(trouble=error.detail)


def standing_of(statuses: Sequence[ProfileStatus]) -> str:
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
