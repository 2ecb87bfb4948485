"""What both sockets have in common: signs of life, and the envelope of a request.

Once anything is subscribed the venue says something every second, a heartbeat if nothing else, so silence means that the line is
dead; it is asked with a ping before it is given up.
Document: docs.kraken.com/exchange/api-reference/spot-websocket-v2/ping.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from floorbroker.transport.actions import Reconnect, Send

SILENCE_S = 12.0
ANSWER_S = 10.0
_ENCODER = msgspec.json.Encoder(decimal_format="number")

PING = '{"method":"ping"}'


def request(method: str, params: Mapping[str, object], req_id: int | None = None) -> str:
    """A message as it is sent; numbers keep their digits."""
    body: dict[str, object] = {"method": method, "params": params}
    if req_id is not None:
        body["req_id"] = req_id
    return _ENCODER.encode(body).decode()


class Pulse:
    """When the other side last spoke, and whether it was asked if it is there."""

    def __init__(self) -> None:
        self._heard_s: float | None = None
        self._asked_s: float | None = None

    def hear(self, now_s: float) -> None:
        """A connection was opened, or something came over it."""
        self._heard_s, self._asked_s = now_s, None

    def watch(self, now_s: float) -> Sequence[Send | Reconnect]:
        """Called each second: a ping after a silence, and the end of a line that does not answer it."""
        if self._heard_s is None:
            return []
        if self._asked_s is not None:
            return [Reconnect("the stream does not answer")] if now_s - self._asked_s > ANSWER_S else []
        if now_s - self._heard_s > SILENCE_S:
            self._asked_s = now_s
            return [Send(PING)]
        return []
