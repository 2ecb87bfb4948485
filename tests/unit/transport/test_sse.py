"""Server-sent events: the decoder, and the socket and connector around it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.errors import ApiError, AuthenticationFailed, NotSupported, RateLimitExceeded, StreamLost
from floorbroker.transport.http import AioHttp
from floorbroker.transport.sse import SseConnect, SseDecoder, SseEvent, SseSocket, SseTooLong
from floorbroker.transport.types import Frame, SocketTarget
from tests.support.hostile import Hostile, Peer, hostile

STREAM = b'\xef\xbb\xbf: hello\nid: 1\ndata: {"a":1}\n\nevent: trade\r\ndata: x\r\ndata:y\r\n\r\nid\rdata:  z\r\rretry: 1500\n\n'
EVENTS = [
    SseEvent(b"", comment=True),
    SseEvent(b'{"a":1}', id="1"),
    SseEvent(b"x\ny", event="trade", id="1"),
    SseEvent(b" z"),
]


def test_fields_events_comments_and_all_line_ends() -> None:
    decoder = SseDecoder()
    assert decoder.feed(STREAM) == EVENTS
    assert decoder.retry_ms == 1500


@given(cuts=st.lists(st.integers(1, len(STREAM) - 1)))
def test_how_the_bytes_are_cut_does_not_matter(cuts: list[int]) -> None:
    decoder = SseDecoder()
    edges = [0, *sorted(set(cuts)), len(STREAM)]
    events = [event for i in range(len(edges) - 1) for event in decoder.feed(STREAM[edges[i] : edges[i + 1]])]
    assert events == EVENTS


def test_an_event_that_is_not_finished_is_not_given() -> None:
    assert SseDecoder().feed(b"data: x\n") == []


@pytest.mark.parametrize("endless", [b"data: " + b"x" * 200, b"data: 0123456789\n" * 20, b"x" * 200])
def test_i24_an_endless_event_is_refused(endless: bytes) -> None:
    with pytest.raises(SseTooLong):
        SseDecoder(max_event=100).feed(endless)


@given(data=st.lists(st.binary(max_size=40), max_size=10))
def test_no_bytes_raise_anything_else(data: list[bytes]) -> None:
    decoder = SseDecoder(max_event=10_000)
    for chunk in data:
        assert all(isinstance(event.data, bytes) for event in decoder.feed(chunk))


class Chunks:
    """A ByteStream of given chunks."""

    status = 200

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk

    async def close(self) -> None:
        self.closed = True


@pytest.mark.asyncio
async def test_events_become_frames_and_comments_empty_ones() -> None:
    stream = Chunks(b": beat\n", b"data: 1\n\nda", b"ta: 2\n\n")
    socket = SseSocket(stream, max_event=100)
    assert [frame async for frame in socket] == [Frame(b"", True), Frame(b"1", True), Frame(b"2", True)]
    with pytest.raises(NotSupported):
        await socket.send("x")
    await socket.close()
    assert stream.closed


@pytest.mark.asyncio
async def test_too_long_an_event_loses_the_stream() -> None:
    with pytest.raises(StreamLost):
        _ = [frame async for frame in SseSocket(Chunks(b"data: " + b"x" * 200), max_event=100)]


@pytest.mark.asyncio
async def test_the_connector_listens_signed_and_resumes_after_the_last_event() -> None:
    async def push(server: Hostile, peer: Peer) -> None:
        await server.next_request(peer)
        number = str(len(server.requests)).encode()
        await peer.reply(
            b"id: " + number + b"\ndata: " + number + b"\n\n", headers="Content-Type: text/event-stream\r\n"
        )

    async with hostile(push) as server:
        http = AioHttp()
        connect = SseConnect(http)
        target = SocketTarget(url=f"{server.origin}/v2/events?since=2026-11-20T14%3A30%3A00Z", headers={"X-Key": "k"})
        for number in (b"1", b"2"):
            socket = await connect(target)
            assert [frame.data async for frame in socket] == [number]
            await socket.close()
        await http.close()
        first, second = server.requests
        assert first.target == "/v2/events?since=2026-11-20T14%3A30%3A00Z"
        assert (first.headers["x-key"], first.headers["accept"]) == ("k", "text/event-stream")
        assert "last-event-id" not in first.headers
        assert second.headers["last-event-id"] == "1"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("status", "kind"),
    [("401 No", AuthenticationFailed), ("500 Broken", ApiError), ("302 X", ApiError), ("429 No", RateLimitExceeded)],
)
async def test_a_refused_stream_says_why(status: str, kind: type[Exception]) -> None:
    async def refuse(server: Hostile, peer: Peer) -> None:
        await server.next_request(peer)
        await peer.reply(status=status)

    async with hostile(refuse) as server:
        http = AioHttp()
        with pytest.raises(kind):
            await SseConnect(http)(SocketTarget(url=f"{server.origin}/v2/events"))
        await http.close()
