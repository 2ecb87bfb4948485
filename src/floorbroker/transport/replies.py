"""A reply that never ends: how one is asked for, what a refusal of it means, and a socket one can only listen to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import parse_qsl, urlsplit

from floorbroker.domain.errors import ApiError, AuthenticationFailed, Hint, NotSupported, RateLimitExceeded
from floorbroker.transport.types import ByteStream, Http, Lane, Request, SocketTarget

_NONE: Mapping[str, str] = MappingProxyType({})
_DENIED = frozenset({401, 403})
_TOO_MANY = 429
_PAUSE_S = 5.0


class Listened:
    """What every `Socket` over a reply does alike."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream

    async def send(self, data: bytes | str) -> None:
        """Raises `NotSupported`: nothing is sent over a reply."""
        raise NotSupported("nothing can be sent over a reply")

    async def close(self) -> None:
        await self._stream.close()


async def opened(http: Http, request: Request) -> ByteStream:
    """Raises `AuthenticationFailed` (401, 403), `RateLimitExceeded` (429), `ApiError` for any other status but 200, and what
    `Http.open_stream` raises.
    """
    stream = await http.open_stream(request)
    if stream.status == 200:
        return stream
    await stream.close()
    told = f"the stream was refused with status {stream.status}"
    if stream.status == _TOO_MANY:
        raise RateLimitExceeded(told, hint=Hint(retry_after_s=_PAUSE_S))
    raise (AuthenticationFailed if stream.status in _DENIED else ApiError)(told)


def asked_for(target: SocketTarget, headers: Mapping[str, str] = _NONE) -> Request:
    """A GET of `target.url` (http or https); `headers` are besides those of the target, which win."""
    parts = urlsplit(target.url)
    return Request(
        method="GET",
        origin=f"{parts.scheme}://{parts.netloc}",
        path=parts.path or "/",
        query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
        endpoint="stream",
        headers={**headers, **target.headers},
        lane=Lane.QUERY,
        timeout_s=target.timeout_s,
    )
