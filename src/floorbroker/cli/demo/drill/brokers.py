"""The two brokers of the drill, simulators in this process, and the desk in front of them.

A broker that goes dark loses its doors and every connection, as a machine does whose cable is pulled; its books live on, and
are what the drill compares the desk with in the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from floorbroker.app.floor import Outside
from floorbroker.app.home import Home, write_private
from floorbroker.app.manager import BrokerManager
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import NotReady
from floorbroker.domain.values import ClOrdId, ProfileName
from floorbroker.gateway.desk import SessionState
from floorbroker_sim.alpaca import create_venue
from floorbroker_sim.server import serve

EAST, WEST = ProfileName("east"), ProfileName("west")
PATIENCE_S = 90.0
ORDERS = {"method": "POST", "path": "/v2/orders"}
_PROFILE = """
[profiles.{name}]
broker = "ALPACA"
environment = "sim"
url = "{url}"
options = {{ arrival_bound_s = "1" }}
"""
# A health score recovers in minutes: here a profile counts as well when it can be used.
_CONFIG = """
[routing]
strategy = "failover"
profiles = ["east", "west"]

[failover]
enabled = true
log_tag = "DRILL"
demote_below = 0
demote_after_s = 1
promote_above = 1
promote_after_s = 2
"""


@dataclass(slots=True)
class Broker:
    """One simulated broker.  `venue` is its books, which outlive its doors."""

    name: ProfileName
    venue: Any
    line: Mapping[str, Any] = field(default_factory=dict[str, Any])
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _served: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Take connections, at the address it had before."""
        ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        port = int(self.line.get("port", 0))
        self._served = asyncio.create_task(serve(self.venue, port=port, ready=ready.set_result, stop=self._stop))
        await asyncio.wait([ready, self._served], return_when=asyncio.FIRST_COMPLETED)
        self.line = ready.result() if ready.done() else self.line
        if self._served.done():
            self._served.result()

    async def go_dark(self) -> None:
        """Cut every connection and take no new one.  Harmless twice."""
        self._stop.set()
        if self._served is not None:
            await self._served
            self._served = None

    async def refuse_next_order(self) -> None:
        """Its front door will turn the next order away for its key, before any book sees it."""
        await self._script({"where": "request", "what": "token_expiry", "match": ORDERS})

    async def swallow_next_answer(self) -> None:
        """It will take the next order, never get to answer, and say nothing of it on its stream either."""
        await self._script({"where": "reply", "what": "drop", "match": ORDERS}, {"where": "stream", "what": "mute"})

    async def _script(self, *faults: Mapping[str, Any]) -> None:
        plan = [{**fault, "when": {"nth": 1}} for fault in faults]
        async with httpx2.AsyncClient(base_url=self.line["control"], trust_env=False) as control:
            (await control.post("/faults", json={"faults": plan})).raise_for_status()

    @property
    def keys(self) -> dict[str, str]:
        """What logs in here."""
        return {name: text for name, text in self.line["credentials"].items() if name.endswith("_KEY")}

    def has(self, cl_ord_id: ClOrdId) -> int:
        """How many orders its books have under a client id."""
        return sum(1 for order in self.venue.orders() if order["client"] == cl_ord_id)


@dataclass(slots=True)
class Brokers:
    """Both, and the desk over them."""

    east: Broker
    west: Broker
    manager: BrokerManager

    def of(self, name: ProfileName) -> Broker:
        return self.east if name == EAST else self.west


@asynccontextmanager
async def opened(home: Path, *, clock: Clock, seed: int) -> AsyncGenerator[Brokers]:
    """Both brokers open and the desk ready.  Raises `NotReady` when it does not get there."""
    # One seed, one market: the same shares have the same price at both.
    east, west = (Broker(name, create_venue(seed=seed, clock=clock, rate=0)) for name in (EAST, WEST))
    async with AsyncExitStack() as stack:
        for broker in (east, west):
            await broker.open()
            stack.push_async_callback(broker.go_dark)
        profiles = "".join(_PROFILE.format(name=one.name, url=one.line["rest"]) for one in (east, west))
        write_private(Home.at(home).config, _CONFIG + profiles)

        manager = BrokerManager(
            home=home,
            profiles=[EAST, WEST],
            environment="sim",
            outside=Outside(clock=clock),
            keys={one.name: one.keys for one in (east, west)},
            name="drill",
        )
        await stack.enter_async_context(manager)
        lame = [status for status in manager.health().values() if status.state is not SessionState.READY]
        if lame:
            raise NotReady(f"{lame[0].profile.name} did not get ready: {lame[0].reason}")
        yield Brokers(east, west, manager)
