"""Alpaca: every order is accepted, with a new id and the client id of the request.  The private stream takes the log-in and is
silent but for the ends of orders.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime

from benchmarks.fixed.http import reply_of

_ASSET = "2c7f6a10-55d1-4f0e-8a39-6d1b4a0c9e77"
_ORDER = (
    b'{"id":"5b2f9a0e-0c6e-4a55-9f43-%012d","client_order_id":"%s","created_at":"2026-03-02T15:04:05.123456Z",'
    b'"updated_at":"2026-03-02T15:04:05.130211Z","submitted_at":"2026-03-02T15:04:05.123456Z","filled_at":null,'
    b'"expired_at":null,"expires_at":"2026-03-02T21:00:00Z","canceled_at":null,'
    b'"failed_at":null,'
    b'"replaced_at":null,"replaced_by":null,"replaces":null,"asset_id":"2c7f6a10-55d1-4f0e-8a39-6d1b4a0c9e77",'
    b'"symbol":"AAPL","asset_class":"us_equity","notional":null,"qty":"2","filled_qty":"0","filled_avg_price":null,'
    b'"order_class":"simple","order_type":"limit","type":"limit","side":"buy","position_intent":"buy_to_open",'
    b'"time_in_force":"day","limit_price":"150.25","stop_price":null,"status":"%s","extended_hours":false,'
    b'"legs":null,"trail_percent":null,"trail_price":null,"hwm":null,"subtag":null,"source":null}'
)
_ACCOUNT = {
    "id": "8f3c2b1a-7d4e-4c39-9b7a-2f6f1f0f5a11", "account_number": "PA3BENCHMARK", "status": "ACTIVE",
    "crypto_status": "ACTIVE", "currency": "USD", "cash": "1000000000", "equity": "1000000000",
    "last_equity": "1000000000", "portfolio_value": "1000000000", "buying_power": "2000000000",
    "regt_buying_power": "2000000000", "daytrading_buying_power": "0", "non_marginable_buying_power": "1000000000",
    "multiplier": "2", "initial_margin": "0", "maintenance_margin": "0", "long_market_value": "0",
    "short_market_value": "0", "options_trading_level": 3, "shorting_enabled": True, "trading_blocked": False,
    "transfers_blocked": False, "account_blocked": False, "trade_suspended_by_user": False,
    "pattern_day_trader": False, "daytrade_count": 0, "created_at": "2024-01-01T00:00:00Z",
}  # fmt: skip
_SHARE = {
    "id": _ASSET, "class": "us_equity", "exchange": "NASDAQ", "symbol": "AAPL", "name": "Apple Inc. Common Stock",
    "status": "active", "tradable": True, "marginable": True, "shortable": True, "easy_to_borrow": True,
    "fractionable": True, "attributes": [],
}  # fmt: skip
_CLIENT_ID = re.compile(rb'"client_order_id":\s*"([^"]{1,128})"')
_AFTER = re.compile(rb"after_order_id=[0-9a-f-]{24}([0-9]{12})")
PAGE = 500


class Orders:
    """The orders of clients who name them; the others are answered and forgotten."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._open: dict[int, bytes] = {}

    def accept(self, body: bytes) -> bytes:
        """The answer to POST /v2/orders: the id is new each time, the client's is given back."""
        number, named = next(self._numbers), _CLIENT_ID.search(body)
        if named is None:
            return _ORDER % (number, b"venue-%012d" % number, b"accepted")
        self._open[number] = named[1]
        return _ORDER % (number, named[1], b"accepted")

    def listed(self, query: bytes) -> bytes:
        """The answer to GET /v2/orders: a page of what is open, oldest first, behind `after_order_id`."""
        after = _AFTER.search(query)
        numbers = [number for number in self._open if after is None or number > int(after[1])]
        return b"[%s]" % b",".join(_ORDER % (n, self._open[n], b"accepted") for n in numbers[:PAGE])

    def end(self) -> list[bytes]:
        """Cancel what is open; what the private stream says of it."""
        update = b'{"stream":"trade_updates","data":{"event":"canceled","timestamp":"2026-03-02T15:04:06Z","order":%s}}'
        told = [update % (_ORDER % (number, named, b"canceled")) for number, named in self._open.items()]
        self._open.clear()
        return told


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _clock() -> dict[str, object]:
    now = _now()
    return {"timestamp": now, "is_open": True, "next_open": now, "next_close": now}


def _quotes() -> dict[str, object]:
    return {"quotes": {"AAPL": {"t": _now(), "ap": 150.30, "bp": 150.20, "as": 3, "bs": 2, "ax": "V", "bx": "V"}}}


_READS: dict[bytes, Callable[[], object]] = {
    b"/v2/account": lambda: _ACCOUNT,
    b"/v2/clock": _clock,
    b"/v2/assets/AAPL": lambda: _SHARE,
    b"/v2/stocks/quotes/latest": _quotes,
    b"/v2/positions": list,
    b"/v2/account/activities/FILL": list,
}


def answer(orders: Orders, method: bytes, target: bytes, body: bytes) -> bytes:
    """One HTTP reply; what nobody should ask is a 404 that names it."""
    path, _, query = target.partition(b"?")
    if path == b"/v2/orders" and method in (b"POST", b"GET"):
        return reply_of(b"200 OK", orders.accept(body) if method == b"POST" else orders.listed(query))
    read = _READS.get(path) if method == b"GET" else None
    if read is None:
        return reply_of(b"404 Not Found", json.dumps({"message": f"nothing at {path.decode('latin-1')}"}).encode())
    return reply_of(b"200 OK", json.dumps(read()).encode())


class Alpaca:
    """`benchmarks.fixed.http.Venue`."""

    def __init__(self) -> None:
        self._orders = Orders()

    def reply(self, method: bytes, target: bytes, body: bytes) -> bytes:
        return answer(self._orders, method, target, body)

    def end(self) -> list[bytes]:
        return self._orders.end()

    def on_message(self, message: dict[str, object]) -> dict[str, object]:
        return stream_answer(message)


def stream_answer(message: dict[str, object]) -> dict[str, object]:
    """The answer to a log-in or to a wish to listen."""
    if message.get("action") == "listen":
        return {"stream": "listening", "data": {"streams": ["trade_updates"]}}
    return {"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}}
