"""A simulated Kraken in the test's own process, and clients that sign and listen as the documents say."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.http import Reply, Request
from floorbroker_sim.kraken.venue import KrakenVenue, create_venue

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class Desk:
    """Speaks to a venue and its control door without a server.  Signs by the document, not with the venue's code."""

    def __init__(self, venue: KrakenVenue, clock: ManualClock) -> None:
        self.venue = venue
        self.clock = clock
        self.nonce = 1_000

    # --- REST

    def public(self, method: str, **query: object) -> Any:
        return self.result(self.get(method, **query))

    def get(self, method: str, **query: object) -> Reply:
        texts = {name: str(value) for name, value in query.items()}
        return self.venue.handle(
            Request(method="GET", path=f"/0/public/{method}", segments=("0", "public", method), query=texts)
        )

    def post(
        self, method: str, fields: dict[str, Any] | None = None, *, as_json: bool = False, **changes: str
    ) -> Reply:
        """A signed private request; `changes` replace headers after signing."""
        path = f"/0/private/{method}"
        self.nonce += 1
        members = {"nonce": str(self.nonce), **(fields or {})}
        body = (json.dumps(members) if as_json else urlencode(members, doseq=True)).encode()
        return self.send(path, body, str(members["nonce"]), as_json=as_json, **changes)

    def send(self, path: str, body: bytes, nonce: str, *, as_json: bool = False, **changes: str) -> Reply:
        keys = self.venue.keys
        message = path.encode() + hashlib.sha256(nonce.encode() + body).digest()
        sign = base64.b64encode(hmac.new(base64.b64decode(keys.secret), message, hashlib.sha512).digest()).decode()
        kind = "application/json" if as_json else "application/x-www-form-urlencoded"
        headers = {"api-key": keys.key, "api-sign": sign, "content-type": f"{kind}; charset=utf-8"}
        headers |= {name.replace("_", "-"): value for name, value in changes.items()}
        segments = tuple(path.strip("/").split("/"))
        return self.venue.handle(Request(method="POST", path=path, segments=segments, headers=headers, body=body))

    @staticmethod
    def result(reply: Reply) -> Any:
        assert reply.status == 200, reply.body
        answer = json.loads(reply.body, parse_float=Decimal)
        assert answer["error"] == [], answer
        return answer["result"]

    def __call__(self, method: str, fields: dict[str, Any] | None = None, *, as_json: bool = False) -> Any:
        """The result of a private call; a refusal is an assertion error that shows it."""
        return self.result(self.post(method, fields, as_json=as_json))

    def refused(self, method: str, fields: dict[str, Any] | None = None, *, as_json: bool = False) -> str:
        """The one error of a private call that must fail."""
        return self.error(self.post(method, fields, as_json=as_json))

    @staticmethod
    def error(reply: Reply) -> str:
        assert reply.status == 200, reply.body
        answer = json.loads(reply.body)
        assert len(answer["error"]) == 1, answer
        assert "result" not in answer
        return answer["error"][0]

    def order(self, **fields: Any) -> str:
        """A limit buy of one bitcoin at 50000, changed by `fields`; None drops a member.  Returns the txid."""
        return self("AddOrder", self.wish(**fields))["txid"][0]

    @staticmethod
    def wish(**fields: Any) -> dict[str, Any]:
        wish = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "volume": "1", "price": "50000"} | fields
        return {name.replace("close_", "close[") + ("]" if name.startswith("close_") else ""): v
                for name, v in wish.items() if v is not None}  # fmt: skip

    def market(self, side: str = "buy", volume: str = "1", **fields: Any) -> str:
        return self.order(type=side, ordertype="market", volume=volume, price=None, **fields)

    def look(self, txid: str, **fields: Any) -> Any:
        return self("QueryOrders", {"txid": txid, **fields})[txid]

    # --- The control door

    def door(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        reply = self.venue.control_app.handle(
            Request(method=method, path=path, body=b"" if body is None else json.dumps(body).encode())
        )
        return reply.status, json.loads(reply.body) if reply.body else None

    def price(self, bid: str, ask: str, last: str | None = None, symbol: str = "BTC/USD") -> None:
        body = {"symbol": symbol, "bid": bid, "ask": ask} | ({} if last is None else {"last": last})
        status, answer = self.door("POST", "/price", body)
        assert status == 204, answer

    def fill(self, order: str, qty: str, price: str) -> None:
        status, answer = self.door("POST", "/fill", {"order": order, "qty": qty, "price": price})
        assert status == 204, answer

    def wait(self, seconds: float) -> None:
        """Let time pass at the venue."""
        status, answer = self.door("POST", "/clock", {"advance_s": seconds})
        assert status == 200, answer

    def after(self, seconds: float) -> datetime:
        return self.venue.now() + timedelta(seconds=seconds)

    # --- Sockets

    def socket(self) -> Line:
        return Line(self)

    def token(self) -> str:
        return self("GetWebSocketsToken")["token"]


class Line:
    """A client of the socket."""

    def __init__(self, desk: Desk) -> None:
        session = desk.venue.socket(Request(method="GET", path="/v2", segments=("v2",)))
        assert not isinstance(session, Reply)
        self.desk = desk
        self.session: Any = session
        self.token = ""
        session.opened()

    def say(self, method: str, params: dict[str, Any] | None = None, **members: Any) -> list[Any]:
        """Send a message and return everything heard since the last time."""
        message: dict[str, Any] = {"method": method, **members}
        if params is not None:
            message["params"] = params
        return self.raw(json.dumps(message))

    def raw(self, frame: str | bytes) -> list[Any]:
        self.session.received(frame)
        return self.heard()

    def command(self, method: str, req_id: int = 1, **params: Any) -> list[Any]:
        """An order command with a token of its own."""
        if not self.token:
            self.token = self.desk.token()
        return self.say(method, {**params, "token": self.token}, req_id=req_id)

    def private(self, channel: str, **params: Any) -> list[Any]:
        return self.command("subscribe", channel=channel, **params)

    def texts(self) -> list[str]:
        """Frames as they were written."""
        frames: list[str] = []
        while self.session.outbox.waiting:
            frames.append(self.session.outbox.pop())
        return frames

    def heard(self) -> list[Any]:
        return [json.loads(frame, parse_float=Decimal) for frame in self.texts()]


def channel(frames: list[Any], name: str) -> list[Any]:
    """The messages of one channel."""
    return [frame for frame in frames if frame.get("channel") == name]


def rows(frames: list[Any], name: str) -> list[Any]:
    """The data rows of one channel."""
    return [row for frame in channel(frames, name) for row in frame["data"]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def new_desk(clock: ManualClock) -> Callable[..., Desk]:
    """Makes a venue; `rate` is off unless a test asks for it."""

    def make(**options: Any) -> Desk:
        options.setdefault("rate", 0)
        return Desk(create_venue(clock=clock, **options), clock)

    return make


@pytest.fixture
def desk(new_desk: Callable[..., Desk]) -> Desk:
    made = new_desk()
    made.price("59999.9", "60000.1", "60000")
    return made
