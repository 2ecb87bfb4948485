"""Two headers on each request; nothing is signed, so nothing depends on the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from floorbroker.domain.secret import Secret
from floorbroker.transport.types import Request

KEY_HEADER = "APCA-API-KEY-ID"
SECRET_HEADER = "APCA-API-SECRET-KEY"  # noqa: S105 - the header's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A key pair of one account in one environment; paper and live have their own."""

    key: Secret
    secret: Secret


def sign(request: Request, credentials: Credentials, now: datetime) -> Request:
    """The request with its two headers; `now` is not part of it.  Document: Trading API 2.0.1, securitySchemes."""
    del now
    return request.with_secrets({KEY_HEADER: credentials.key.reveal(), SECRET_HEADER: credentials.secret.reveal()})


def trading_login(credentials: Credentials) -> str:
    """The first message on /stream, in the form the official client sends."""
    data = {"key_id": credentials.key.reveal(), "secret_key": credentials.secret.reveal()}
    return msgspec.json.encode({"action": "authenticate", "data": data}).decode()


def data_login(credentials: Credentials) -> str:
    """The first message on a market data stream."""
    keys = {"key": credentials.key.reveal(), "secret": credentials.secret.reveal()}
    return msgspec.json.encode({"action": "auth", **keys}).decode()


def http_origin(url: str) -> str:
    """The origin of a URL of server-sent events, for the host table."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def socket_origin(url: str) -> str:
    """The origin of a WebSocket URL in its http form, for the host table."""
    parts = urlsplit(url)
    return f"{'https' if parts.scheme == 'wss' else 'http'}://{parts.netloc}"
