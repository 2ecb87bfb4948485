"""Bodies at the simulator: its control door, and the orders its venue takes.  One request a line: `METHOD PATH BODY`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.alpaca.auth import make_keys
from floorbroker_sim.alpaca.venue import AlpacaVenue, create_venue
from floorbroker_sim.control import ControlDoor
from floorbroker_sim.http import Reply, Request
from tests.fuzz.ledger import NOW
from tests.fuzz.target import Target

DECLARED = ()  # both doors answer every request
REQUESTS_MAX = 8
KEYS = make_keys(Random(1))
SIGNED: Mapping[str, str] = {"apca-api-key-id": KEYS.key, "apca-api-secret-key": KEYS.secret}


class Brisk:
    """The venue's truth, with a clock that moves an hour at most: what a year of market costs is not the door's doing."""

    def __init__(self, venue: AlpacaVenue) -> None:
        self._venue = venue
        self.orders, self.fills, self.positions = venue.orders, venue.fills, venue.positions
        self.force_fill, self.bust, self.correct = venue.force_fill, venue.bust, venue.correct
        self.now, self.reset = venue.now, venue.reset

    def set_price(self, symbol: str, bid: Decimal, ask: Decimal, last: Decimal | None) -> None:
        self._venue.set_price(symbol, bid, ask, last)

    def move_clock(self, moment: datetime) -> None:
        self._venue.move_clock(min(moment, self._venue.now() + timedelta(hours=1)))


def one_input(data: bytes) -> object:
    """The answers.  Each is JSON, and a refusal says what is wrong."""
    venue = create_venue(clock=ManualClock(NOW), rate=0, keys=KEYS)
    door = ControlDoor(Brisk(venue), gate=venue.app, plan=venue.plan)
    return [_answer(venue, door, line) for line in data.split(b"\n")[:REQUESTS_MAX]]


def _answer(venue: AlpacaVenue, door: ControlDoor, line: bytes) -> int:
    method, _, rest = line.partition(b" ")
    path, _, body = rest.partition(b" ")
    spelled = path.decode("latin-1")
    request = Request(
        method=method.decode("latin-1"),
        path=spelled,
        segments=tuple(spelled.strip("/").split("/")),
        headers=SIGNED,
        body=body,
    )
    venue.plan.decide("request", request.method, request.path, venue.now())
    venue.client_id(request)
    reply = venue.handle(request) if spelled.startswith("/v") else door.handle(request)
    return _checked(reply)


def _checked(reply: Reply) -> int:
    told = json.loads(reply.body) if reply.body else None
    if reply.status >= 400:
        assert told, "a refusal without a body"
        assert told.get("detail") or told.get("message"), "a refusal that does not say why"
    assert reply.status < 500, "a simulator that breaks"
    return reply.status


TARGET = Target(name="control_door", one_input=one_input, declared=DECLARED)
