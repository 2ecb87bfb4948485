"""One header on each request; nothing is signed, so nothing depends on the clock.

Document: developer.oanda.com/rest-live-v20/introduction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from floorbroker.domain.secret import Secret
from floorbroker.transport.types import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A personal access token; practice and live have tokens of their own."""

    token: Secret


def sign(request: Request, credentials: Credentials, now: datetime) -> Request:
    """The request with its token; `now` is not part of it."""
    del now
    return request.with_secrets({"Authorization": f"Bearer {credentials.token.reveal()}"})


def http_origin(url: str) -> str:
    """The origin of a stream's URL, for the host table."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
