"""Streams of lines: whole messages however they are cut, and why a stream was refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    FloorbrokerError,
    NotSupported,
    RateLimitExceeded,
    StreamLost,
)
from floorbroker.transport.lines import LineConnect, LineDecoder, LineSocket, LineTooLong
from floorbroker.transport.types import ByteStream, Frame, Request, Response, SocketTarget


class Chunks:
    """A reply in pieces."""

    def __init__(self, *chunks: bytes, status: int = 200) -> None:
        self.status = status
        self._chunks = chunks
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk

    async def close(self) -> None:
        self.closed = True


class FakeHttp:
    """A read shell with one stream in it."""

    def __init__(self, stream: Chunks) -> None:
        self._stream = stream
        self.asked: list[Request] = []

    async def open_stream(self, request: Request) -> ByteStream:
        self.asked.append(request)
        return self._stream

    async def send(self, request: Request) -> Response:
        raise AssertionError(request)

    async def close(self) -> None: ...


@given(
    st.lists(st.binary(min_size=1, max_size=12).filter(lambda b: b"\n" not in b and b == b.strip()), max_size=8),
    st.data(),
)
def test_lines_come_whole_however_they_are_cut(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\r\n" for line in lines)
    decoder, found = LineDecoder(), list[bytes]()
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += decoder.feed(stream[:size])
        stream = stream[size:]
    assert found == lines


def test_a_line_beyond_the_bound_is_refused_before_its_end_comes() -> None:
    decoder = LineDecoder(max_line=10)
    assert decoder.feed(b"1234567890") == []
    with pytest.raises(LineTooLong):
        decoder.feed(b"1")
    with pytest.raises(LineTooLong):
        LineDecoder(max_line=2).feed(b"123\n")


@pytest.mark.asyncio
async def test_lines_are_frames_and_nothing_can_be_sent() -> None:
    stream = Chunks(b'{"a":1}\n\n{"b"', b":2}\n")
    socket = LineSocket(stream, max_line=100)
    assert [frame async for frame in socket] == [Frame(b'{"a":1}', text=True), Frame(b'{"b":2}', text=True)]
    with pytest.raises(NotSupported):
        await socket.send("x")
    await socket.close()
    assert stream.closed
    with pytest.raises(StreamLost):
        _ = [frame async for frame in LineSocket(Chunks(b"x" * 200), max_line=100)]


@pytest.mark.asyncio
async def test_the_connector_asks_signed_for_what_the_address_says() -> None:
    http = FakeHttp(Chunks(b"1\n"))
    connect = LineConnect(http, sign=lambda request: request.with_secrets({"Authorization": "t"}))
    socket = await connect(SocketTarget(url="https://stream.example/v3/x?instruments=A%2CB"))
    assert [frame.data async for frame in socket] == [b"1"]
    (request,) = http.asked
    assert (request.method, request.origin, request.path) == ("GET", "https://stream.example", "/v3/x")
    assert (request.query, request.headers["Authorization"]) == ((("instruments", "A,B"),), "t")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, AuthenticationFailed), (403, AuthenticationFailed), (429, RateLimitExceeded), (500, ApiError)],
)
async def test_a_refused_stream_says_why(status: int, kind: type[FloorbrokerError]) -> None:
    stream = Chunks(status=status)
    with pytest.raises(kind):
        await LineConnect(FakeHttp(stream))(SocketTarget(url="https://stream.example/v3/x"))
    assert stream.closed
