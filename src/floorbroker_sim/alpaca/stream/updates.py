"""The trading stream, `/stream`: silent until the client introduces itself, then trade updates as JSON in binary frames.

https://docs.alpaca.markets/docs/websocket-streaming
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import msgspec

from floorbroker_sim.alpaca import wire
from floorbroker_sim.alpaca.auth import Keys
from floorbroker_sim.alpaca.rest.state import State
from floorbroker_sim.http import Outbox

STREAMS = frozenset({"trade_updates"})
_SLOW = 1008


class UpdatesSession:
    """One client of the trading stream."""

    def __init__(self, state: State, keys: Keys, *, msgpack: bool) -> None:
        self.outbox = Outbox()
        self.patience_s: float | None = None
        self._state = state
        self._keys = keys
        self._encode = (msgspec.msgpack if msgpack else msgspec.json).encode
        self._decode = (msgspec.msgpack if msgpack else msgspec.json).decode
        self._authorized = False
        self._streams: list[str] = []

    def opened(self) -> None:
        """Nothing is said before the client speaks."""
        self._state.listeners.updates.append(self._on_update)

    def closed(self) -> None:
        self._state.listeners.updates.remove(self._on_update)

    def impatient(self) -> None:
        """This stream waits for ever."""

    def received(self, data: bytes | str) -> None:
        """A frame of the client, text or binary."""
        try:
            message = self._decode(data.encode() if isinstance(data, str) else data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._say("error", {"code": 400, "error_message": "invalid syntax"})
            return
        fields = mapping_of(message)
        match fields.get("action"):
            case "authenticate":
                inner = mapping_of(fields.get("data"))
                self._authenticate(str(inner.get("key_id", "")), str(inner.get("secret_key", "")))
            case "auth":
                self._authenticate(str(fields.get("key", "")), str(fields.get("secret", "")))
            case "listen":
                self._listen(mapping_of(fields.get("data")).get("streams"))
            case action:
                self._say("error", {"code": 400, "error_message": f"unknown action: {action}"})

    def _authenticate(self, key: str, secret: str) -> None:
        self._authorized = self._keys.fit(key, secret)
        status = "authorized" if self._authorized else "unauthorized"
        self._say("authorization", {"status": status, "action": "authenticate"})

    def _listen(self, streams: object) -> None:
        if not self._authorized:
            self._say("authorization", {"status": "unauthorized", "action": "listen"})
            return
        wanted = cast("list[object]", streams) if isinstance(streams, list) else []
        self._streams = [str(name) for name in wanted if name in STREAMS]
        self._say("listening", {"streams": self._streams})

    def _on_update(self, update: wire.TradeUpdate) -> None:
        if "trade_updates" in self._streams:
            self._say("trade_updates", update)

    def _say(self, stream: str, data: object) -> None:
        if not self.outbox.put(self._encode({"stream": stream, "data": data})):
            self.outbox.close(_SLOW)


def mapping_of(value: object) -> Mapping[str, object]:
    """A decoded message as members; anything else has none."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}
