"""One client of the WebSocket: what it is told unasked, what it subscribed to, and the heartbeats between.

https://www.interactivebrokers.com/campus/ibkr-api-page/cpapi-v1/#websockets
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from floorbroker_sim.http import Outbox
from floorbroker_sim.ibkr_web import info
from floorbroker_sim.ibkr_web.mapping import millis
from floorbroker_sim.ibkr_web.rest import accounts, session
from floorbroker_sim.ibkr_web.rest.state import State
from floorbroker_sim.ibkr_web.stream import frames
from floorbroker_sim.ibkr_web.stream.frames import Text
from floorbroker_sim.ibkr_web.stream.market import MarketTopics
from floorbroker_sim.ibkr_web.stream.orders import OrderTopics
from floorbroker_sim.ibkr_web.stream.portfolio import PortfolioTopics

_ENCODE = msgspec.json.Encoder(decimal_format="number").encode
_SLOW = 1008
_OVER = 1000


class Socket:
    """A session without a socket.  `is_known` says whether its cookie names the gateway's session."""

    def __init__(self, state: State, *, is_known: bool, sockets: list[Socket]) -> None:
        self.outbox = Outbox()
        self.patience_s: float | None = None
        self._state = state
        self._is_known = is_known
        self._sockets = sockets
        self._orders = OrderTopics(state, self.say)
        self._market = MarketTopics(state, self.say)
        self._portfolio = PortfolioTopics(state, self.say)
        self._beat_s = state.clock.monotonic()
        self._topics: dict[str, Callable[[Text], None]] = {
            "tic": self._tic,
            **self._orders.topics,
            **self._market.topics,
            **self._portfolio.topics,
        }

    # --- The session --------------------------------------------------------------------------------------------------

    def opened(self) -> None:
        self._sockets.append(self)
        if not self._is_known:
            self.say({"message": "waiting for session"})
            return
        self._state.login.listeners.append(self._on_login)
        self._orders.listen()
        self._market.listen()
        self.say({"topic": "system", "success": self._state.username, "isFT": False, "isPaper": True})
        self.say({"topic": "act", "args": accounts.accounts_of(self._state)})
        self._tell_status()
        self._beat()

    def closed(self) -> None:
        self._sockets.remove(self)
        if self._is_known:
            self._state.login.listeners.remove(self._on_login)
            self._orders.leave()
            self._market.leave()

    def impatient(self) -> None:
        """Nobody has to introduce himself."""

    def received(self, data: bytes | str) -> None:
        text = data if isinstance(data, str) else data.decode("utf-8", "replace")
        found = frames.read(text)
        if found is None or found.topic not in self._topics:
            self.say({"error": f"unknown topic: {text[:64]}", "code": 400})
        elif self._is_known:
            self._topics[found.topic](found)

    def tick(self) -> None:
        """Time passed: heartbeats, what is told every so often, and subscriptions that end."""
        if not self._is_known:
            return
        self._market.tick()
        self._portfolio.tick()
        if self._state.clock.monotonic() - self._beat_s >= info.HEARTBEAT_S:
            self._beat()

    @property
    def symbols(self) -> set[str]:
        """Canonical symbols somebody waits for here."""
        return self._market.symbols

    def say(self, frame: object) -> None:
        """Queue a frame; a client that reads too slowly is let go."""
        if not self.outbox.put(_ENCODE(frame).decode()):
            self.outbox.close(_SLOW)

    # --- Unasked ------------------------------------------------------------------------------------------------------

    def _on_login(self) -> None:
        self._tell_status()
        if not self._state.login.authenticated:
            self._orders.drop()
            self._market.drop()
        if not self._state.login.connected:
            self.outbox.close(_OVER)

    def _tell_status(self) -> None:
        login = self._state.login
        args: dict[str, object] = {
            "authenticated": login.authenticated, "competing": login.competing, "message": "", "fail": "",
            **session.SERVER, "username": self._state.username,
        }  # fmt: skip
        self.say({"topic": "sts", "args": args})

    def _beat(self) -> None:
        self._beat_s = self._state.clock.monotonic()
        self.say({"topic": "system", "hb": millis(self._state.clock.now())})

    def notify(self, title: str, text: str) -> None:
        """A notification and a bulletin for people."""
        token = self._state.token()
        self.say({"topic": "ntf", "args": [{"id": token, "text": text, "title": title, "url": ""}]})
        self.say({"topic": "blt", "args": {"id": token, "message": text}})

    def _tic(self, _text: Text) -> None:
        state = self._state
        self.say({"topic": "tic", "alive": True, "id": state.login.session, "lastAccessed": millis(state.clock.now())})
