"""A simulated Binance in the test's own process, on a clock that moves only when told to."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.binance.venue import BinanceVenue, create_venue
from floorbroker_sim.http import Reply, Request, SocketSession, parsed_query

MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class Listener:
    """One client of a socket, without the socket."""

    def __init__(self, asker: Asker, session: SocketSession) -> None:
        self.asker = asker
        self.session = session
        self.kept: list[dict[str, Any]] = []
        session.opened()

    def say(self, message: Any) -> None:
        self.session.received(message if isinstance(message, str | bytes) else json.dumps(message))

    def heard(self) -> list[Any]:
        """Everything that came since the last call."""
        found: list[Any] = []
        while self.session.outbox.waiting:
            found.append(json.loads(self.session.outbox.pop()))
        return found

    def call(self, method: str, **params: Any) -> Any:
        """A request of the WebSocket API, and its answer; events stay for `heard`."""
        self.say({"id": "1", "method": method, "params": params})
        frames = self.heard()
        (answer,) = [frame for frame in frames if "status" in frame]
        self.kept = [frame["event"] for frame in frames if "event" in frame]
        return answer

    def signed(self, method: str, **params: Any) -> Any:
        return self.call(method, **self.asker.signed_params(params))

    def events(self) -> list[dict[str, Any]]:
        """User data events since the last call."""
        kept, self.kept = self.kept, []
        return kept + [frame["event"] for frame in self.heard() if "event" in frame]


class Asker:
    """Speaks to a venue and its control door without a server."""

    def __init__(self, venue: BinanceVenue, clock: ManualClock) -> None:
        self.venue = venue
        self.clock = clock
        self.key = venue.keys.first

    def sign(self, payload: str) -> str:
        return hmac.new(self.key.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()

    def now_ms(self) -> int:
        return int(self.venue.now().timestamp() * 1000)

    def signed_params(self, params: dict[str, Any]) -> dict[str, Any]:
        """Parameters of the WebSocket API with key, time and signature."""
        given = {"apiKey": self.key.name, "timestamp": self.now_ms(), **params}
        return given | {"signature": self.sign("&".join(f"{k}={given[k]}" for k in sorted(given)))}

    def raw(
        self, method: str, path: str, query: str = "", body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Reply:
        return self.venue.handle(
            Request(
                method=method, path=path, segments=tuple(path.strip("/").split("/")), query=parsed_query(query),
                headers=headers or {}, body=body, raw_query=query,
            )
        )  # fmt: skip

    def asked(self, method: str, path: str, **params: Any) -> Reply:
        """A signed request; the parameters travel in the query."""
        query = urlencode({"timestamp": self.now_ms(), **params})
        signed = f"{query}&signature={self.sign(query)}"
        return self.raw(method, path, signed, headers={"x-mbx-apikey": self.key.name})

    def public(self, path: str, **params: Any) -> Any:
        reply = self.raw("GET", path, urlencode(params))
        assert reply.status == 200, (reply.status, reply.body)
        return json.loads(reply.body)

    def __call__(self, method: str, path: str, **params: Any) -> Any:
        """The decoded answer of a signed request; a refusal is an assertion error that shows it."""
        reply = self.asked(method, path, **params)
        assert reply.status == 200, (reply.status, reply.body)
        return json.loads(reply.body)

    def refused(self, method: str, path: str, **params: Any) -> tuple[int, int, str]:
        """Status, code and text of a refusal."""
        reply = self.asked(method, path, **params)
        assert reply.status >= 400, reply.body
        body = json.loads(reply.body)
        return reply.status, body["code"], body["msg"]

    def order_of(self, **fields: Any) -> dict[str, Any]:
        """A resting buy of 0.01 BTC at 50,000, changed by `fields`; None drops a member."""
        wish: dict[str, Any] = {
            "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "50000",
        } | fields  # fmt: skip
        return {name: value for name, value in wish.items() if value is not None}

    def order(self, **fields: Any) -> Any:
        return self("POST", "/api/v3/order", **self.order_of(**fields))

    def no_order(self, **fields: Any) -> tuple[int, int, str]:
        return self.refused("POST", "/api/v3/order", **self.order_of(**fields))

    def market(self, side: str = "BUY", quantity: str | None = "0.01", **fields: Any) -> Any:
        return self.order(side=side, type="MARKET", timeInForce=None, price=None, quantity=quantity, **fields)

    def waiting(self, kind: str, side: str, stop: str | None, **fields: Any) -> Any:
        """An order that waits for a price."""
        has_limit = kind.endswith("LIMIT")
        return self.order(
            type=kind, side=side, stopPrice=stop, newOrderRespType="RESULT",
            timeInForce="GTC" if has_limit else None, **({"price": None} if not has_limit else {}) | fields,
        )  # fmt: skip

    def seen(self, order: Any) -> Any:
        return self("GET", "/api/v3/order", symbol=order["symbol"], orderId=order["orderId"])

    def balance(self, asset: str) -> tuple[str, str]:
        """Free and locked."""
        (line,) = [b for b in self("GET", "/api/v3/account")["balances"] if b["asset"] == asset]
        return line["free"], line["locked"]

    def door(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The control door's status and answer."""
        reply = self.venue.control_app.handle(
            Request(method=method, path=path, body=b"" if body is None else json.dumps(body).encode())
        )
        return reply.status, json.loads(reply.body) if reply.body else None

    def price(self, bid: str, ask: str, last: str | None = None, symbol: str = "BTC/USDT") -> None:
        body = {"symbol": symbol, "bid": bid, "ask": ask} | ({} if last is None else {"last": last})
        status, answer = self.door("POST", "/price", body)
        assert status == 204, answer

    def listen(self, path: str, query: str = "") -> Listener:
        session = self.venue.socket(Request(method="GET", path=path, query=parsed_query(query), raw_query=query))
        assert not isinstance(session, Reply), session
        return Listener(self, session)

    def account(self) -> Listener:
        """A subscriber of user data."""
        listener = self.listen("/ws-api/v3")
        answer = listener.signed("userDataStream.subscribe.signature")
        assert answer["result"] == {"subscriptionId": 0}, answer
        return listener

    def step(self, seconds: float = 1.0) -> None:
        """Let time pass, and the market with it."""
        status, answer = self.door("POST", "/clock", {"advance_s": str(seconds)})
        assert status == 200, answer


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
    asker.price("59999", "60001", "60000")
    return asker
