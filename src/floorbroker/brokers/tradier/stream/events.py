"""The account stream: it says that something happened to an order, and not to which symbol or side; so it has the orders polled.

    -> {"events":["order"],"sessionid":"...","excludeAccounts":[]}
    <- {"id":700500,"event":"order","status":"filled",...}
    <- {"event":"heartbeat","status":"active","timestamp":1772463905}

There is neither replay nor sequence.  A heartbeat comes about every minute (seen, not promised).  The venue calls it a beta.
Document: documentation.tradier.com/brokerage-api/streaming/wss-account-websocket.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from floorbroker.brokers.tradier import wire
from floorbroker.domain.errors import ApiError
from floorbroker.transport.actions import Action, Emit, Reconnect, Send
from floorbroker.transport.private import OrderEvent, Up

Actions = Sequence[Action[OrderEvent]]
_SILENCE_S = 180.0


class AccountSession:
    """`Session` of /v1/accounts/events.  `sessionid` is asked for at each opening; `stir` has the orders polled soon."""

    def __init__(self, *, sessionid: Callable[[], str], stir: Callable[[], None]) -> None:
        self._sessionid = sessionid
        self._stir = stir
        self._heard_s = 0.0

    def on_open(self, now_s: float) -> Actions:
        self._heard_s = now_s
        hello = {"events": ["order"], "sessionid": self._sessionid(), "excludeAccounts": []}
        self._stir()
        return [Send(msgspec.json.encode(hello).decode()), Emit(Up())]

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        del at
        self._heard_s = now_s
        if not frame.strip():
            return []
        try:
            event = wire.decode(frame, wire.AccountEvent, what="an account event")
        except ApiError as error:
            self._stir()  # it may have been about an order
            return [Reconnect(error.detail)]
        if event.error is not None:
            return [Reconnect("the account stream turned the session down")]
        if event.event != "heartbeat":
            self._stir()
        return []

    def on_tick(self, now_s: float) -> Actions:
        if now_s - self._heard_s <= _SILENCE_S:
            return []
        return [Reconnect(f"the account stream said nothing for {_SILENCE_S:g} s")]
