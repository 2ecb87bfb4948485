"""Everything that `floorbroker up` opens, in this process: floor, people, profiles, hooks and page, behind a loopback port.

Only the vault's derivation is quick: the real one asks for a machine of its own.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from floorbroker.api import create_app
from floorbroker.api.hooking import hooks_at
from floorbroker.app.catalogue import KNOWN
from floorbroker.app.compose import BROKERS
from floorbroker.app.floor import Floor, Outside, open_floor
from floorbroker.app.home import Home
from floorbroker.app.operator import Operator
from floorbroker.app.people import People
from floorbroker.app.profiles import Profiles
from floorbroker.app.trail import Trail
from floorbroker.web import web_page
from tests.support.vaults import QuickDerivation


@dataclass(frozen=True)
class Opened:
    """Where it serves, and the token of its first start; empty at a later one."""

    origin: str
    token: str


@asynccontextmanager
async def whole_house(folder: Path, port: int = 0) -> AsyncIterator[Opened]:
    """Open until the block ends; the same folder may be opened again."""
    outside, home = Outside(derive=QuickDerivation()), Home.at(folder)
    async with open_floor(home, outside=outside, environ={}) as floor:
        trail = Trail(journals=floor.vault.acts.opened, clock=outside.clock, log=outside.log)
        operator = Operator.of(home, outside.redactor)
        people = await People.open(floor.cold, acts=floor.vault.acts, trail=trail, clock=outside.clock)
        people.on_first.append(operator.renew)
        listener = socket.create_server(("127.0.0.1", port))
        server = _server(floor, outside, people=people, operator=operator, trail=trail)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        token = operator.token.reveal() if operator.is_first and not people.has_users else ""
        try:
            yield Opened(f"http://127.0.0.1:{listener.getsockname()[1]}", token)
        finally:
            server.should_exit = True
            await serving
            listener.close()


def _server(floor: Floor, outside: Outside, *, people: People, operator: Operator, trail: Trail) -> uvicorn.Server:
    hooks, stored = hooks_at(floor, outside), Profiles.of(floor.home, floor.vault, outside, seating=floor.seating)
    app = create_app(
        desks=floor.desks,
        token=operator,
        clock=outside.clock,
        version="0.1.0",
        brokers=tuple(BROKERS.values()),
        unlocking=floor.vault,
        prove=floor.prove,
        acts=trail,
        people=people,
        stored_profiles=stored,
        hooks=hooks,
        redactor=outside.redactor,
        page=web_page(
            desks=floor.desks,
            clock=outside.clock,
            version="0.1.0",
            brokers=tuple(KNOWN.values()),
            stored=stored,
            hooks=hooks,
        ),
    )
    config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    return uvicorn.Server(config)
