"""Our own side of the book figures: the native core and the Python reference, fed with the peers' frames.

python -m benchmarks.bookwork
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "peers"))  # where the peers' drivers stand, and what they share

from book_frames import Stream  # noqa: E402
from book_rounds import each, in_parts, taken  # noqa: E402

from benchmarks.peers.speak import Answer, prepare, serve  # noqa: E402
from floorbroker.domain.capability import BookProof, BookRules  # noqa: E402
from floorbroker.marketdata import Book  # noqa: E402
from floorbroker.marketdata.frames import binance, binance_whole  # noqa: E402
from floorbroker.marketdata.native import core  # noqa: E402

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
        return in_parts(native.book.put, [change(not side, price * UNIT[0], size * UNIT[1]) for side, price, size, _ in made])

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
