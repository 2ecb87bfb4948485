"""Order commands over the private socket: the `Dialect` of Kraken's trading methods.

A command is a `Request` whose path names the method and whose body holds its parameters; the token and the number are put in
as it leaves.  Answers are shaped like REST's envelope, so that one reader reads both.  The token outlives its 15 minutes only
while a private subscription is open, so each connection subscribes to balances, without their snapshot, before it takes commands.
Documents: docs.kraken.com/exchange/api-reference/spot-websocket-v2 (add_order, amend_order, cancel_order, cancel_all, batch_add).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from floorbroker.brokers.kraken import wire
from floorbroker.brokers.kraken.stream.pulse import PING, request
from floorbroker.domain.errors import ApiError
from floorbroker.domain.secret import Secret
from floorbroker.transport.order_socket import Answer, Ready, Refused, Told
from floorbroker.transport.types import Request, Response

METHODS = "/ws/"
ADD, AMEND, CANCEL, CANCEL_ALL, BATCH = "add_order", "amend_order", "cancel_order", "cancel_all", "batch_add"
_COMMANDS = frozenset({ADD, AMEND, CANCEL, CANCEL_ALL, BATCH})
_RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODER = msgspec.json.Encoder()
_LOG_IN_ID = 0  # commands are numbered from 1


class OrderDialect:
    """The `Dialect` of this venue.  `use` hands it the token of the next connection."""

    ping_s = 10.0

    def __init__(self) -> None:
        self._token = Secret("")

    def use(self, token: Secret) -> None:
        """The token of the connection about to be opened."""
        self._token = token

    def opening(self) -> Sequence[bytes | str]:
        params = {"channel": "balances", "snapshot": False, "token": self._token.reveal()}
        return [request("subscribe", params, _LOG_IN_ID)]

    def words(self, request: Request, number: int) -> bytes | str:
        """The command with its token and its number."""
        params = _RAW.decode(request.body or b"{}")
        params["token"] = msgspec.Raw(_ENCODER.encode(self._token.reveal()))
        body = {"method": request.path.removeprefix(METHODS), "params": params, "req_id": number}
        return _ENCODER.encode(body).decode()

    def ping(self) -> bytes | str:
        return PING

    def on_frame(self, frame: bytes) -> Sequence[Told]:
        try:
            message = wire.decode(frame, wire.Frame, what="a frame of the order socket")
        except ApiError:
            return []  # about nothing that can be named: whoever waits for an answer finds out by asking
        if message.method == "subscribe" and message.req_id == _LOG_IN_ID:
            return [Refused((message.error or "")[:200])] if message.success is False else [Ready()]
        if message.method in _COMMANDS and message.req_id:
            return [Answer(message.req_id, Response(status=200, body=_enveloped(message)))]
        return []


def _enveloped(message: wire.Frame) -> bytes:
    """As REST would answer.  Neither a success nor an error is an answer that proves nothing."""
    if message.success is None:
        return b""
    if not message.success:
        return _ENCODER.encode({"error": [message.error or "the venue gave no reason"]})
    result = message.result or msgspec.Raw(b"{}")
    return _ENCODER.encode({"error": [], "result": {"orders": result} if message.method == BATCH else result})
