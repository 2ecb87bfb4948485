"""Frames of the WebSocket, and what both sessions on it do: greet, watch, and keep alive.

    <- {"topic":"system","success":"user"}       or {"message":"waiting for session"} before it
    <- {"topic":"sts","args":{...}}              the brokerage session: authenticated or not
    -> sor+{} str+{...} smd+265598+{...}         subscribe
    <- {"topic":"system","hb":...}               every ten seconds
    -> tic                                       once a minute, and when it was quiet

Document: interactivebrokers.com/campus/ibkr-api-page/cpapi-v1, websockets.
"""

from __future__ import annotations

import msgspec

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.auth import Standing, standing_of
from floorbroker.transport.actions import Reconnect, Send

TIC = "tic"
TIC_S = 55.0
GREETING_S = 15.0
SILENCE_S = 35.0  # three heartbeats
_PROBE_S = 22.0


def read(frame: bytes) -> wire.Message:
    """One frame.  Raises `ApiError`."""
    return wire.decode(frame, wire.Message, what="a stream message")


def is_given(raw: msgspec.Raw) -> bool:
    """Whether a member was there and is not null."""
    return bytes(raw) not in (b"", b"null")


class Pulse:
    """Signs of life on one connection, by monotonic seconds."""

    def __init__(self) -> None:
        self._opened_s = self._heard_s = self._tic_s = 0.0
        self.is_up = False

    def opened(self, now_s: float) -> None:
        """A new connection."""
        self._opened_s = self._heard_s = self._tic_s = now_s
        self.is_up = False

    def heard(self, now_s: float) -> None:
        """A frame came."""
        self._heard_s = now_s

    def on_tick(self, now_s: float) -> list[Send | Reconnect]:
        """A `tic` when one is due; another connection when nothing came for too long, or no greeting."""
        if not self.is_up and now_s - self._opened_s > GREETING_S:
            return [Reconnect("the gateway opens no session on the stream")]
        quiet_s = now_s - self._heard_s
        if quiet_s > SILENCE_S:
            return [Reconnect(f"the stream said nothing for {SILENCE_S:g} s")]
        since_s = now_s - self._tic_s
        if since_s > TIC_S or (quiet_s > _PROBE_S and since_s > _PROBE_S):
            self._tic_s = now_s
            return [Send(TIC)]
        return []


def standing_in(message: wire.Message) -> Standing | None:
    """What an `sts` frame says of the brokerage session; None for one that says nothing of it.  Raises `ApiError`."""
    if not is_given(message.args):
        return None
    status = wire.decode(message.args, wire.AuthStatus, what="a session status")
    if status.authenticated is None and status.competing is None:
        return None
    return standing_of(status)
