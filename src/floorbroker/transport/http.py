"""The HTTP shell of reads, streams and downloads; the only file that imports aiohttp.

No redirects, no cookies, no proxy from the environment, our own time-outs, and a bound on every body.  aiohttp sends a
PUT or DELETE again when a reused connection breaks, so no command goes through here: only GET, and the POST that some
venues ask for in reads and logins, which it does not repeat.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from floorbroker.domain.errors import (
    ApiError,
    ConnectionFailed,
    InvalidRequest,
    Outcome,
    StreamLost,
    Timeout,
    VenueError,
)
from floorbroker.transport.message import check_headers, checked_target, parse_origin
from floorbroker.transport.reach import Resolve, assert_private, assert_verifies
from floorbroker.transport.types import Request, Response

_METHODS = frozenset({"GET", "POST"})
_CHUNK = 64 * 1024


class AioHttp:
    """`Http` on one aiohttp session; made and used inside one running loop, one for each venue."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        connections: int = 16,
        max_body: int = 32 * 1024 * 1024,
        connect_timeout_s: float = 5.0,
        resolve: Resolve | None = None,
    ) -> None:
        assert_verifies(tls)
        self._tls = tls
        self._resolve = resolve
        self._connections = connections
        self._max_body = max_body
        self._connect_timeout_s = connect_timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def send(self, request: Request) -> Response:
        """One reply, whole.  Raises `ConnectionFailed`, `Timeout`, or `ApiError` for a reply that cannot be used."""
        started = asyncio.get_running_loop().time()
        body = bytearray()
        reply = await self._read(request, body.extend, self._max_body)
        return Response(
            status=reply.status,
            headers=_headers(reply),
            body=bytes(body),
            elapsed_s=asyncio.get_running_loop().time() - started,
        )

    async def download(self, request: Request, *, into: Callable[[bytes], object], max_bytes: int) -> Response:
        """Hand the body of a 200 to `into` piece by piece, `max_bytes` at most; the response returned has no body.

        With any other status the body is in the response, as from `send`.
        """
        error_body = bytearray()
        reply = await self._read(request, into, max_bytes, otherwise=error_body.extend)
        return Response(status=reply.status, headers=_headers(reply), body=bytes(error_body))

    async def open_stream(self, request: Request) -> AioStream:
        """A reply whose body is read as it comes; `request.timeout_s` bounds the wait for its head alone."""
        try:
            async with asyncio.timeout(request.timeout_s):
                return AioStream(
                    await self._start(request, aiohttp.ClientTimeout(sock_connect=self._connect_timeout_s))
                )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _translated(error, request) from error

    async def close(self) -> None:
        """Close the session and its connections; later requests fail."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    async def _read(
        self,
        request: Request,
        into: Callable[[bytes], object],
        max_bytes: int,
        otherwise: Callable[[bytes], object] | None = None,
    ) -> aiohttp.ClientResponse:
        patience = aiohttp.ClientTimeout(total=request.timeout_s, sock_connect=self._connect_timeout_s)
        try:
            reply = await self._start(request, patience)
            async with reply:
                sink, bound = (
                    (into, max_bytes) if otherwise is None or reply.status == 200 else (otherwise, self._max_body)
                )
                await _pour(reply, sink, bound)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _translated(error, request) from error
        return reply

    async def _start(self, request: Request, patience: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        if request.method not in _METHODS:
            raise InvalidRequest(
                f"{request.endpoint}: the read shell sends GET and POST alone; commands have their own"
            )
        check_headers(request.headers)
        origin = parse_origin(request.origin)
        assert_private(origin.host, secure=origin.secure)
        url = URL(request.origin + checked_target(request), encoded=True)
        return await self._open_session().request(
            request.method,
            url,
            headers=request.headers,
            data=request.body or None,
            timeout=patience,
            allow_redirects=False,
        )

    def _open_session(self) -> aiohttp.ClientSession:
        if self._closed:
            raise ConnectionFailed("the client is closed")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._connections,
                    ssl=True if self._tls is None else self._tls,
                    resolver=None if self._resolve is None else _Resolver(self._resolve),
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Content-Type"),
                trust_env=False,
                read_bufsize=_CHUNK,
            )
        return self._session


class _Resolver(AbstractResolver):
    """Ours, as aiohttp asks for it; addresses written out are connected to without asking."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address.host,
                port=address.port,
                family=address.family,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self._resolve(host, port)
            if family in (socket.AF_UNSPEC, address.family)
        ]

    async def close(self) -> None:
        """Holds nothing."""


class AioStream:
    """`ByteStream`: chunks as they come; a break raises `StreamLost`, an honest end just ends."""

    def __init__(self, reply: aiohttp.ClientResponse) -> None:
        self._reply = reply
        self.status = reply.status
        self.headers: Mapping[str, str] = _headers(reply)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._reply.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise StreamLost(f"the stream broke: {type(error).__name__}") from error
        finally:
            self._reply.close()

    async def close(self) -> None:
        self._reply.close()


async def _pour(reply: aiohttp.ClientResponse, into: Callable[[bytes], object], max_bytes: int) -> None:
    """Chunk by chunk, after decompression, so that a small reply cannot become a large one in memory."""
    size = 0
    async for chunk in reply.content.iter_chunked(_CHUNK):
        size += len(chunk)
        if size > max_bytes:
            reply.close()
            raise ApiError(f"the reply is longer than {max_bytes} bytes")
        into(chunk)


def _headers(reply: aiohttp.ClientResponse) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in reply.headers.items():
        key = name.lower()
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return joined


def _translated(error: Exception, request: Request) -> VenueError:
    """Ours for theirs; their text may quote URLs and headers, so it stays behind."""
    kind = type(error).__name__
    if isinstance(error, TimeoutError):
        return Timeout(f"{request.endpoint}: no answer within {request.timeout_s:g} s")
    if isinstance(error, aiohttp.ClientConnectorError):
        return ConnectionFailed(f"{request.endpoint}: no connection ({kind})", outcome=Outcome.NOT_SENT)
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        return ConnectionFailed(f"{request.endpoint}: the connection broke ({kind})", outcome=Outcome.UNKNOWN)
    if isinstance(error, aiohttp.ClientPayloadError):
        return ConnectionFailed(f"{request.endpoint}: the reply was cut short ({kind})", outcome=Outcome.UNKNOWN)
    return ApiError(f"{request.endpoint}: the reply cannot be used ({kind})")
