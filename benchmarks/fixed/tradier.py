"""Tradier: every order is taken for review and works.  Lists show what is open, and for a while what was ended."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from benchmarks.fixed.http import reply_of

ACCOUNT = "VA00000001"
SHOWN_AGAIN = 4  # lists that still show an order that has ended: other readers than the one that polls ask for them
TAKEN = b'{"order":{"id":%d,"status":"ok","partner_id":"3f2c9a4e-1b5d-4c7e-8f60-2d9b7a1c5e88"}}'
_ORDER = (
    b'{"id":%d,"type":"limit","symbol":"AAPL","side":"buy","quantity":2.00000000,"status":"%s","duration":"day",'
    b'"price":150.25,"avg_fill_price":0.00000000,"exec_quantity":0.00000000,"last_fill_price":0.00000000,'
    b'"last_fill_quantity":0.00000000,"remaining_quantity":%s,"create_date":"%s","transaction_date":"%s","class":"equity",'
    b'"tag":"%s"}'
)
_BALANCES = {
    "balances": {
        "option_short_value": 0, "total_equity": 1000000000, "account_number": ACCOUNT, "account_type": "margin", "close_pl": 0,
        "current_requirement": 0, "equity": 0, "long_market_value": 0, "market_value": 0, "open_pl": 0,
        "option_long_value": 0, "option_requirement": 0, "pending_orders_count": 0, "short_market_value": 0,
        "stock_long_value": 0, "total_cash": 1000000000, "uncleared_funds": 0, "pending_cash": 0,
        "margin": {
            "fed_call": 0, "maintenance_call": 0, "option_buying_power": 1000000000, "stock_buying_power": 2000000000,
            "stock_short_value": 0, "sweep": 0,
        },
    }
}  # fmt: skip
_PROFILE = {
    "profile": {
        "id": "id-bench", "name": "Pat Example",
        "account": {
            "account_number": ACCOUNT, "classification": "individual", "date_created": "2024-01-02T15:04:05.000Z",
            "day_trader": False, "option_level": 6, "status": "active", "type": "margin",
            "last_update_date": "2024-01-02T15:04:05.000Z",
        },
    }
}  # fmt: skip
_HOURS = {
    "status": "open", "description": "Market is open", "premarket": {"start": "00:00", "end": "00:00"},
    "open": {"start": "00:00", "end": "23:59"}, "postmarket": {"start": "23:59", "end": "23:59"},
}  # fmt: skip
_NEW_YORK = ZoneInfo("America/New_York")
_DAYS = 28  # of a month: every month has them, and none of our runs needs more


class Orders:
    """What is open, and what was ended last, by the venue's id: the client's tag and when it came."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1_000_001)
        self._open: dict[int, tuple[bytes, bytes]] = {}
        self._ended: dict[int, tuple[bytes, bytes]] = {}
        self._to_show = 0

    def accept(self, body: bytes) -> bytes:
        """The answer to an order; one without a tag is answered and forgotten."""
        number, tag = next(self._numbers), parse_qs(body).get(b"tag")
        if tag is not None:
            self._open[number] = tag[0], f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}".encode()
        return TAKEN % number

    def listed(self, query: bytes) -> bytes:
        """A page of the orders of the day, by `page` and `limit`.  What was ended is shown some times, and then gone."""
        asked = parse_qs(query)
        page, limit = (int(asked.get(name, [default])[0]) for name, default in ((b"page", b"1"), (b"limit", b"100")))
        told = [self._told(number, *kept, b"open") for number, kept in self._open.items()]
        if self._to_show:
            told += [self._told(number, *kept, b"canceled") for number, kept in self._ended.items()]
        shown = told[(page - 1) * limit : page * limit]
        if self._to_show and page * limit >= len(told):
            self._to_show -= 1
        return b'{"orders":{"order":[%s]}}' % b",".join(shown) if shown else b'{"orders":"null"}'

    def one(self, number: int) -> bytes | None:
        """The answer to the question about one order; None for one that is not known any more."""
        for orders, status in ((self._open, b"open"), (self._ended, b"canceled")):
            if number in orders:
                return b'{"order":%s}' % self._told(number, *orders[number], status)
        return None

    def end(self) -> int:
        """Cancel what is open; how many."""
        self._ended, self._open, self._to_show = self._open, {}, SHOWN_AGAIN
        return len(self._ended)

    @staticmethod
    def _told(number: int, tag: bytes, at: bytes, status: bytes) -> bytes:
        return _ORDER % (number, status, b"2.00000000" if status == b"open" else b"0.00000000", at, at, tag)


