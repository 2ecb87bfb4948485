"""One client on one connection, without the connection: bodies of frames in, bodies of frames out through `outbox`."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from floorbroker_sim.faults import Fault
from floorbroker_sim.http import Outbox
from floorbroker_sim.ibkr import errors, info
from floorbroker_sim.ibkr.codec import BadMessage, Reader, Word, body_of, words_of
from floorbroker_sim.ibkr.errors import Refused
from floorbroker_sim.ibkr.limits import Pace, Verdict
from floorbroker_sim.ibkr.rest import account
from floorbroker_sim.ibkr.rest.state import State
from floorbroker_sim.ibkr.stream.data import Feed
from floorbroker_sim.ibkr.stream.requests import ORDER_MESSAGES, ROUTES
from floorbroker_sim.ibkr.wire import frames
from floorbroker_sim.ibkr.wire.orders import read_placed
from floorbroker_sim.market import Tick

_VERSIONS = re.compile(rb"v(\d{2,4})(?:\.\.(\d{2,4}))?(?: .*)?")
_START_API = 71


class Named(NamedTuple):
    """What a message is called in fault plans and in the request log, and the client's own reference inside."""

    path: str
    client: str | None


class Session:
    """From the greeting to the end.  `version` is zero until both sides agreed, `client_id` below zero until it is known."""

    def __init__(self, state: State, *, per_s: int) -> None:
        self.state = state
        self.outbox = Outbox(limit=100_000)
        self.version = 0
        self.client_id = -1
        self.feed = Feed(state, self)
        self.wants_updates = False
        self.wants_positions = False
        self.summaries: dict[int, str] = {}
        self.pnl: dict[int, str] = {}  # request -> symbol, empty for the whole account
        self._pace = Pace(per_s)
        self._request = errors.NOBODY

    # --- Talking ------------------------------------------------------------------------------------------------------

    def send(self, words: list[Word]) -> None:
        """Queue a message; a client too slow to read is dropped."""
        if not self.outbox.put(body_of(words)):
            self.outbox.close(1008)

    def about(self, request: int) -> int:
        """Remember which request a refusal would be about."""
        self._request = request
        return request

    def refuse(self, refused: Refused, request: int = errors.NOBODY) -> None:
        self.send(frames.error(request, refused, self.version or info.MIN_VERSION))

    def tell_next_id(self) -> None:
        self.send([9, 1, self.state.highest.get(self.client_id, 0) + 1])

    # --- Listening ----------------------------------------------------------------------------------------------------

    def named(self, body: bytes) -> Named:
        """What a body is, without acting on it."""
        if not self.version:
            return Named("/hello", None)
        try:
            words = words_of(body)
            number = int(words[0])
        except (BadMessage, ValueError, IndexError):
            return Named("/unreadable", None)
        if number == _START_API:
            return Named("/startApi", None)
        name = ROUTES[number][0] if number in ROUTES else str(number)
        return Named(f"/{name}", self._reference(name, words))

    def _reference(self, name: str, words: list[str]) -> str | None:
        if name not in ORDER_MESSAGES or name == "cancelOrder":
            return None
        try:
            return read_placed(Reader(words[1:]), self.version).text("orderRef") or None
        except BadMessage:
            return None

    def received(self, body: bytes, *, at_s: float) -> None:
        """One message; `at_s` is any clock that only rises."""
        if not self.version:
            self._greet(body)
        elif self._pace_holds(at_s):
            self._hear(body)

    def _pace_holds(self, at_s: float) -> bool:
        verdict = self._pace.count(at_s)
        if verdict is Verdict.FINE:
            return True
        self.refuse(errors.pace())
        if verdict is Verdict.THROW_OUT:
            self.outbox.close()
        return verdict is not Verdict.THROW_OUT

    def _greet(self, body: bytes) -> None:
        """`v157..178`: the highest version both speak."""
        match = _VERSIONS.fullmatch(body.rstrip(b"\0"))
        lowest, highest = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        version = min(highest, info.MAX_VERSION)
        if version < max(lowest, info.MIN_VERSION):
            self.refuse(errors.too_old())
            self.outbox.close()
            return
        self.version = version
        self.send(frames.hello(version, self.state.clock.now()))

    def _hear(self, body: bytes) -> None:
        self._request = errors.NOBODY
        try:
            reader = Reader(words_of(body))
            number = reader.whole()
            if self.client_id < 0:
                self._start(number, reader)
                return
            self._dispatch(number, reader)
        except Refused as refused:
            self.refuse(refused, self._request)
        except BadMessage as error:
            self.refuse(errors.unreadable(str(error)), self._request)

    def _dispatch(self, number: int, reader: Reader) -> None:
        if number not in ROUTES:
            raise errors.unprocessed(f"there is no request of type {number}")
        name, handler = ROUTES[number]
        if name in ORDER_MESSAGES:
            self._request = reader.peek(1 if name == "cancelOrder" else 0)
        handler(self, reader)

    def _start(self, number: int, reader: Reader) -> None:
        """`startApi`: who the client is."""
        if number != _START_API:
            raise errors.unprocessed("startApi comes first")
        reader.text()
        client_id = reader.whole()
        if client_id < 0 or client_id in self.state.clients or len(self.state.clients) >= info.MAX_CLIENTS:
            self.refuse(errors.client_taken())
            self.outbox.close()
            return
        self.client_id = client_id
        self.state.clients[client_id] = self
        self.send([15, 1, self.state.account])
        self.tell_next_id()
        for code, text in info.FARMS:
            self.refuse(Refused(code, text))
        if not self.state.link_up:
            self.refuse(errors.link_lost())

    def fault(self, fault: Fault) -> None:
        """The venue's own words for a fault that refuses, as far as the socket has any."""
        if fault.what in {"throttle", "status"}:
            self.refuse(errors.pace())
        elif fault.what == "maintenance":
            self.refuse(errors.link_lost())
        else:
            self.outbox.close()

    def closed(self) -> None:
        """The connection is gone."""
        if self.state.clients.get(self.client_id) is self:
            del self.state.clients[self.client_id]

    # --- What happens at the venue ------------------------------------------------------------------------------------

    def priced(self, tick: Tick) -> None:
        self.feed.priced(tick)

    def account_changed(self, symbol: str) -> None:
        if self.wants_positions:
            self.send(account.position_words(self.state, symbol))
        if self.wants_updates:
            self.send(account.portfolio_words(self.state, symbol))
            for key, (value, currency) in account.values(self.state).items():
                self.send(frames.account_value(key, value, currency, self.state.account))
        for request, tags in self.summaries.items():
            for words in account.summary(self.state, request, tags):
                self.send(words)
        self._tell_pnl()

    def _tell_pnl(self) -> None:
        for request, symbol in self.pnl.items():
            words = (
                account.pnl_single_words(self.state, request, symbol)
                if symbol
                else account.pnl_words(self.state, request)
            )
            self.send(words)

    def second(self, at: datetime) -> None:
        """A second of the venue's time is over."""
        self._tell_pnl()
        if at.second % 5 == 0:
            self.feed.five_seconds()
        if at.second == 0:
            self.feed.minute(at)
