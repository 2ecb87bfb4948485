"""Providers on the simulators in the test's own process: no socket, no thread of ours."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from floorbroker.app.floor import Outside
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.marketdata.providers.outfit import Outfit
from floorbroker.transport.types import ByteStream, Request, Response
from tests.simulation.asgi import whole_reply

MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@dataclass
class InProcess:
    """`Http` that calls an ASGI app; what was asked stands in `asked`."""

    app: Any
    asked: list[Request] = field(default_factory=list)

    async def send(self, request: Request) -> Response:
        self.asked.append(request)
        reply = await whole_reply(self.app, request, asyncio.Event())
        return Response(status=reply.status, headers=reply.headers, body=reply.body)

    async def open_stream(self, request: Request) -> ByteStream:
        raise AssertionError(request)

    async def close(self) -> None:
        """There is nothing open."""


def outfit(http: Any, clock: ManualClock, *, key: str = "", **options: str) -> Outfit:
    world = Outside()

    async def connect(target: Any) -> Any:
        raise AssertionError(target)

    return Outfit(
        environment=Environment.SIM, http=http, connect=connect, clock=clock, random=Random(1), log=world.log,
        meter=world.meter, redactor=world.redactor, tap=lambda exchange: None, url="http://127.0.0.1:9760",
        key=Secret(key) if key else None, options=options,
    )  # fmt: skip
