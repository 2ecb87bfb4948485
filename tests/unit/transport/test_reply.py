"""Replies from bytes: where they end, and what is no reply."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.transport.reply import ReplyFault, ReplyReader
from floorbroker.transport.types import Response

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Rate: 1\r\nX-Rate: 2\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: t\r\n\r\n"
)


def reader(max_head: int = 1024, max_body: int = 1024) -> ReplyReader:
    return ReplyReader(max_head=max_head, max_body=max_body)


def read(data: bytes) -> Response:
    reply = reader()
    assert reply.feed(data)
    return reply.take(0.0)


def test_a_reply_with_a_length_ends_there() -> None:
    got = read(PLAIN)
    assert (got.status, got.body, got.headers["x-rate"]) == (200, b"hello", "1, 2")


def test_a_chunked_reply_is_joined_and_its_trailers_are_no_headers() -> None:
    got = read(CHUNKED)
    assert (got.status, got.body) == (201, b"hello")
    assert "trailer" not in got.headers


@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
def test_interim_replies_are_skipped_with_their_headers(interim: bytes) -> None:
    got = read(b"HTTP/1.1 " + interim + b"\r\nLink: x\r\n\r\n" + PLAIN)
    assert (got.status, got.body) == (200, b"hello")
    assert "link" not in got.headers


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_a_body_need_no_length(status: int) -> None:
    assert read(f"HTTP/1.1 {status} X\r\n\r\n".encode()).body == b""


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n{}", "nothing tells where its body ends"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n{}", "nothing tells where its body ends"),
        (PLAIN + PLAIN, "more bytes follow"),
        (PLAIN + b"}", "more bytes follow"),
        (b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", "another protocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n{}", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "not HTTP"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "not HTTP"),
        (b"SSH-2.0-OpenSSH\r\n", "not HTTP"),
        (b"<html>garbage</html>", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 2000, "its head is longer"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 60, "its head is longer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"a" * 1100, "its body is longer"),
    ],
)
def test_a_reply_that_cannot_be_trusted_is_a_fault(data: bytes, reason: str) -> None:
    with pytest.raises(ReplyFault, match=reason):
        reader().feed(data)


@pytest.mark.parametrize("step", [1, 7, 99, 100, 101, 500])
@pytest.mark.parametrize(("value", "fits"), [(61, True), (62, False), (200, False)])
def test_a_head_is_bounded_however_it_comes(step: int, value: int, fits: bool) -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: " + b"a" * value + b"\r\n\r\nok"
    assert (data.index(b"ok") <= 104) == fits
    reply = reader(max_head=104)
    with nullcontext() if fits else pytest.raises(ReplyFault, match="its head is longer than 104 bytes"):
        for at in range(0, len(data), step):
            reply.feed(data[at : at + step])
    assert reply.complete == fits


def test_endless_trailers_are_a_fault() -> None:
    reply = reader(max_body=100)
    reply.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: ")
    reply.feed(b"a" * 1000)
    with pytest.raises(ReplyFault, match="it is longer"):
        reply.feed(b"a" * 1000)


def test_a_closing_reply_says_so() -> None:
    reply = reader()
    reply.feed(PLAIN)
    assert reply.keep_alive
    closing = reader()
    closing.feed(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    assert closing.complete
    assert not closing.keep_alive


def test_one_reader_reads_one_reply_after_the_other() -> None:
    reply = reader()
    for data in (PLAIN, CHUNKED, PLAIN):
        reply.begin()
        assert reply.feed(data)
        assert reply.take(0.0).body == b"hello"


@given(data=st.sampled_from([PLAIN, CHUNKED]), cuts=st.lists(st.integers(0, 120), max_size=8))
def test_how_the_bytes_are_cut_does_not_matter(data: bytes, cuts: list[int]) -> None:
    reply = reader()
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, end in pairwise(edges):
        complete = reply.feed(data[start:end])
        assert complete == (end == len(data))
    assert reply.take(0.0).body == b"hello"


@given(data=st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_fault(data: bytes) -> None:
    reply = reader(max_head=100, max_body=100)
    try:
        reply.feed(b"HTTP/1.1 200 OK\r\n" + data)
    except ReplyFault:
        return
    assert not reply.complete or reply.take(0.0).status == 200
