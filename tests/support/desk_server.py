"""The server and its page over a desk in memory, on a loopback port of its own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
import uvicorn
from fastapi import FastAPI

from floorbroker.api import HashedToken, create_app, token_digest
from floorbroker.api.auth import COOKIE
from floorbroker.app.people import People
from floorbroker.app.profiles import Profiles
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import Clock, SystemClock
from floorbroker.domain.values import Environment
from floorbroker.web import web_page
from tests.support.fake_desk import FakeDesk

TOKEN = "fb_paper_0123456789abcdef"


def app_over(
    desk: FakeDesk,
    *,
    clock: Clock,
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost"),
    stored: Profiles | None = None,
    brokers: Sequence[BrokerInfo] = (),
    people: People | None = None,
) -> FastAPI:
    """The whole application, page included, over one desk; with profiles that are `stored`, over their vault too."""
    desks = {desk.environment: desk}
    return create_app(
        desks=desks,
        token=HashedToken(token_digest(TOKEN)),
        clock=clock,
        version="0.1.0",
        hosts=hosts,
        page=web_page(desks=desks, clock=clock, version="0.1.0", brokers=brokers, stored=stored),
        brokers=brokers,
        unlocking=None if stored is None else stored.unlocking,
        stored_profiles=stored,
        people=people,
    )


@dataclass(frozen=True)
class Served:
    """A running server."""

    origin: str
    desk: FakeDesk
    app: FastAPI

    async def cookie(self) -> dict[str, str]:
        """Sign in; the cookie of the session, as a browser is told of one."""
        async with httpx2.AsyncClient(base_url=self.origin, timeout=30.0) as http:
            await http.post("/login", data={"token": TOKEN})
            return {"url": self.origin, "name": COOKIE, "value": http.cookies[COOKIE]}


@asynccontextmanager
async def desk_server(
    environment: Environment = Environment.PAPER,
    *,
    stored: Profiles | None = None,
    brokers: Sequence[BrokerInfo] = (),
    people: People | None = None,
) -> AsyncIterator[Served]:
    """Serve until the block ends."""
    clock = SystemClock()
    desk = FakeDesk(clock=clock, environment=environment)
    listener = socket.create_server(("127.0.0.1", 0))
    app = app_over(desk, clock=clock, stored=stored, brokers=brokers, people=people)
    config = uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    running = asyncio.get_running_loop().create_task(server.serve(sockets=[listener]))
    try:
        yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", desk, app)
    finally:
        server.should_exit = True
        desk.ends_after_replay = True
        desk.wake()
        await running
        listener.close()
