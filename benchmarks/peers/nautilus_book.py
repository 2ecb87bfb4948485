"""nautilus_trader's book (Rust): its Binance adapter's way from bytes to the best prices, and one delta a call."""

from __future__ import annotations

import msgspec
from book_frames import Change, Stream
from book_rounds import each, in_parts, taken
from nautilus_trader.adapters.binance.common.schemas.market import BinanceOrderBookData
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import BookOrder, OrderBookDelta
from nautilus_trader.model.enums import BookAction, BookType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity
from speak import Answer, prepare, serve

MANY = 10**9
ID = InstrumentId.from_str("BTCUSDT.BINANCE")
ACTIONS = (BookAction.UPDATE, BookAction.ADD, BookAction.DELETE)
SIDES = (OrderSide.BUY, OrderSide.SELL)


def delta(change: Change) -> OrderBookDelta:
    """One change, as this library wants it."""
    side, price, size, kind = change
    order = BookOrder(SIDES[side], Price(price / 100, 2), Quantity(size / 1e5, 5), 0)
    return OrderBookDelta(ID, ACTIONS[kind], order, 0, 0, 0, 0)


def filled(stream: Stream) -> OrderBook:
    """A book of its own, as it stands before any change."""
    book = OrderBook(ID, BookType.L2_MBP)
    for change in stream.snapshot:
        book.apply_delta(delta(change))
    return book


def main() -> None:
    prepare(cpu=0)
    framed, changed = Stream(), Stream()
    book, other = filled(framed), filled(changed)
    frames = framed.frames(MANY)
    decode = msgspec.json.Decoder(BinanceOrderBookData).decode

    def one(frame: bytes) -> object:
        book.apply_deltas(decode(frame).parse_to_order_book_deltas(ID, 0))
        return book.best_bid_price(), book.best_ask_price()

    def updates(count: int) -> Answer:
        return in_parts(other.apply_delta, [delta(changed.change()) for _ in range(count)])

    def best(_: int) -> Answer:
        return {"bid": round(float(book.best_bid_price()) * 100), "ask": round(float(book.best_ask_price()) * 100)}

    rounds = {
        "frames": lambda count: in_parts(one, taken(frames, count)),
        "each": lambda count: each(one, taken(frames, count)),
        "updates": updates,
        "best": best,
    }
    serve(rounds, "nautilus_trader")


main()
