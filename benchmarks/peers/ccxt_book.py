"""ccxt.pro's own handler of Binance's depth stream, from bytes to its book's best prices, as floats."""

from __future__ import annotations

import ccxt.pro
import orjson
from book_frames import FIRST, Stream
from book_rounds import each, in_parts, taken
from speak import Answer, prepare, serve

MANY = 10**9
MARKET = {
    "id": "BTCUSDT", "lowercaseId": "btcusdt", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT", "baseId": "BTC",
    "quoteId": "USDT", "active": True, "type": "spot", "spot": True, "contract": False, "swap": False, "future": False,
    "option": False, "margin": False, "precision": {"amount": 1e-5, "price": 0.01}, "limits": {}, "info": {},
}  # fmt: skip


class Client:
    """What the handler touches of a connection."""

    url = "wss://stream.binance.com:9443/ws/0"

    def __init__(self) -> None:
        self.subscriptions: dict[str, object] = {}
        self.futures: dict[str, object] = {}
        self.lastPong = 0

    def resolve(self, result: object, _: str) -> object:
        return result

    def reject(self, error: Exception, _: str | None = None) -> None:
        raise error


def main() -> None:
    prepare(cpu=0)
    exchange = ccxt.pro.binance({"enableRateLimit": False})
    exchange.set_markets([exchange.safe_market_structure(MARKET)])
    stream = Stream()
    sides = [
        [[price / 100, size / 1e5] for side, price, size, _ in stream.snapshot if side == wanted] for wanted in (0, 1)
    ]
    book = exchange.order_book(
        {"nonce": FIRST, "symbol": "BTC/USDT", "timestamp": None, "bids": sides[0], "asks": sides[1]}, 100_000
    )
    exchange.orderbooks["BTC/USDT"] = book
    client, decode, handle = Client(), orjson.loads, exchange.handle_message
    frames = stream.frames(MANY)

    def one(frame: bytes) -> object:
        handle(client, decode(frame))
        return book["bids"][0], book["asks"][0]

    def best(_: int) -> Answer:
        return {"bid": round(book["bids"][0][0] * 100), "ask": round(book["asks"][0][0] * 100)}

    rounds = {
        "frames": lambda count: in_parts(one, taken(frames, count)),
        "each": lambda count: each(one, taken(frames, count)),
        "best": best,
    }
    serve(rounds, "ccxt", "orjson")


main()
