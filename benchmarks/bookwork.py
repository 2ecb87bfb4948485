"""Our own side of the book figures: the native core and the Python reference, fed with the peers' frames.

python -m benchmarks.bookwork
"""

from __future__ import annotations

import asyncio
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "peers"))  # where the peers' drivers stand, and what they share

from book_frames import Stream
from book_rounds import each, in_parts, taken

from benchmarks.peers.speak import Answer, prepare, serve
from floorbroker.domain.capability import BookProof, BookRules
from floorbroker.domain.clock import SystemClock
from floorbroker.marketdata import Book, RawBooks, Watch
from floorbroker.marketdata.frames import binance, binance_whole
from floorbroker.marketdata.native import core

MANY = 10**9
SYMBOL = "BTCUSDT"
RULES = BookRules(proof=BookProof.CHAIN, frames="binance")
UNIT = (10**6, 1_000)  # of the stream's prices and sizes, in the eight decimals of the frames


class Native:
    """The core's books, one of which the frames are about."""

    def __init__(self, stream: Stream) -> None:
        found = core()
        assert found is not None
        self.books = found.Books("binance", "chain")
        self.books.whole(SYMBOL, stream.whole())
        self.book = self.books.book(SYMBOL)

    def one(self) -> Callable[[bytes], object]:
        """A frame, to the best bid and ask."""
        return self.books.top

    def best(self, count: int) -> Answer:
        """As the peers say it, to prove that it is the same book."""
        bid, ask = self.book.best()
        assert bid is not None
        assert ask is not None
        proven, failed = self.book.tally[2:4]
        return {"bid": bid[0] // UNIT[0], "ask": ask[0] // UNIT[0], "proven": proven, "failed": failed}


class Reference:
    """The same by Python alone."""

    def __init__(self, stream: Stream) -> None:
        self.book = Book(SYMBOL, RULES)
        self.book.update(binance_whole(stream.whole()))

    def one(self) -> Callable[[bytes], object]:
        """A frame, to the best bid and ask."""
        update, best = self.book.update, self.book.best_raw

        def take(frame: bytes) -> object:
            for _, told in binance(frame):
                update(told)
            return best()

        return take

    def best(self, count: int) -> Answer:
        """As the peers say it."""
        bid, ask = self.book.best_raw()
        assert bid is not None
        assert ask is not None
        tally = self.book.tally
        return {"bid": bid[0] // UNIT[0], "ask": ask[0] // UNIT[0], "proven": tally.proven, "failed": tally.failed}


def updates() -> Callable[[int], Answer]:
    """One level a call, of a book of its own."""
    stream = Stream()
    native = Native(stream)
    found = core()
    assert found is not None
    change = found.Change

    def run(count: int) -> Answer:
        made = [stream.change() for _ in range(count)]
        return in_parts(
            native.book.put, [change(not side, price * UNIT[0], size * UNIT[1]) for side, price, size, _ in made]
        )

    return run


def main() -> None:
    prepare(cpu=0)
    streams = {name: Stream() for name in ("native", "python", "many")}
    native, python, many = Native(streams["native"]), Reference(streams["python"]), Native(streams["many"])
    frames = {name: stream.frames(MANY) for name, stream in streams.items()}
    one, slow, batch = native.one(), python.one(), many.books.apply_many
    serve(
        {
            "native": lambda count: in_parts(one, taken(frames["native"], count)),
            "native_each": lambda count: each(one, taken(frames["native"], count)),
            "native_best": native.best,
            "python": lambda count: in_parts(slow, taken(frames["python"], count)),
            "python_each": lambda count: each(slow, taken(frames["python"], count)),
            "python_best": python.best,
            "many": lambda count: _batched(batch, taken(frames["many"], count)),
            "updates": updates(),
            "stream": lambda count: asyncio.run(stream(count)),
            "memory": memory,
            "depth": depth,
        },
        "floorbroker",
        "msgspec",
    )


def _batched(batch: Callable[[list[bytes]], object], frames: list[bytes]) -> Answer:
    size = len(frames) // 100
    told = in_parts(batch, [frames[at : at + size] for at in range(0, len(frames), size)][:100])
    return {"ns": told["ns"] / size}


async def stream(count: int) -> Answer:
    """Frames a second through decoder, book and a consumer on one processor; the consumer has a turn every hundred frames.

    Nothing is queued: what the consumer did not see one by one it is told of.
    """
    source = Stream()
    books = RawBooks(RULES, told=lambda _symbol, _verdict: watch.ring())
    book = books.open("BTC/USDT", SYMBOL)
    book.update(binance_whole(source.whole()))
    watch = Watch(book, depth=5, on_close=lambda _watch: None)
    frames, at = list(source.frames(count)), SystemClock().now()
    seen: list[int] = []

    async def consume() -> None:
        async for view in watch:
            assert view.best_bid is not None
            seen.append(view.conflated)

    consumer = asyncio.ensure_future(consume())
    await asyncio.sleep(0)
    began = time.perf_counter()
    for number, frame in enumerate(frames):
        books.on_frame(frame, at)
        if number % 100 == 99:
            await asyncio.sleep(0)
    took = time.perf_counter() - began
    watch.close()
    await consumer
    assert book.tally.proven == count
    return {"per_s": count / took, "views": len(seen), "conflated": sum(seen)}


def memory(count: int) -> Answer:
    """Bytes of one book of `count` levels a side."""
    stream = Stream(span=2 * count)
    native = Native(stream)
    tracemalloc.start()
    kept = Reference(stream)
    python = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return {"native": native.book.nbytes, "python": python, "levels": len(kept.book.raw(10**6)[0])}


def depth(count: int) -> Answer:
    """Nanoseconds of a frame at `count` levels a side."""
    found: Answer = {}
    for name, kind in (("native", Native), ("python", Reference)):
        stream = Stream(span=2 * count)
        one, frames = kind(stream).one(), stream.frames(MANY)
        in_parts(one, taken(frames, 100))
        found[name] = in_parts(one, taken(frames, 1_000))["ns"]
    return found


if __name__ == "__main__":
    main()
