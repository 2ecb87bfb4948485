"""What each request carries, and what the brokerage session's status calls for.  Both pure.

The gateway keeps the log-in; a request to it holds no secret.  The WebSocket is opened with the session id of the last tickle.
Documents: interactivebrokers.com/campus/ibkr-api-page/cpapi-v1, sessions; IB REST API 2.20.0, brokerageSessionStatus.
"""

from __future__ import annotations

import json
from collections import deque
from datetime import datetime
from urllib.parse import urlsplit

from floorbroker.brokers.ibkr_web import wire
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Word
from floorbroker.transport.types import Request

AGENT = "floorbroker"
TAKEOVERS_MAX = 3
TAKEOVERS_S = 3600.0


def sign(request: Request, now: datetime) -> Request:
    """The request with the headers that the gateway wants; nothing is signed, and `now` is not part of it."""
    del now
    return request.with_secrets({"User-Agent": AGENT, "Accept": "application/json"})


def socket_cookie(session: Secret) -> str:
    """The Cookie header of the WebSocket, as the venue's gateway reads it."""
    return f"api={json.dumps({'session': session.reveal()})}"


def socket_origin(url: str) -> str:
    """The origin of a WebSocket URL in its http form, for the host table."""
    parts = urlsplit(url)
    return f"{'https' if parts.scheme == 'wss' else 'http'}://{parts.netloc}"


class Standing(Word):
    """Where the brokerage session stands."""

    OPEN = "open"
    LOST = "lost"  # the portal is alive, the brokerage session is not: it can be opened again
    TAKEN = "taken"  # a log-in elsewhere has it


def standing_of(status: wire.AuthStatus | None) -> Standing:
    """What a status says.  One that competes is not ours, whatever else it says; one that says nothing is lost."""
    if status is None:
        return Standing.LOST
    if status.competing:
        return Standing.TAKEN
    return Standing.OPEN if status.authenticated and status.connected is not False else Standing.LOST


class Takeovers:
    """How often the session may be taken back: a few times an hour, so that two log-ins do not fight for ever."""

    def __init__(self, *, allowed: bool) -> None:
        self._allowed = allowed
        self._made_s: deque[float] = deque()

    def may(self, now_s: float) -> bool:
        """Whether one more is allowed now."""
        while self._made_s and now_s - self._made_s[0] > TAKEOVERS_S:
            self._made_s.popleft()
        return self._allowed and len(self._made_s) < TAKEOVERS_MAX

    def count(self, now_s: float) -> None:
        """One was made."""
        self._made_s.append(now_s)
