"""The whole house as it runs: a real floor with the embedded paper venue and a journal on disk, behind the real application.

Only the clock's waits and the network's distance are those of a test: the paper venue answers at once.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx2
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from floorbroker.api import HashedToken, create_app, token_digest
from floorbroker.api.outgoing import rendered
from floorbroker.app.floor import Outside, open_floor
from floorbroker.app.home import Home
from floorbroker.app.hooks import Hooks, hooks_of
from floorbroker.app.people import People
from floorbroker.app.trail import Trail
from floorbroker.brokers.registry import BROKERS
from floorbroker.domain.errors import ConnectionFailed
from floorbroker.gateway.gateway import Gateway
from floorbroker.hooks.carriers import Caller as Alerts
from floorbroker.hooks.guarded import Service
from floorbroker.hooks.reach import PublicOnly
from floorbroker.hooks.records import Kind
from floorbroker.transport.reach import Address
from floorbroker.transport.types import ByteStream, Http, Request, Response
from floorbroker.web import web_page
from tests.support.people import FAST

TOKEN = "fb_paper_0123456789abcdef"


@dataclass(frozen=True)
class House:
    """A running floor, its one desk, its people, of whom there are none yet, and a client with the token."""

    home: Home
    desk: Gateway
    app: FastAPI
    http: httpx2.AsyncClient
    hooks: Hooks
    people: People

    def records(self) -> int:
        """How many records the journal holds."""
        return self.desk.last_seq()

    async def venue_orders(self) -> int:
        """How many orders the venue itself has."""
        (session,) = self.desk.sessions.values()
        return len((await session.ctx.broker.get_open_orders()).items)


@asynccontextmanager
async def real_floor(folder: Path, *, told: Http | None = None, **settings: str) -> AsyncIterator[House]:
    """Open the floor in a folder of its own; `settings` are `FLOORBROKER_` variables without their prefix.

    With `told` webhooks deliver to it; without it nothing is delivered.
    """
    environ = {f"FLOORBROKER_{name}": text for name, text in settings.items()}
    home, outside = Home.at(folder / "home"), Outside()
    async with open_floor(home, outside=outside, environ=environ) as floor:
        (desk,) = floor.desks.values()
        await desk.until_settled()
        hooks = hooks_of(
            cold=floor.cold,
            desks=floor.desks,
            http=told or Nowhere(),
            reach=PublicOnly((), named),
            render=rendered,
            clock=outside.clock,
            random=Random(1),
            log=outside.log,
            meter=outside.meter,
            redactor=outside.redactor,
        )
        hooks.outbox.carriers = {**hooks.outbox.carriers, Kind.ALERT: Alerts(outside.clock, Nobody)}
        if told is not None:
            await hooks.start()
        trail = Trail(
            journals={environment: desk.journal for environment, desk in floor.desks.items()},
            clock=outside.clock,
            log=outside.log,
        )
        people = await People.open(floor.cold, acts=floor.vault.acts, trail=trail, clock=outside.clock, passwords=FAST)
        app = create_app(
            hooks=hooks,
            people=people,
            desks=floor.desks,
            token=HashedToken(token_digest(TOKEN)),
            clock=outside.clock,
            tracer=outside.tracer,
            version="0.1.0",
            brokers=tuple(BROKERS.values()),
            prove=floor.prove,
            acts=trail,
            page=web_page(desks=floor.desks, clock=outside.clock, version="0.1.0", hooks=hooks),
        )
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False),
            base_url="http://127.0.0.1:8750",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=20,
        ) as http:
            try:
                yield House(home, desk, app, http, hooks, people)
            finally:
                await hooks.close()


@dataclass
class Somewhere:
    """A service of Apprise as it was read from a URL."""

    host: str | None = "x.example"
    protocol: object = "json"


class Nobody:
    """People who are told nothing: a service that takes no message."""

    def add(self, url: str) -> bool:
        return bool(url)

    def __iter__(self) -> Iterator[Service]:
        return iter([Somewhere()])

    def notify(self, *, title: str, body: str) -> bool:
        del title, body
        return False


class Nowhere:
    """A network without anybody in it."""

    async def send(self, request: Request) -> Response:
        raise ConnectionFailed(f"{request.endpoint}: nobody is there")

    async def open_stream(self, request: Request) -> ByteStream:
        raise ConnectionFailed(f"{request.endpoint}: nobody is there")

    async def close(self) -> None: ...


async def named(host: str, port: int) -> list[Address]:
    """A resolver that knows names of documentation alone: `inside.example` leads to this network, all others outside."""
    return [Address(socket.AF_INET, "10.0.0.7" if host == "inside.example" else "93.184.216.34", port)]


@contextmanager
def served_in_a_thread(
    folder: Path, around: Callable[[House], ASGIApp] = lambda house: house.app, **settings: str
) -> Iterator[str]:
    """The same behind a real socket, on a loop of its own, so that a client without one can ask; yields its address."""
    # The protocol is named so that asyncio switches Nagle's algorithm off; without that each answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    started, failed = threading.Event(), list[BaseException]()
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
        async with real_floor(folder, told=None, **settings) as house:
            config = uvicorn.Config(
                around(house), log_level="critical", lifespan="off", timeout_graceful_shutdown=1, access_log=False
            )
            servers.append(uvicorn.Server(config))
            started.set()
            await servers[0].serve(sockets=[listener])

    def whole() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 - handed to the test, which is in another thread
            failed.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=whole, name="floor")
    thread.start()
    try:
        started.wait(30)
        if failed:
            raise failed[0]
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        for server in servers:
            server.should_exit = True
        thread.join(30)
        listener.close()
    if failed:
        raise failed[0]
