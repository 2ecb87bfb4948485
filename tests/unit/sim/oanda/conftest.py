"""A simulated OANDA in the test's own process, on a clock that moves only when told to."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.http import Reply, Request
from floorbroker_sim.oanda.venue import OandaVenue, create_venue

MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # ten in New York


class OandaAsker:
    """Speaks to a venue and its control door without a server."""

    def __init__(self, venue: OandaVenue, clock: ManualClock) -> None:
        self.venue = venue
        self.clock = clock
        self.account = f"/v3/accounts/{venue.keys.account}"
        self.headers = {"authorization": f"Bearer {venue.keys.token}", "host": "sim:1"}

    def raw(self, method: str, path: str, body: Any = None, /, **query: Any) -> Reply:
        """A path that begins with `.` is below the account."""
        path = self.account + path[1:] if path.startswith(".") else path
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        segments = tuple(unquote(part) for part in path.strip("/").split("/"))
        return self.venue.handle(
            Request(
                method=method, path=path, segments=segments, query={k.rstrip("_"): str(v) for k, v in query.items()},
                headers=self.headers, body=raw,
            )
        )  # fmt: skip

    def __call__(self, method: str, path: str, body: Any = None, /, **query: Any) -> Any:
        reply = self.raw(method, path, body, **query)
        assert reply.status in {200, 201}, (reply.status, reply.body)
        return json.loads(reply.body)

    def refused(self, method: str, path: str, body: Any = None, /, **query: Any) -> tuple[int, Any]:
        reply = self.raw(method, path, body, **query)
        assert reply.status >= 400, reply.body
        return reply.status, json.loads(reply.body)

    def place(self, **order: Any) -> Any:
        """A market order for 100 EUR_USD, changed by `order`; None drops a member.  Returns the answer."""
        return self("POST", "./orders", {"order": wish(**order)})

    def no(self, **order: Any) -> str:
        """The reason for which an order is refused; both places that tell it agree."""
        status, body = self.refused("POST", "./orders", {"order": wish(**order)})
        assert status in {400, 404}
        assert body["errorCode"] == body["orderRejectTransaction"]["rejectReason"]
        assert body["lastTransactionID"] == body["relatedTransactionIDs"][-1]
        return body["errorCode"]

    def open(self, units: str = "100", instrument: str = "EUR_USD", **order: Any) -> str:
        """The id of the trade a market order opens."""
        return self.place(instrument=instrument, units=units, **order)["orderFillTransaction"]["tradeOpened"]["tradeID"]

    def order(self, order_id: str) -> Any:
        return self("GET", f"./orders/{order_id}")["order"]

    def trade(self, trade_id: str) -> Any:
        return self("GET", f"./trades/{trade_id}")["trade"]

    def summary(self) -> Any:
        return self("GET", "./summary")["account"]

    def log(self) -> list[Any]:
        return self("GET", "./transactions/sinceid", id=0)["transactions"]

    def door(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The control door's status and answer."""
        raw = b"" if body is None else json.dumps(body).encode()
        reply = self.venue.control_app.handle(Request(method=method, path=path, body=raw))
        return reply.status, json.loads(reply.body) if reply.body else None

    def hand(self, path: str, **fields: Any) -> None:
        status, answer = self.door("POST", path, fields)
        assert status in {200, 204}, answer

    def price(self, bid: str, ask: str, symbol: str = "EUR/USD") -> None:
        self.hand("/price", symbol=symbol, bid=bid, ask=ask)

    def wait(self, seconds: float) -> None:
        self.hand("/clock", advance_s=seconds)

    def positions(self) -> dict[str, Decimal]:
        return {line["symbol"]: Decimal(line["quantity"]) for line in self.door("GET", "/positions")[1]}


def wish(**order: Any) -> dict[str, Any]:
    whole = {"type": "MARKET", "instrument": "EUR_USD", "units": "100"} | order
    return {name: value for name, value in whole.items() if value is not None}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MONDAY)


@pytest.fixture
def new_oanda(clock: ManualClock) -> Callable[..., OandaAsker]:
    """Makes a venue; `rate` is off unless a test asks for it."""

    def make(**options: Any) -> OandaAsker:
        options.setdefault("rate", 0)
        asker = OandaAsker(create_venue(clock=clock, **options), clock)
        asker.price("1.10000", "1.10010")
        asker.price("150.000", "150.010", "USD/JPY")
        return asker

    return make


@pytest.fixture
def ask(new_oanda: Callable[..., OandaAsker]) -> OandaAsker:
    return new_oanda()
