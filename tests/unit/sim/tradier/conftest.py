"""A simulated Tradier in the test's own process, on a clock that moves only when told to."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.http import Reply, Request
from floorbroker_sim.tradier.venue import TradierVenue, create_venue

MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # ten in New York


class TradierAsker:
    """Speaks to a venue and its control door without a server.  Numbers come back exact."""

    def __init__(self, venue: TradierVenue, clock: ManualClock) -> None:
        self.venue = venue
        self.clock = clock
        self.account = f"/v1/accounts/{venue.keys.account}"
        self.headers = {"authorization": f"Bearer {venue.keys.token}", "accept": "application/json", "host": "sim:1"}

    def raw(self, method: str, path: str, form: dict[str, str] | bytes | None = None, /, **query: str) -> Reply:
        """A path that begins with `./` is below the account."""
        path = self.account + path[1:] if path.startswith("./") else path
        body = form if isinstance(form, bytes) else urlencode(form or {}).encode()
        segments = tuple(path.strip("/").split("/"))
        return self.venue.handle(
            Request(method=method, path=path, segments=segments, query=query, headers=self.headers, body=body)
        )

    def __call__(self, method: str, path: str, form: dict[str, str] | None = None, /, **query: str) -> Any:
        reply = self.raw(method, path, form, **query)
        assert reply.status == 200, (reply.status, reply.body)
        return json.loads(reply.body, parse_float=Decimal)

    def refused(self, method: str, path: str, form: dict[str, str] | None = None, /, **query: str) -> tuple[int, str]:
        reply = self.raw(method, path, form, **query)
        assert reply.status >= 400, reply.body
        return reply.status, reply.body.decode()

    def place(self, **fields: str) -> int:
        """A day limit buy of ten AAPL at 100, changed by `fields`; an empty text drops a member.  Returns the id."""
        wish = {
            "class": "equity", "symbol": "AAPL", "side": "buy", "quantity": "10", "type": "limit", "duration": "day",
            "price": "100",
        }  # fmt: skip
        wish |= {name.replace("kind", "class"): value for name, value in fields.items()}
        answer = self("POST", "./orders", {name: value for name, value in wish.items() if value})
        assert answer["order"]["status"] == "ok"
        return answer["order"]["id"]

    def market(self, **fields: str) -> int:
        merged = {"type": "market", "price": ""} | fields
        return self.place(**merged)

    def option(self, symbol: str, side: str, quantity: str = "1", **fields: str) -> int:
        return self.market(kind="option", option_symbol=symbol, side=side, quantity=quantity, **fields)

    def legs(self, kind: str, *legs: dict[str, str], **common: str) -> int:
        """An order of several parts with indexed names."""
        form = {"class": kind, "duration": "day"} | common
        for number, leg in enumerate(legs):
            form |= {f"{name}[{number}]": value for name, value in leg.items()}
        return self("POST", "./orders", form)["order"]["id"]

    def order(self, order_id: int, **query: str) -> Any:
        return self("GET", f"./orders/{order_id}", **query)["order"]

    def door(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The control door's status and answer."""
        raw = b"" if body is None else json.dumps(body).encode()
        reply = self.venue.control_app.handle(Request(method=method, path=path, body=raw))
        return reply.status, json.loads(reply.body) if reply.body else None

    def price(self, bid: str, ask: str, symbol: str = "AAPL") -> None:
        assert self.door("POST", "/price", {"symbol": symbol, "bid": bid, "ask": ask})[0] == 204

    def fill(self, order_id: int, qty: str, price: str) -> None:
        assert self.door("POST", "/fill", {"order": str(order_id), "qty": qty, "price": price})[0] == 204

    def positions(self) -> dict[str, Decimal]:
        return {line["symbol"]: Decimal(line["quantity"]) for line in self.door("GET", "/positions")[1]}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MONDAY)


@pytest.fixture
def new_tradier(clock: ManualClock) -> Callable[..., TradierAsker]:
    """Makes a venue; `rate` is off unless a test asks for it."""

    def make(**options: Any) -> TradierAsker:
        options.setdefault("rate", 0)
        asker = TradierAsker(create_venue(clock=clock, **options), clock)
        asker.price("149.99", "150.01")
        return asker

    return make


@pytest.fixture
def ask(new_tradier: Callable[..., TradierAsker]) -> TradierAsker:
    return new_tradier()
