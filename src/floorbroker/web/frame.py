"""What stands around every page: environment, profile, standing, kill switch, navigation; and what a page is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from floorbroker.app.hooks import Hooks
from floorbroker.app.profiles import Profiles
from floorbroker.app.strategies import Strategies
from floorbroker.app.studies import Studies
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.gateway.consolidated import Consolidated
from floorbroker.gateway.desk import Desk, KillState, ProfileStatus
from floorbroker.risk.metrics import Report
from floorbroker.web.looks import Looks
from floorbroker.web.nav import NAV, NavGroup
from floorbroker.web.panels import Holdings, Panel, holdings_of, panel_of, standing_of

VENUES_MS = 1500  # between two renderings that ask venues, while facts come without a pause
PULSE_MS = 10_000  # how old a worth may become while no fact comes and prices move


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One visit of a page: whose desk, narrowed to which profile, and what the address says besides.

    `ids` is every `id` that the address names; `running` are the environments that have a desk, and `sees` all those that whoever
    looks may see, with one or without.
    """

    desk: Desk
    environment: Environment
    profile: ProfileName | None
    now: datetime
    params: Mapping[str, str]
    looks: Looks
    ids: tuple[str, ...] = ()
    running: tuple[Environment, ...] = ()
    sees: frozenset[Environment] = frozenset()
    brokers: Sequence[BrokerInfo] = ()
    stored: Profiles | None = None
    hooks: Hooks | None = None
    strategies: Strategies | None = None
    studies: Studies | None = None

    @property
    def names(self) -> list[ProfileName]:
        """The profiles that are shown."""
        return [s.profile.name for s in self.statuses]

    @property
    def statuses(self) -> list[ProfileStatus]:
        """How they stand."""
        return [s for s in self.desk.profiles() if self.profile in {None, s.profile.name}]

    async def held(self) -> Holdings:
        """The account that is shown, and what it holds."""
        key = ("held", self.environment, self.profile, self.desk.last_seq())
        return await self.looks.share(key, lambda: holdings_of(self.desk, self.profile))

    async def whole(self) -> Consolidated:
        """All profiles as one account."""
        key = ("whole", self.environment, self.desk.last_seq())
        return await self.looks.share(key, self.desk.consolidated)

    async def risk(self) -> Panel[Report]:
        """Its risk in numbers."""
        key = ("risk", self.environment, self.profile, self.desk.last_seq())
        return await self.looks.share(key, lambda: panel_of(self.desk.guard.report(self.profile)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One page.  `live` are the channels whose facts call for it to be rendered anew, every `pace_ms` at most; with
    `pulse_ms` it is rendered anew after so long without any, while somebody looks.  `scripts` are its modules.
    """

    path: str
    title: str
    template: str
    build: Callable[[Ask], Awaitable[Mapping[str, Any]]]
    live: tuple[str, ...] = ()
    pace_ms: int = 250
    pulse_ms: int = 0
    scripts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the layout reads.  `seq` is where the event stream picks up, so that nothing falls between; `here` is the address."""

    environment: Environment
    environments: tuple[Environment, ...]
    profile: ProfileName | None
    profiles: tuple[ProfileStatus, ...]
    standing: str
    open_count: int
    kill: KillState
    seq: int
    now: datetime
    here: str
    path: str
    nav: tuple[NavGroup, ...] = NAV

    @property
    def section(self) -> str:
        """The first word of the path: which entry of the navigation this is under."""
        return f"/{self.path.split('/')[1]}"

    def to(self, path: str, **members: str) -> str:
        """An address of this environment and profile."""
        told = {"env": self.environment.value, "profile": self.profile or ""} | members
        return f"{quote(path)}?{urlencode({name: value for name, value in told.items() if value})}"


def frame_of(ask: Ask, *, environments: tuple[Environment, ...], seq: int, here: str, path: str) -> Frame:
    """The frame around a page that was built after `seq` was read: an event seen twice is harmless, one missed is not."""
    statuses = ask.desk.profiles()
    shown = ask.statuses
    return Frame(
        environment=ask.environment,
        environments=environments,
        profile=ask.profile,
        profiles=statuses,
        standing=standing_of(shown),
        open_count=sum(s.open_orders for s in shown),
        kill=ask.desk.kill_state(),
        seq=seq,
        now=ask.now,
        here=here,
        path=path,
    )
