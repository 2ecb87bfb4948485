"""Our own side of the ingest figure: our WebSocket shell on uvloop, whose frames the books take, or a typed decoder.

python -m benchmarks.ingest
"""

from __future__ import annotations

import os
import time

import msgspec
import uvloop

from benchmarks.peers.speak import Answer, prepare, serve_async
from floorbroker.domain.clock import SystemClock
from floorbroker.marketdata.native import core
from floorbroker.transport.types import SocketTarget
from floorbroker.transport.ws import WsConnect

SYMBOL = "BTCUSDT"
WHOLE = b'{"lastUpdateId":0,"bids":[["1.00000000","1.00000000"]],"asks":[["99999.00000000","1.00000000"]]}'
LOOK_S = 0.001


class Depth(msgspec.Struct):
    """A depth update, as an adapter types it."""

    s: str
    U: int
    u: int
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]


class Counter:
    """Decodes and counts."""

    def __init__(self) -> None:
        self.heard = 0
        self._decode = msgspec.json.Decoder(Depth).decode

    def take(self, frame: bytes) -> bool:
        """Every frame is taken."""
        self._decode(frame)
        self.heard += 1
        return True


async def books(count: int) -> Answer:
    """The native core takes the frames off the socket: nanoseconds a message until the book has proven the last one."""
    found, clock = core(), SystemClock()
    assert found is not None
    kept = found.Books("binance", "chain")
    kept.whole(SYMBOL, WHOLE)
    book = kept.book(SYMBOL)
    socket = await WsConnect()(SocketTarget(url=os.environ["INGEST_URL"], tap=kept))
    began = time.perf_counter_ns()
    while book.tally[2] < count and book.tally[3] == 0:
        await clock.sleep(LOOK_S)
    took = time.perf_counter_ns() - began
    assert book.tally[3] == 0, book.reason
    await socket.close()
    return {"ns": took / count}


async def decoded(count: int) -> Answer:
    """A typed decoder takes them, and no book."""
    clock, counter = SystemClock(), Counter()
    socket = await WsConnect()(SocketTarget(url=os.environ["INGEST_URL"], tap=counter))
    began = time.perf_counter_ns()
    while counter.heard < count:
        await clock.sleep(LOOK_S)
    took = time.perf_counter_ns() - began
    await socket.close()
    return {"ns": took / count}


async def main() -> None:
    await serve_async({"books": books, "decoded": decoded}, "floorbroker", "picows", "uvloop")


if __name__ == "__main__":
    prepare(cpu=0)
    uvloop.run(main())
