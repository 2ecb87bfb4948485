"""A simulated Bybit in the test's own process, on a clock that moves only when told to, and a client that signs."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.bybit.venue import BybitVenue, create_venue
from floorbroker_sim.http import Reply, Request, SocketSession

MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
PAIR, CONTRACT = "BTC/USDT", "BTC/USDT:USDT"


def sign(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()


class Wire:
    """A client on one socket: what it sends, and what has come."""

    def __init__(self, session: SocketSession, clock: ManualClock, venue: BybitVenue) -> None:
        self.session = session
        self.clock = clock
        self.venue = venue
        session.opened()

    def send(self, **message: Any) -> list[Any]:
        """Send one message; returns what came since the last look."""
        self.session.received(json.dumps(message))
        return self.heard()

    def heard(self) -> list[Any]:
        return [json.loads(self.session.outbox.pop()) for _ in range(self.session.outbox.waiting)]

    def sign_in(self, **changes: Any) -> Any:
        expires = int(self.clock.now().timestamp() * 1000) + 1000
        keys = self.venue.keys
        args = [keys.key, expires, sign(keys.secret, f"GET/realtime{expires}")]
        (answer,) = self.send(**{"op": "auth", "args": args} | changes)
        return answer

    def topic(self, topic: str) -> list[Any]:
        """Objects that came for one topic."""
        return [told for frame in self.heard() if frame.get("topic") == topic for told in frame["data"]]


class Asker:
    """Speaks to a venue and its control door without a server."""

    def __init__(self, venue: BybitVenue, clock: ManualClock) -> None:
        self.venue = venue
        self.clock = clock

    def later(self, seconds: float) -> None:
        """Let time pass without a look at the market."""
        self.clock.set(self.clock.now() + timedelta(seconds=seconds))

    def headers(self, payload: str) -> dict[str, str]:
        stamp, keys = str(int(self.venue.clock.now().timestamp() * 1000)), self.venue.keys
        return {
            "x-bapi-api-key": keys.key, "x-bapi-timestamp": stamp, "x-bapi-recv-window": "5000",
            "x-bapi-sign": sign(keys.secret, f"{stamp}{keys.key}5000{payload}"),
        }  # fmt: skip

    def raw(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        headers: dict[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Reply:
        asked = query or {}
        text = "&".join(f"{name}={value}" for name, value in asked.items())
        signed = self.headers(body.decode("utf-8", "surrogateescape") if method == "POST" else text)
        return self.venue.handle(
            Request(
                method=method, path=path, segments=tuple(path.strip("/").split("/")), query=asked, raw_query=text,
                headers=signed if headers is None else headers, body=body,
            )
        )  # fmt: skip

    def get(self, path: str, **query: str) -> Any:
        """The result; a refusal is an assertion error that shows it."""
        answer = json.loads(self.raw("GET", path, query=query).body)
        assert answer["retCode"] == 0, answer
        return answer["result"]

    def post(self, path: str, **body: Any) -> Any:
        answer = json.loads(self.raw("POST", path, json.dumps(body).encode()).body)
        assert answer["retCode"] == 0, answer
        return answer["result"]

    def refused(self, path: str, **body: Any) -> tuple[int, str]:
        answer = json.loads(self.raw("POST", path, json.dumps(body).encode()).body)
        assert answer["retCode"] != 0, answer
        return answer["retCode"], answer["retMsg"]

    def wish(self, category: str = "linear", **changes: Any) -> dict[str, Any]:
        """A limit buy of BTC that rests, changed by `changes`; None drops a member."""
        base: dict[str, Any] = {
            "category": category, "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "59000",
        }  # fmt: skip
        return {name: value for name, value in {**base, **changes}.items() if value is not None}

    def order(self, category: str = "linear", **changes: Any) -> str:
        """Place an order; its id."""
        return self.post("/v5/order/create", **self.wish(category, **changes))["orderId"]

    def market(self, category: str = "linear", **changes: Any) -> str:
        return self.order(category, orderType="Market", price=None, **changes)

    def shown(self, order_id: str, category: str = "linear") -> Any:
        """An order wherever it is, open or closed."""
        for path in ("/v5/order/realtime", "/v5/order/history"):
            if found := self.get(path, category=category, orderId=order_id)["list"]:
                return found[0]
        raise AssertionError(f"{order_id} is nowhere")

    def position(self, idx: int = 0) -> Any:
        found = self.get("/v5/position/list", category="linear", symbol="BTCUSDT")["list"]
        return next(line for line in found if line["positionIdx"] == idx)

    def coin(self, coin: str = "USDT") -> Any:
        return self.get("/v5/account/wallet-balance", accountType="UNIFIED", coin=coin)["list"][0]["coin"][0]

    def door(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The control door's status and answer."""
        reply = self.venue.control_app.handle(
            Request(method=method, path=path, body=b"" if body is None else json.dumps(body).encode())
        )
        return reply.status, json.loads(reply.body) if reply.body else None

    def price(self, bid: str, ask: str, last: str | None = None, symbol: str = CONTRACT) -> None:
        body = {"symbol": symbol, "bid": bid, "ask": ask} | ({} if last is None else {"last": last})
        status, answer = self.door("POST", "/price", body)
        assert status == 204, answer

    def wire(self, path: str, **query: str) -> Wire:
        session = self.venue.socket(Request(method="GET", path=path, query=query))
        assert not isinstance(session, Reply), session
        return Wire(session, self.clock, self.venue)

    def private(self, *topics: str) -> Wire:
        """A private socket that is signed in and subscribed."""
        wire = self.wire("/v5/private")
        assert wire.sign_in()["success"] is True
        (answer,) = wire.send(op="subscribe", args=list(topics))
        assert answer["success"] is True, answer
        return wire


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
    asker.price("60000", "60000.1", "60000", symbol=PAIR)
    asker.price("60010", "60010.1", "60010")
    return asker
