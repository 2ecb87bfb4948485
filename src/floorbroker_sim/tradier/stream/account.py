"""Account events over a WebSocket: orders as they change, and a heartbeat.  There is no replay and no sequence.

https://documentation.tradier.com/brokerage-api/streaming/wss-account-websocket
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from floorbroker_sim.http import Outbox
from floorbroker_sim.tradier import wire
from floorbroker_sim.tradier.mapping import order_event
from floorbroker_sim.tradier.rest.records import Record
from floorbroker_sim.tradier.rest.sessions import fits
from floorbroker_sim.tradier.rest.state import State

_ENCODE = msgspec.json.Encoder(decimal_format="number").encode
_POLICY = 1008
PATIENCE_S = 30.0


class AccountSession:
    """One client of the account stream.  It hears nothing before it has named its session."""

    def __init__(self, state: State) -> None:
        self.outbox = Outbox()
        self.patience_s: float | None = PATIENCE_S
        self._state = state
        self._hears = False

    def opened(self) -> None:
        """The client speaks first."""

    def impatient(self) -> None:
        if not self._hears:
            self._fail("no session id was sent")

    def received(self, data: bytes | str) -> None:
        try:
            wish = msgspec.json.decode(data, type=wire.AccountWish)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._fail("the message is not valid")
            return
        if not self._hears and not fits(self._state, wish.sessionid, "account"):
            self._fail("session not found")
            return
        self._leave()
        if self._state.keys.account not in wish.excluded:
            if "order" in wish.events:
                self._state.listeners.orders.append(self._on_order)
            self._state.listeners.beats.append(self._on_beat)
            self._hears = True

    def closed(self) -> None:
        self._leave()

    def _leave(self) -> None:
        listeners = self._state.listeners
        listeners.orders[:] = [one for one in listeners.orders if one != self._on_order]
        listeners.beats[:] = [one for one in listeners.beats if one != self._on_beat]

    def _on_order(self, record: Record) -> None:
        self._say(_ENCODE(order_event(record, self._state.keys.account)).decode())

    def _on_beat(self, at: datetime) -> None:
        beat = {"event": "heartbeat", "status": "active", "timestamp": int(at.timestamp())}
        self._say(_ENCODE(beat).decode())

    def _fail(self, text: str) -> None:
        self.outbox.put(_ENCODE({"error": text}).decode())
        self.outbox.close(_POLICY)

    def _say(self, frame: str) -> None:
        if not self.outbox.put(frame):
            self.outbox.close(_POLICY)
