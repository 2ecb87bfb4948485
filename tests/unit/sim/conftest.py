"""A simulated venue in the test's own process, on a clock that moves only when told to."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.alpaca.venue import AlpacaVenue, create_venue
from floorbroker_sim.http import Reply, Request

MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # ten in New York


class Asker:
    """Speaks to a venue and its control door without a server."""

    def __init__(self, venue: AlpacaVenue, clock: ManualClock) -> None:
        self.venue = venue
        self.clock = clock
        self.headers = {"apca-api-key-id": venue.keys.key, "apca-api-secret-key": venue.keys.secret}

    def raw(self, method: str, path: str, body: bytes = b"", query: dict[str, str] | None = None) -> Reply:
        return self.venue.handle(
            Request(
                method=method,
                path=path,
                segments=tuple(path.strip("/").split("/")),
                query=query or {},
                headers=self.headers,
                body=body,
            )
        )

    def __call__(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """The decoded answer; a refusal is an assertion error that shows it."""
        reply = self.raw(method, path, b"" if body is None else json.dumps(body).encode(), query)
        assert reply.status in {200, 204, 207}, (reply.status, reply.body)
        return json.loads(reply.body) if reply.body else None

    def refused(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, dict[str, Any]]:
        reply = self.raw(method, path, b"" if body is None else json.dumps(body).encode(), query)
        assert reply.status >= 400, reply.body
        return reply.status, json.loads(reply.body)

    def order(self, **fields: Any) -> Any:
        """A day limit buy of one AAPL at 100, changed by `fields`; None drops a member."""
        wish: dict[str, Any] = {
            "symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "time_in_force": "day", "limit_price": "100",
        } | fields  # fmt: skip
        return self("POST", "/v2/orders", {name: value for name, value in wish.items() if value is not None})

    def market(self, symbol: str = "AAPL", qty: str = "1", side: str = "buy", **fields: Any) -> Any:
        return self.order(symbol=symbol, qty=qty, side=side, type="market", limit_price=None, **fields)

    def door(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The control door's status and answer."""
        reply = self.venue.control_app.handle(
            Request(method=method, path=path, body=b"" if body is None else json.dumps(body).encode())
        )
        return reply.status, json.loads(reply.body) if reply.body else None

    def price(self, bid: str, ask: str, last: str | None = None, symbol: str = "AAPL") -> None:
        body = {"symbol": symbol, "bid": bid, "ask": ask} | ({} if last is None else {"last": last})
        status, answer = self.door("POST", "/price", body)
        assert status == 204, answer


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MONDAY)


@pytest.fixture
def new_venue(clock: ManualClock) -> Callable[..., Asker]:
    """Makes a venue; `rate` is off unless a test asks for it."""

    def make(**options: Any) -> Asker:
        options.setdefault("rate", 0)
        return Asker(create_venue(clock=clock, **options), clock)

    return make


@pytest.fixture
def ask(new_venue: Callable[..., Asker]) -> Asker:
    asker = new_venue()
    asker.price("149.99", "150.01", "150")
    return asker
