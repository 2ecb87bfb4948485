"""A simulated gateway in the test's own process, on a clock that moves only when told to."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.http import Reply, Request, SocketSession
from floorbroker_sim.ibkr_web.venue import IbkrWebVenue, create_venue

MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # ten in New York
AAPL = 265598
BASE = "/v1/api"


class Wire:
    """A client on the socket: what it sends, and what has come."""

    def __init__(self, session: SocketSession) -> None:
        self.session = session
        session.opened()

    def send(self, text: str) -> list[Any]:
        """Send one text; returns what came since the last look."""
        self.session.received(text)
        return self.heard()

    def heard(self) -> list[Any]:
        return [json.loads(self.session.outbox.pop()) for _ in range(self.session.outbox.waiting)]

    def topic(self, topic: str) -> list[Any]:
        """What came for one topic, without its wrapping."""
        return [frame.get("args", frame) for frame in self.heard() if frame.get("topic") == topic]


class Asker:
    """Speaks to a venue and its control door without a server."""

    def __init__(self, venue: IbkrWebVenue, clock: ManualClock) -> None:
        self.venue = venue
        self.clock = clock
        self.account = venue.state.account_ids[0]

    def raw(self, method: str, path: str, body: bytes = b"", query: dict[str, str] | None = None) -> Reply:
        whole = BASE + path
        return self.venue.handle(
            Request(
                method=method, path=whole, segments=tuple(whole.strip("/").split("/")), query=query or {}, body=body
            )
        )

    def __call__(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """The decoded answer; anything but 200 is an assertion error that shows it."""
        reply = self.raw(method, path, b"" if body is None else json.dumps(body).encode(), query)
        assert reply.status == 200, (reply.status, reply.body)
        return json.loads(reply.body)

    def refused(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, str]:
        """Status and text of a refusal."""
        reply = self.raw(method, path, b"" if body is None else json.dumps(body).encode(), query)
        assert reply.status >= 400, reply.body
        text = reply.body.decode()
        return reply.status, json.loads(text)["error"] if text.startswith("{") else text

    def later(self, seconds: float) -> None:
        """Let time pass, with a look at everything that waits for it."""
        self.clock.set(self.clock.now() + timedelta(seconds=seconds))
        self.venue.step(self.clock.now())

    # --- Orders -------------------------------------------------------------------------------------------------------

    def ticket(self, **changes: Any) -> dict[str, Any]:
        """A limit buy of ten AAPL at 145, good till cancelled, changed by `changes`; None drops a member."""
        base: dict[str, Any] = {
            "conid": AAPL, "orderType": "LMT", "side": "BUY", "price": 145, "quantity": 10, "tif": "GTC",
        } | changes  # fmt: skip
        return {name: value for name, value in base.items() if value is not None}

    def send(self, *tickets: dict[str, Any]) -> Any:
        """The first answer to an order."""
        return self("POST", f"/iserver/account/{self.account}/orders", {"orders": list(tickets)})

    def confirm(self, answer: Any) -> Any:
        """Confirm every question; the answer behind them."""
        while isinstance(answer, list) and "messageIds" in answer[0]:
            answer = self("POST", f"/iserver/reply/{answer[0]['id']}", {"confirmed": True})
        return answer

    def place(self, *tickets: dict[str, Any]) -> list[str]:
        """Place what is wanted and confirm it; the numbers of the orders."""
        answer = self.confirm(self.send(*tickets))
        assert isinstance(answer, list), answer
        return [row["order_id"] for row in answer]

    def order(self, **changes: Any) -> str:
        return self.place(self.ticket(**changes))[0]

    def market(self, **changes: Any) -> str:
        return self.order(**({"orderType": "MKT", "price": None, "tif": "DAY"} | changes))

    def modify(self, order_id: str, **changes: Any) -> Any:
        path = f"/iserver/account/{self.account}/order/{order_id}"
        return self.confirm(self("POST", path, self.ticket(**changes)))

    def cancel(self, order_id: str) -> Any:
        return self("DELETE", f"/iserver/account/{self.account}/order/{order_id}")

    def rows(self, **query: str) -> dict[str, Any]:
        """Live orders by number; the empty first list is passed over."""
        answer = self("GET", "/iserver/account/orders", **query)
        if not answer["snapshot"]:
            answer = self("GET", "/iserver/account/orders", **query)
        return {str(row["orderId"]): row for row in answer["orders"]}

    def status(self, order_id: str) -> str:
        return self("GET", f"/iserver/account/order/status/{order_id}")["order_status"]

    def trades(self) -> list[Any]:
        return self("GET", "/iserver/account/trades")

    def positions(self) -> dict[str, Any]:
        self("GET", "/portfolio/accounts")
        return {row["contractDesc"]: row for row in self("GET", f"/portfolio/{self.account}/positions/0")}

    def cash(self) -> float:
        self("GET", "/portfolio/accounts")
        return self("GET", f"/portfolio/{self.account}/ledger")["USD"]["cashbalance"]

    def option(self, *, right: str, strike: str, month: str = "MAR26", day: str = "20260320") -> int:
        """The number of an AAPL option."""
        rows = self(
            "GET", "/iserver/secdef/info", conid=str(AAPL), sectype="OPT", month=month, strike=strike, right=right
        )
        return next(row["conid"] for row in rows if row["maturityDate"] == day)

    # --- The other doors ----------------------------------------------------------------------------------------------

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

    def session(self, do: str) -> Any:
        status, answer = self.door("POST", "/session", {"do": do})
        assert status == 200, answer
        return answer

    def wire(self, cookie: str | None = None) -> Wire:
        headers = {} if cookie is None else {"cookie": cookie}
        session = self.venue.socket(Request(method="GET", path=f"{BASE}/ws", headers=headers))
        assert not isinstance(session, Reply), session
        return Wire(session)


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
    """A session in which accounts were asked for, and AAPL at 150."""
    asker = new_venue()
    asker.price("149.99", "150.01", "150")
    asker("GET", "/iserver/accounts")
    return asker
