"""A whole desk that knows every canary, with a venue that does what it is told, and everything that comes out of it kept."""

from __future__ import annotations

import asyncio
import io
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx2

from floorbroker.api import HashedToken, create_app, token_digest
from floorbroker.api.metrics import PrometheusMeter
from floorbroker.app.floor import Outside, open_floor
from floorbroker.app.home import Home
from floorbroker.app.logs import open_log, told_in
from floorbroker.app.redactor import SecretFilter
from floorbroker.app.streams import CleanStream
from floorbroker.brokers.registry import BROKERS
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.ports import Entry, Record
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.session import ProfileSession
from floorbroker.web import web_page
from tests.canary.canaries import CANARIES
from tests.canary.scanner import Hit, Scanner

LIMITS = {
    "max_open_orders": 100_000,
    "max_open_orders_symbol": 100_000,
    "max_messages_s": 100_000,
    "max_messages_min": 1_000_000,
    "duplicate_window_s": '"0"',
}


class Saboteur:
    """Stands before another object; the next call of a coroutine raises `error`, once, with a secret in its locals."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.error: BaseException | None = None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._breaking(found) if self.error is not None and asyncio.iscoroutinefunction(found) else found

    def _breaking(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def broken(*args: Any, **kwargs: Any) -> Any:
            error, self.error = self.error, None
            if error is None:
                return await call(*args, **kwargs)
            raise error

        return broken


class FailingJournal:
    """Stands before the journal; the next commit raises `error`, once."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.error: BaseException | None = None

    async def commit(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        error, self.error = self.error, None
        if error is not None:
            raise error
        return await self._inner.commit(entries)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@dataclass(slots=True)
class House:
    """The desk, its doors, and what they said: `log` and `err` are what stood on standard error."""

    home: Home
    desk: Gateway
    broker: Saboteur
    journal: FailingJournal
    http: httpx2.AsyncClient
    known: SecretFilter
    log: io.StringIO
    err: io.StringIO
    meter: PrometheusMeter
    stream: CleanStream
    scanner: Scanner = field(default_factory=Scanner)
    random: Random = field(default_factory=lambda: Random(11))
    said: list[tuple[str, str]] = field(default_factory=list)

    @property
    def session(self) -> ProfileSession:
        (session,) = self.desk.sessions.values()
        return session

    def heard(self, where: str, what: str) -> None:
        """Something came out of a door."""
        self.said.append((where, what))

    def look(self) -> list[Hit]:
        """Scan what came out since the last look."""
        found = self.scanner.look("\n".join(what for _, what in self.said), "what doors said") if self.said else []
        for name, stream in (("the log", self.log), ("standard error", self.err)):
            found += self.scanner.look(stream.getvalue(), name)
            stream.seek(0)
            stream.truncate()
        self.said.clear()
        return found


@asynccontextmanager
async def opened(folder: Path, *, known: SecretFilter | None = None) -> AsyncIterator[House]:
    """A running house whose filter knows every canary; its standard error is caught."""
    home, known = Home.at(folder / "home"), known or SecretFilter()
    for secret in CANARIES.values():
        known.learn(secret)
    risk = "\n".join(f"{name} = {value}" for name, value in LIMITS.items())
    home.config.write_text(f"[risk]\n{risk}\n", "utf-8")
    log, err, meter = io.StringIO(), io.StringIO(), PrometheusMeter()
    outside = Outside(redactor=known, log=open_log(known, level="debug", file=log), meter=meter)
    stream = CleanStream(err, known)
    with standard_error(stream), told_in(outside.log):
        async with open_floor(home, outside=outside, environ={}) as floor:
            (desk,) = floor.desks.values()
            await desk.until_settled()
            (session,) = desk.sessions.values()
            broker, journal = Saboteur(session.ctx.broker), FailingJournal(session.ctx.writer.journal)
            session.ctx.broker = broker  # pyright: ignore[reportAttributeAccessIssue]
            session.ctx.writer.journal = journal  # pyright: ignore[reportAttributeAccessIssue]
            app = create_app(
                desks=floor.desks,
                token=HashedToken(token_digest(CANARIES["token of the desk"])),
                clock=SystemClock(),
                log=outside.log,
                meter=meter,
                version="0",
                brokers=tuple(BROKERS.values()),
                page=web_page(desks=floor.desks, clock=SystemClock(), version="0"),
                redactor=known,
            )
            async with httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False),
                base_url="http://127.0.0.1:8750",
                headers={"Authorization": f"Bearer {CANARIES['token of the desk']}"},
                timeout=20,
            ) as http:
                yield House(home, desk, broker, journal, http, known, log, err, meter, stream)


@contextmanager
def standard_error(stream: Any) -> Iterator[None]:
    """Whatever anybody prints goes to the stream; pytest's own handlers see none of it."""
    before, root = sys.stderr, logging.getLogger()
    handlers, root.handlers = root.handlers, []
    sys.stderr = stream
    try:
        yield
    finally:
        sys.stderr = before
        root.handlers = handlers
