"""One bearer token on each request; nothing is signed, so nothing depends on the clock.

Without `Accept: application/json` the venue answers in XML.
Document: documentation.tradier.com/brokerage-api/overview/authentication.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from floorbroker.domain.secret import Secret
from floorbroker.transport.types import Request

ACCEPT = {"Accept": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """An access token; production and sandbox have tokens of their own."""

    token: Secret


def sign(request: Request, credentials: Credentials, now: datetime) -> Request:
    """The request with its token; `now` is not part of it."""
    del now
    return request.with_secrets({"Authorization": f"Bearer {credentials.token.reveal()}"})


def socket_origin(url: str) -> str:
    """The origin of a WebSocket URL in its http form, for the host table."""
    parts = urlsplit(url)
    return f"{'https' if parts.scheme == 'wss' else 'http'}://{parts.netloc}"