def _clock() -> object:
    now = datetime.now(UTC)
    told = {"date": f"{now.astimezone(_NEW_YORK):%Y-%m-%d}", "description": "Market is open", "state": "open"}
    return {"clock": {**told, "timestamp": int(now.timestamp()), "next_change": "23:59", "next_state": "postmarket"}}


def _quotes() -> object:
    at = int(datetime.now(UTC).timestamp() * 1000)
    quote = {
        "symbol": "AAPL", "description": "Apple Inc. Common Stock", "exch": "Q", "type": "stock", "last": 150.25, "change": 0,
        "volume": 515127, "open": 150.10, "high": 151.00, "low": 149.80, "close": None, "change_percentage": 0,
        "average_volume": 1000000, "last_volume": 500, "trade_date": at, "prevclose": 150.25, "week_52_high": 187.81,
        "week_52_low": 112.69, "bid": 150.20, "bidsize": 5, "bidexch": "Q", "bid_date": at, "ask": 150.30, "asksize": 5,
        "askexch": "Q", "ask_date": at, "root_symbols": "AAPL",
    }  # fmt: skip
    return {"quotes": {"quote": quote}}


def _calendar(query: bytes) -> object:
    now = datetime.now(UTC).astimezone(_NEW_YORK)
    asked = parse_qs(query)
    month, year = int(asked.get(b"month", [now.month])[0]), int(asked.get(b"year", [now.year])[0])
    last = max(_DAYS, now.day if (now.month, now.year) == (month, year) else 0)
    days = [{"date": f"{year}-{month:02}-{day:02}", **_HOURS} for day in range(1, last + 1)]
    return {"calendar": {"month": month, "year": year, "days": {"day": days}}}


_HERE = f"/v1/accounts/{ACCOUNT}".encode()
_READS: dict[bytes, Callable[[bytes], object]] = {
    _HERE + b"/balances": lambda _: _BALANCES,
    _HERE + b"/positions": lambda _: {"positions": "null"},
    b"/v1/user/profile": lambda _: _PROFILE,
    b"/v1/markets/clock": lambda _: _clock(),
    b"/v1/markets/calendar": _calendar,
    b"/v1/markets/quotes": lambda _: _quotes(),
}


_ONE = _HERE + b"/orders/"


def _nothing_at(path: bytes) -> bytes:
    return reply_of(b"404 Not Found", json.dumps({"message": f"nothing at {path.decode('latin-1')}"}).encode())


class Tradier:
    """`benchmarks.fixed.http.Venue`; it has no private stream."""

    def __init__(self) -> None:
        self._orders = Orders()

    def reply(self, method: bytes, target: bytes, body: bytes) -> bytes:
        path, _, query = target.partition(b"?")
        if path == _HERE + b"/orders" and method in (b"POST", b"GET"):
            return reply_of(b"200 OK", self._orders.accept(body) if method == b"POST" else self._orders.listed(query))
        if method == b"GET" and path.startswith(_ONE) and path[len(_ONE) :].isdigit():
            order = self._orders.one(int(path[len(_ONE) :]))
            return reply_of(b"200 OK", order) if order is not None else _nothing_at(path)
        read = _READS.get(path) if method == b"GET" else None
        if read is None:
            return _nothing_at(path)
        return reply_of(b"200 OK", json.dumps(read(query)).encode())

    def end(self) -> list[bytes]:
        """Nothing is told: lists show it."""
        self._orders.end()
        return []

    def on_message(self, message: dict[str, object]) -> dict[str, object]:
        return message
