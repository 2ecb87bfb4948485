"""HTTP replies: bytes cut anywhere give the same reply, or the same refusal, as bytes in one piece."""

from __future__ import annotations

import re

from floorbroker.transport.reply import ReplyFault, ReplyReader
from floorbroker.transport.types import Response
from tests.fuzz.target import Target

DECLARED = ()  # a fault is an answer here, since both ways of reading must agree on it
MAX_HEAD, MAX_BODY = 2 * 1024, 2 * 1024
LENGTH = re.compile(rb"(Content-Length: )[0-9]+", re.IGNORECASE)


def read(chunks: list[bytes]) -> Response | str | None:
    """The reply, None when it is not complete, or how it is no reply."""
    reader = ReplyReader(max_head=MAX_HEAD, max_body=MAX_BODY)
    try:
        complete = [reader.feed(chunk) for chunk in chunks]
    except ReplyFault:
        return "fault"
    return reader.take(0.0) if complete and complete[-1] else None


def one_input(data: bytes) -> object:
    """The reply in these bytes.  The first byte says how they are cut."""
    step, wire = (data[0] % 64) + 1 if data else 1, data[1:]
    whole = read([wire])
    cut = read([wire[at : at + step] for at in range(0, len(wire), step)])
    assert cut == whole, "a reply depends on how its bytes are cut"
    if isinstance(whole, Response):
        assert len(whole.body) <= MAX_BODY, "a body over its bound"
        assert sum(len(name) + len(value) for name, value in whole.headers.items()) <= len(wire), (
            "headers out of nothing"
        )
    return whole


def fitting(data: bytes) -> bytes:
    """The input with the length of its body announced as it is."""
    head, gap, body = data.partition(b"\r\n\r\n")
    return LENGTH.sub(lambda match: match[1] + b"%d" % len(body), head) + gap + body


TARGET = Target(name="http_reply", one_input=one_input, declared=DECLARED, max_len=8 * 1024, repair=fitting)
