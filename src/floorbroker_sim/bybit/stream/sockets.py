"""What all sockets of the venue have in common: JSON in, JSON out, pings, and silence that ends them.

https://bybit-exchange.github.io/docs/v5/ws/connect
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import cast

import msgspec

from floorbroker_sim.bybit import info
from floorbroker_sim.bybit.rest.state import State
from floorbroker_sim.http import Outbox

Message = Mapping[str, object]
_ENCODE = msgspec.json.Encoder(decimal_format="string").encode
_SLOW, _BYE = 1008, 1000


class Socket(ABC):
    """One client on one socket.  Subclasses answer what is not a ping."""

    def __init__(self, state: State, *, active_s: int | None = None) -> None:
        self.outbox = Outbox()
        self.patience_s: float | None = None
        self.state = state
        self.conn_id = f"c{state.settings.seed}-{state.next_frame()}"
        self._opened_at = state.clock.now()
        self._heard_at = self._opened_at
        self._idle_s = info.IDLE_S if active_s is None else active_s

    @property
    def symbols(self) -> set[str]:
        """What this client waits for, canonical."""
        return set()

    def opened(self) -> None:
        self.state.listeners.sockets.append(self)

    def closed(self) -> None:
        self.state.listeners.sockets.remove(self)

    def impatient(self) -> None:
        """Nobody has to introduce himself in time; silence is noticed by `tick`."""
        self.outbox.close(_BYE)

    def tick(self, at: datetime) -> None:
        """Time has come to `at`: who was silent for too long is cut off."""
        if (at - self._heard_at).total_seconds() >= self._idle_s:
            self.outbox.close(_BYE)

    def received(self, data: bytes | str) -> None:
        self._heard_at = self.state.clock.now()
        message = decoded(data)
        if message is None:
            self.bad_message()
        else:
            self.asked(message)

    @abstractmethod
    def asked(self, message: Message) -> None:
        """One message of the client."""

    @abstractmethod
    def bad_message(self) -> None:
        """What is not a JSON object."""

    def send(self, told: object) -> None:
        """Queue a frame; a client that does not read is let go."""
        if not self.outbox.put(_ENCODE(told).decode()):
            self.outbox.close(_SLOW)


def decoded(data: bytes | str) -> Message | None:
    """A JSON object; None for anything else."""
    try:
        message = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return cast("Message", message) if isinstance(message, dict) else None


def args_of(message: Message) -> list[object]:
    args = message.get("args")
    return cast("list[object]", args) if isinstance(args, list) else []


def topics_of(message: Message) -> list[str] | None:
    """The `args` of a subscription; None when they are no list of texts."""
    args = args_of(message)
    return [str(arg) for arg in args] if args and all(isinstance(arg, str) for arg in args) else None
