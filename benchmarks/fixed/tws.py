"""TWS on its socket, at server version 178: every order is shown, and works.

Where no request of the protocol is meant, the same port takes `POST /bench/end`.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import cast

from benchmarks.fixed.http import reply_of

ACCOUNT = "DU0000001"
VERSION = 178
HELLO = b"API\0"
Words = Sequence[str]


def _fields(words: str) -> list[str]:
    return ["" if word == "." else word for word in words.split()]


_UNSET = "1.7976931348623157E308"
_CONTRACT = ("265598", "AAPL", "STK", "", "0.0", "", "", "SMART", "USD", "AAPL", "NMS")
_VALUES = (
    ("AccountCode", ACCOUNT, ""), ("AccountType", "INDIVIDUAL", ""), ("AccountReady", "true", ""), ("Currency", "USD", ""),
    ("NetLiquidation", "1000000000.00", "USD"), ("TotalCashValue", "1000000000.00", "USD"),
    ("SettledCash", "1000000000.00", "USD"), ("CashBalance", "1000000000.00", "USD"),
    ("TotalCashBalance", "1000000000.00", "USD"), ("EquityWithLoanValue", "1000000000.00", "USD"),
    ("GrossPositionValue", "0.00", "USD"), ("InitMarginReq", "0.00", "USD"), ("MaintMarginReq", "0.00", "USD"),
    ("FullInitMarginReq", "0.00", "USD"), ("FullMaintMarginReq", "0.00", "USD"),
    ("AvailableFunds", "1000000000.00", "USD"), ("FullAvailableFunds", "1000000000.00", "USD"),
    ("BuyingPower", "2000000000.00", "USD"), ("ExcessLiquidity", "1000000000.00", "USD"),
    ("FullExcessLiquidity", "1000000000.00", "USD"), ("RealizedPnL", "0.00", "USD"), ("UnrealizedPnL", "0.00", "USD"),
    ("ExchangeRate", "1.00", "USD"),
)  # fmt: skip
_FARMS = (
    ("2104", "Market data farm connection is OK:usfarm"), ("2106", "HMDS data farm connection is OK:ushmds"),
    ("2158", "Sec-def data farm connection is OK:secdefil"),
)  # fmt: skip
_TYPES = "ACTIVETIM,ALERT,COND,DAY,GTC,GTD,IOC,LMT,LOC,MIT,MKT,MOC,OPG,STP,STPLMT,TRAIL,TRAILLMT,WHATIF"
_PRICES = (("1", "150.2"), ("2", "150.3"), ("4", "150.25"), ("9", "150.25"))
# What an order of no further terms is shown with, before its status and behind it; a dot is an empty field.
_MIDDLE = _fields(
    "0 0 0.0 . . . . . . . . . . 0 . -1 0 . . . . . 0 0 0 0 . 0 "
    "0 0 . 0 0 . . . . 0 . . . . . . 0 0 0 . . . . 0 . . 0 0 . 0 0"
)
_TAIL = _fields(". . . . . 0 0 0 . . . . . . . 0 . . . . 0 0 0 0 . . 0 . . . . .")


def framed(words: Words) -> bytes:
    """The fields of one message as it stands on the wire."""
    body = "".join(f"{word}\0" for word in words).encode()
    return len(body).to_bytes(4, "big") + body


class Order:
    """One order as it was asked for: what the program shows of it, in either status."""

    def __init__(self, asked: Words, client: str, perm: int) -> None:
        self.order_id, self._client, self._perm = asked[1], client, str(perm)
        self._terms = (*asked[16:20], "", asked[21], "", asked[23] or ACCOUNT, "O", "0", asked[26])

    def shown(self, status: str) -> bytes:
        """openOrder and orderStatus."""
        left = "2" if status == "Submitted" else "0"
        head = ("5", self.order_id, *_CONTRACT, *self._terms, self._client, self._perm)
        told = (*head, *_MIDDLE, status, *[_UNSET] * 9, *_TAIL)
        standing = ("3", self.order_id, status, "0", left, "0", self._perm, "0", "0", self._client, "", "0")
        return framed(told) + framed(standing)


class Tws:
    """What all connections share."""

    def __init__(self) -> None:
        self._perms = itertools.count(1_000_000_001)
        self._lines: dict[Line, dict[str, Order]] = {}

    def join(self, line: Line) -> None:
        self._lines[line] = {}

    def leave(self, line: Line) -> None:
        self._lines.pop(line, None)

    def place(self, line: Line, asked: Words) -> bytes:
        """One order: it works at once."""
        order = Order(asked, line.client, next(self._perms))
        self._lines[line][order.order_id] = order
        return order.shown("Submitted")

    def listed(self, line: Line) -> bytes:
        """What is open of this line."""
        return b"".join(order.shown("Submitted") for order in self._lines[line].values())

    def end(self) -> int:
        """Cancel what is open, and tell each line of its own; how many."""
        count = 0
        for line, orders in self._lines.items():
            for order in orders.values():
                said = ("4", "2", order.order_id, "202", "Order Canceled - reason:", "")
                line.write(order.shown("Cancelled") + framed(said))
                count += 1
            orders.clear()
        return count


class Line(asyncio.Protocol):
    """One connection: of a program, or the one call that ends a round."""

    def __init__(self, program: Tws) -> None:
        self._program = program
        self._transport: asyncio.Transport | None = None
        self._held = b""
        self._greeted = False
        self.client = "0"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # loops give stream transports to a `Protocol`

    def connection_lost(self, exc: Exception | None) -> None:
        self._program.leave(self)

    def write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._held += data
        if not self._greeted and not self._greets():
            return
        while len(self._held) >= 4:
            end = 4 + int.from_bytes(self._held[:4], "big")
            if len(self._held) < end:
                return
            body, self._held = self._held[4:end], self._held[end:]
            self.write(self._answer(body.decode().split("\0")[:-1], body))

    def _greets(self) -> bool:
        if self._held.startswith(b"POST ") and b"\r\n\r\n" in self._held:
            self._held = b""
            self.write(reply_of(b"200 OK", b'{"ended":%d}' % self._program.end()))
            return False
        if not self._held.startswith(HELLO):
            return False
        self._held, self._greeted = self._held[len(HELLO) :], True
        self._program.join(self)
        return True

    def _answer(self, words: Words, body: bytes) -> bytes:
        if body.startswith(b"v"):
            return framed((str(VERSION), f"{datetime.now(UTC):%Y%m%d %H:%M:%S} UTC"))
        if words[0] == "71":
            self.client = words[2]
            farms = b"".join(framed(("4", "2", "-1", code, text, "")) for code, text in _FARMS)
            return framed(("15", "1", ACCOUNT)) + framed(("9", "1", "1")) + farms
        if words[0] == "3":
            return self._program.place(self, words)
        if words[0] in ("5", "16"):  # open orders, its own or everybody's
            return self._program.listed(self) + framed(("53", "1"))
        read = _READS.get(words[0])
        return b"" if read is None else read(words)


def _values(_: Words) -> bytes:
    rows = b"".join(framed(("6", "2", *row, ACCOUNT)) for row in _VALUES)
    return rows + framed(("54", "1", ACCOUNT))


def _values_multi(words: Words) -> bytes:
    rows = b"".join(framed(("73", "1", words[2], ACCOUNT, "", *row)) for row in _VALUES)
    return rows + framed(("74", "1", words[2]))


def _details(words: Words) -> bytes:
    today = f"{datetime.now(UTC):%Y%m%d}"
    hours = f"{today}:0000-{today}:2359"
    told = (
        "10", words[2], "AAPL", "STK", "", "0.0", "", "SMART", "USD", "AAPL", "NMS", "NMS", "265598", "0.01", "", _TYPES,
        "SMART,NASDAQ", "1", "0", "APPLE INC", "NASDAQ", "", "", "", "", "US/Eastern", hours, hours, "", "0", "0", "1", "", "",
        "26,26", "", "COMMON", "1", "1", "1",
    )  # fmt: skip
    return framed(told) + framed(("52", "1", words[2]))


def _ticks(words: Words) -> bytes:
    request = words[2]
    told = [("58", "1", request, "1"), ("81", request, "0.01", "9c0001", "3")]
    told += [("1", "6", request, kind, price, "500", "0") for kind, price in _PRICES]
    told.append(("46", "6", request, "45", str(int(datetime.now(UTC).timestamp()))))
    return b"".join(map(framed, told))


_READS: dict[str, Callable[[Words], bytes]] = {
    "1": _ticks,
    "6": _values,
    "7": lambda words: framed(("55", "1", words[2])),  # executions: none
    "9": _details,
    "49": lambda _: framed(("49", "1", str(int(datetime.now(UTC).timestamp())))),
    "61": lambda _: framed(("62", "1")),  # positions: none
    "76": _values_multi,
    "91": lambda words: framed(("93", words[1], "1", "0", "0.01")),  # a market rule: cents
    "99": lambda _: framed(("102",)),  # completed orders: none
}
