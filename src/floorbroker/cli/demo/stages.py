"""The two venues of the demo: the embedded one, fed by hand, and the Alpaca adapter against its simulator over TCP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, cast

import httpx2

from floorbroker.app.floor import Outside, open_floor
from floorbroker.app.home import Home, write_private
from floorbroker.cli.demo.market import DemoMarket, Minute
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import NotReady
from floorbroker.domain.ports import MarketEvent
from floorbroker.domain.values import ProfileName, text_of, time_text
from floorbroker.gateway.desk import SessionState
from floorbroker.gateway.gateway import Gateway
from floorbroker_sim.alpaca import create_venue
from floorbroker_sim.server import serve

PAPER, ALPACA = ProfileName("paper"), ProfileName("alpaca-sim")
_PATIENCE_S = 20.0
_CONFIG = """\
[risk]
max_open_orders_symbol = 4

[profiles.paper]
broker = "PAPER"
environment = "paper"
options = { source = "fed", latency_min_ms = "0", latency_max_ms = "0" }

[profiles.alpaca-sim]
broker = "ALPACA"
environment = "sim"
"""


class MarketClock:
    """The market's time as the desk's: wall time stands at the minute being played, waiting is real.

    `monotonic` counts both, so that budgets of requests a minute are those of the market's minutes.
    """

    def __init__(self, start: datetime) -> None:
        self._start = self._at = start
        self._base = SystemClock()
        self._began_s = self._base.monotonic()

    def now(self) -> datetime:
        return self._at

    def monotonic(self) -> float:
        return (self._at - self._start).total_seconds() + self._base.monotonic() - self._began_s

    async def sleep(self, delay_s: float) -> None:
        await self._base.sleep(delay_s)

    def move_to(self, moment: datetime) -> None:
        """Play on to `moment`."""
        self._at = max(self._at, moment)


class Fed(Protocol):
    """What the embedded venue offers to whoever feeds it."""

    def feed(self, event: MarketEvent) -> None: ...


class Stage(Protocol):
    """A desk at one venue whose market the demo moves."""

    profile: ProfileName
    desk: Gateway

    async def move(self, minute: Minute) -> None:
        """Play one minute; the venue has done all its fills when this returns."""
        ...

    async def fills_at_venue(self) -> int:
        """How many executions the venue itself counts."""
        ...


@dataclass(slots=True)
class PaperStage:
    """The embedded venue, fed minute by minute."""

    desk: Gateway
    clock: MarketClock
    profile: ProfileName = PAPER

    async def move(self, minute: Minute) -> None:
        self.clock.move_to(minute.time)
        venue = cast("Fed", self.desk.sessions[self.profile].ctx.broker)
        for event in (*minute.quotes, *minute.trades):
            venue.feed(event)

    async def fills_at_venue(self) -> int:
        since = self.clock.now() - timedelta(days=30)
        return len((await self.desk.sessions[self.profile].ctx.broker.get_fills(since)).items)


@dataclass(slots=True)
class AlpacaStage:
    """The Alpaca adapter.  The control door moves the simulator's clock, which plays recorded days; where nothing is recorded
    the simulator lives in the desk's time and the control door sets its prices.
    """

    desk: Gateway
    clock: MarketClock
    door: httpx2.AsyncClient
    plays_itself: bool
    profile: ProfileName = ALPACA

    async def move(self, minute: Minute) -> None:
        self.clock.move_to(minute.time)
        if self.plays_itself:
            await self._tell("/clock", {"now": time_text(minute.time)})
            return
        for quote in minute.quotes:
            last = next((text_of(t.price) for t in minute.trades if t.symbol == quote.symbol), None)
            prices = {"bid": text_of(quote.bid or 0), "ask": text_of(quote.ask or 0), "last": last}  # pyright: ignore[reportArgumentType]
            await self._tell("/price", {"symbol": quote.symbol, **prices})

    async def _tell(self, path: str, body: dict[str, str | None]) -> None:
        reply = await self.door.post(path, json=body)
        reply.raise_for_status()

    async def fills_at_venue(self) -> int:
        reply = await self.door.get("/fills")
        reply.raise_for_status()
        return len(reply.json())


@asynccontextmanager
async def paper_stage(market: DemoMarket, folder: Path) -> AsyncGenerator[Stage]:
    """A fresh desk at the embedded venue."""
    clock = MarketClock(market.minutes[0].time - timedelta(hours=1))
    async with _desk(folder, clock, only=PAPER, environ={}) as desk:
        yield PaperStage(desk, clock)


@asynccontextmanager
async def alpaca_stage(market: DemoMarket, folder: Path, *, seed: int) -> AsyncGenerator[Stage]:
    """A fresh desk at a fresh simulator on a free port of this machine."""
    clock = MarketClock(market.minutes[0].time - timedelta(hours=1))
    plays_itself = market.recorded is not None
    base = SystemClock() if plays_itself else clock
    simulator = create_venue(seed=seed, clock=base, data=market.recorded, rate=0)
    ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    served = asyncio.create_task(serve(simulator, ready=ready.set_result, stop=stop))
    await asyncio.wait([ready, served], return_when=asyncio.FIRST_COMPLETED)
    try:
        line = ready.result()
        async with httpx2.AsyncClient(base_url=line["control"], timeout=60.0) as door:
            if plays_itself:
                (await door.post("/clock", json={"now": time_text(clock.now())})).raise_for_status()
            async with _desk(folder, clock, only=ALPACA, environ=line["credentials"]) as desk:
                yield AlpacaStage(desk, clock, door, plays_itself=plays_itself)
    finally:
        stop.set()
        await served


@asynccontextmanager
async def _desk(
    folder: Path, clock: MarketClock, *, only: ProfileName, environ: Mapping[str, str]
) -> AsyncGenerator[Gateway]:
    """The desk a user would open, in a home of its own."""
    home = Home.at(folder)
    write_private(home.config, _CONFIG)
    async with open_floor(home, outside=Outside(clock=clock), only=frozenset({only}), environ=environ) as floor:
        desk = next(iter(floor.desks.values()))
        async with asyncio.timeout(_PATIENCE_S):
            await desk.until_settled()
        status = desk.profiles()[0]
        if status.state is not SessionState.READY:
            raise NotReady(f"{only} did not get ready: {status.reason}")
        yield desk
