"""A simulated TWS in the test's own process, and clients that write and read fields as the documents say."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.http import Request
from floorbroker_sim.ibkr.stream.session import Session
from floorbroker_sim.ibkr.venue import TwsVenue, create_venue

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
AAPL = ["265598", "AAPL", "STK", "", "0.0", "", "", "SMART", "", "USD", "", ""]
# The fields of `placeOrder` at 178 from `origin` on, for an order without legs, algorithm or conditions; see C5.
_TAIL = (
    "|0.0|||||||0||-1|{oca_type}|||0|||0|0||0||||||0||0|||0|0||||||||||0|||0|0|||{what_if}||0|0"
    "|0|0|||||||0|||||||||0|0|0|||0|0||"
)
_TAIL_178 = _TAIL.split("|")


class Desk:
    """One client of the venue, without a socket."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._at_s = 0.0

    def hear(self, *words: object, at_s: float | None = None) -> list[list[str]]:
        """Send one message; everything that came back, as fields."""
        self._at_s = self._at_s + 1 if at_s is None else at_s
        self.session.received("".join(f"{word}\0" for word in words).encode(), at_s=self._at_s)
        return self.told()

    def raw(self, body: bytes) -> list[list[str]]:
        self.session.received(body, at_s=self._at_s)
        return self.told()

    def told(self) -> list[list[str]]:
        """What waits for the client."""
        out: list[list[str]] = []
        while self.session.outbox.waiting:
            frame = self.session.outbox.pop()
            assert isinstance(frame, bytes)
            out.append(frame.decode().split("\0")[:-1])
        return out

    def place(self, number: int, **words: str) -> list[list[str]]:
        """A day limit buy of ten AAPL at 140, changed by `words`."""
        w = {
            "action": "BUY", "qty": "10", "kind": "LMT", "limit": "140", "aux": "", "tif": "DAY", "oca": "", "account": "",
            "ref": f"r-{number}", "transmit": "1", "parent": "0", "oca_type": "0", "what_if": "0",
        } | words  # fmt: skip
        head = [
            "3",
            str(number),
            *AAPL,
            "",
            "",
            w["action"],
            w["qty"],
            w["kind"],
            w["limit"],
            w["aux"],
            w["tif"],
            w["oca"],
        ]
        head += [w["account"], "", "0", w["ref"], w["transmit"], w["parent"], "0", "0", "0", "0", "0", "0"]
        return self.hear(*head, *(word.format(**w) for word in _TAIL_178))


def statuses(told: list[list[str]], number: int) -> list[str]:
    return [words[2] for words in told if words[0] == "3" and words[1] == str(number)]


def codes(told: list[list[str]]) -> list[tuple[int, int]]:
    """Request and code of every error."""
    return [(int(words[2]), int(words[3])) for words in told if words[0] == "4"]


class House:
    """A venue, its clock, its control door, and clients that come in."""

    def __init__(self, venue: TwsVenue, clock: ManualClock) -> None:
        self.venue = venue
        self.clock = clock
        self._per_s = 0

    def session(self, *, per_s: int = 0) -> Session:
        return Session(self.venue.state, per_s=per_s)

    def desk(self, client_id: int = 1, *, version: int = 178, per_s: int = 0) -> Desk:
        """A client that is in."""
        desk = Desk(self.session(per_s=per_s))
        desk.raw(f"v157..{version}".encode())
        desk.hear(71, 2, client_id, "")
        return desk

    def door(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        reply = self.venue.control_app.handle(
            Request(method=method, path=path, body=b"" if body is None else json.dumps(body).encode())
        )
        return reply.status, json.loads(reply.body) if reply.body else None

    def price(self, bid: str, ask: str, symbol: str = "AAPL") -> None:
        status, answer = self.door("POST", "/price", {"symbol": symbol, "bid": bid, "ask": ask, "last": bid})
        assert status == 204, answer


@pytest.fixture
def new_house() -> Callable[..., House]:
    def make(**options: Any) -> House:
        clock = ManualClock(START)
        house = House(create_venue(clock=clock, **options), clock)
        house.price("150.00", "150.02")
        return house

    return make


@pytest.fixture
def house(new_house: Callable[..., House]) -> House:
    return new_house()
