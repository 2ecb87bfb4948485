"""A simulated Upstox in the test's own process, on a clock that moves only when told to."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.http import Reply, Request
from floorbroker_sim.upstox.venue import UpstoxVenue, create_venue

MONDAY = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)  # half past ten in India
RELIANCE, BOMBAY = "NSE_EQ|INE002A01018", "BSE_EQ|INE002A01018"
NIFTY = "NSE_INDEX|Nifty 50"


class UpstoxAsker:
    """Speaks to a venue and its control door without a server.  Numbers come back exact."""

    def __init__(self, venue: UpstoxVenue, clock: ManualClock) -> None:
        self.venue = venue
        self.clock = clock
        self.headers = {"authorization": f"Bearer {venue.keys.token}", "host": "sim:1"}

    def raw(self, method: str, path: str, body: Any = None, /, **query: str) -> Reply:
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        segments = tuple(path.strip("/").split("/"))
        return self.venue.handle(
            Request(method=method, path=path, segments=segments, query=query, headers=self.headers, body=raw)
        )

    def __call__(self, method: str, path: str, body: Any = None, /, **query: str) -> Any:
        """The whole decoded answer; a refusal is an assertion error that shows it."""
        reply = self.raw(method, path, body, **query)
        assert reply.status in {200, 207}, (reply.status, reply.body)
        return json.loads(reply.body, parse_float=Decimal)

    def data(self, method: str, path: str, body: Any = None, /, **query: str) -> Any:
        return self(method, path, body, **query)["data"]

    def refused(self, method: str, path: str, body: Any = None, /, **query: str) -> tuple[int, str]:
        """Status and code."""
        reply = self.raw(method, path, body, **query)
        assert reply.status >= 400, reply.body
        return reply.status, json.loads(reply.body)["errors"][0]["error_code"]

    @staticmethod
    def wish(**fields: Any) -> dict[str, Any]:
        """A day limit buy of ten RELIANCE at 1200 for delivery, changed by `fields`; None drops a member."""
        wish: dict[str, Any] = {
            "quantity": 10, "product": "D", "validity": "DAY", "price": 1200, "tag": "t-1", "instrument_token": RELIANCE,
            "order_type": "LIMIT", "transaction_type": "BUY", "disclosed_quantity": 0, "trigger_price": 0, "is_amo": False,
        } | fields  # fmt: skip
        return {name: value for name, value in wish.items() if value is not None}

    def place(self, **fields: Any) -> str:
        return self.data("POST", "/v3/order/place", self.wish(**fields))["order_ids"][0]

    def market(self, **fields: Any) -> str:
        return self.place(**({"order_type": "MARKET", "price": 0} | fields))

    def modify(self, order_id: str, **fields: Any) -> Any:
        order = self.order(order_id)
        names = ("validity", "price", "order_id", "order_type", "trigger_price", "quantity")
        body = {name: order[name] for name in names} | fields
        body = {name: float(value) if isinstance(value, Decimal) else value for name, value in body.items()}
        return self.data("PUT", "/v3/order/modify", body)

    def cancel(self, order_id: str) -> Any:
        return self.data("DELETE", "/v3/order/cancel", {}, order_id=order_id)

    def order(self, order_id: str) -> Any:
        return self.data("GET", "/v2/order/details", order_id=order_id)

    def states(self, order_id: str) -> list[str]:
        return [row["status"] for row in self.data("GET", "/v2/order/history", order_id=order_id)]

    def funds(self) -> Decimal:
        return self.data("GET", "/v2/user/get-funds-and-margin", segment="SEC")["equity"]["available_margin"]

    def position(self, product: str = "D") -> Any:
        found = self.data("GET", "/v2/portfolio/short-term-positions")
        return next(one for one in found if one["product"] == product)

    def door(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The control door's status and answer."""
        raw = b"" if body is None else json.dumps(body).encode()
        reply = self.venue.control_app.handle(Request(method=method, path=path, body=raw))
        return reply.status, json.loads(reply.body) if reply.body else None

    def price(self, bid: str, ask: str, symbol: str = "RELIANCE.NSE") -> None:
        assert self.door("POST", "/price", {"symbol": symbol, "bid": bid, "ask": ask})[0] == 204

    def fill(self, order_id: str, qty: str, price: str) -> None:
        assert self.door("POST", "/fill", {"order": order_id, "qty": qty, "price": price})[0] == 204

    def advance(self, seconds: int) -> None:
        assert self.door("POST", "/clock", {"advance_s": seconds})[0] == 200

    def login(self) -> None:
        """A fresh token, as after a login of the next day."""
        token = self.door("POST", "/tokens", {"kind": "full"})[1]["token"]
        self.headers["authorization"] = f"Bearer {token}"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MONDAY)


@pytest.fixture
def new_upstox(clock: ManualClock) -> Callable[..., UpstoxAsker]:
    """Makes a venue; `rate` is off unless a test asks for it."""

    def make(**options: Any) -> UpstoxAsker:
        options.setdefault("rate", 0)
        asker = UpstoxAsker(create_venue(clock=clock, **options), clock)
        asker.price("1399.90", "1400.10")
        return asker

    return make


@pytest.fixture
def ask(new_upstox: Callable[..., UpstoxAsker]) -> UpstoxAsker:
    return new_upstox()
