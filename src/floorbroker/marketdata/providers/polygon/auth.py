"""A bearer token on each request, never in the query: URLs are written to logs.  Document: massive.com/docs/rest/quickstart."""

from __future__ import annotations

import msgspec

from floorbroker.domain.secret import Secret
from floorbroker.transport.types import Request


def sign(request: Request, key: Secret) -> Request:
    """The request with its key."""
    return request.with_secrets({"Authorization": f"Bearer {key.reveal()}"})


def login(key: Secret) -> str:
    """The first frame of a stream."""
    return msgspec.json.encode({"action": "auth", "params": key.reveal()}).decode()


def socket_origin(url: str) -> str:
    """The origin of a WebSocket URL in its http form, for the host table."""
    scheme, _, rest = url.partition("://")
    return f"{'https' if scheme == 'wss' else 'http'}://{rest.partition('/')[0]}"
