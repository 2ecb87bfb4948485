"""Small stand-ins that the layer tests hand in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from floorbroker.domain.clock import ManualClock
from floorbroker.transport.types import Lane, Request, Response

START = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
Step = Response | BaseException


class MovedClock(ManualClock):
    """A clock whose wall time somebody moves."""

    moved = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.moved


class Scripted:
    """A Transport that gives each step once, in order, and the last one for ever; keeps what it was asked."""

    def __init__(self, steps: Iterable[Step] = (Response(status=200),)) -> None:
        self._steps = list(steps)
        self.sent: list[Request] = []
        self.before: Callable[[], None] = lambda: None

    async def send(self, request: Request) -> Response:
        self.before()
        self.sent.append(request)
        step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        if isinstance(step, BaseException):
            raise step
        return step


def read(**changes: Any) -> Request:
    wanted: dict[str, Any] = {
        "method": "GET",
        "origin": "https://a.example",
        "path": "/v2/account",
        "endpoint": "account",
    }
    return Request(**(wanted | changes))


def command(**changes: Any) -> Request:
    return read(**({"method": "POST", "path": "/v2/orders", "endpoint": "orders.submit", "lane": Lane.NEW} | changes))


def clock() -> ManualClock:
    return ManualClock(START)
