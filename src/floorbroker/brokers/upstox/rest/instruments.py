"""The files of instruments: one for each exchange, zipped JSON of some ten thousand rows, read in pieces.

A piece is decoded at a time, so that nothing waits for the whole; a file that grows beyond any sense, or is none, is an error.
Document: upstox.com/developer/api-documentation/instruments.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from floorbroker.brokers.upstox import wire
from floorbroker.brokers.upstox.info import BROKER
from floorbroker.domain.errors import ApiError

STEP = 1 << 16
SIZE_MAX = 1 << 28
_ROW_MAX = 1 << 16
_GZIP = 31  # window bits of zlib for a gzip header
_BETWEEN = b"},"
_ZIPPED = b"\x1f\x8b"


def pieces(data: bytes) -> Iterator[list[wire.Row]]:
    """The rows of a file, some at a time.  Raises `ApiError` for what is no such file."""
    rest, told = b"", 0
    for text in _text(data):
        told += len(text)
        if told > SIZE_MAX:
            raise ApiError("the file of instruments is too large", broker=BROKER)
        rest += text
        if len(rest) > _ROW_MAX + STEP:
            raise ApiError("the file of instruments has a row without an end", broker=BROKER)
        cut = rest.rfind(_BETWEEN)
        if cut >= 0:
            yield _rows(rest[: cut + 1], closes=True)
            rest = b"[" + rest[cut + 2 :]
    yield _rows(rest, closes=False)


def _rows(part: bytes, *, closes: bool) -> list[wire.Row]:
    found: list[wire.Row] = wire.decode(part + b"]" if closes else part, list[wire.Row], what="the file of instruments")
    return found


def _text(data: bytes) -> Iterator[bytes]:
    """What is zipped, or was unzipped on its way already."""
    if not data.startswith(_ZIPPED):
        yield from (data[at : at + STEP] for at in range(0, len(data), STEP))
        return
    reader = zlib.decompressobj(_GZIP)
    try:
        while data and not reader.eof:
            yield reader.decompress(data, STEP)
            data = reader.unconsumed_tail
        yield reader.flush()
    except zlib.error as error:
        raise ApiError("the file of instruments cannot be unzipped", broker=BROKER) from error
    if not reader.eof:
        raise ApiError("the file of instruments ends too soon", broker=BROKER)
