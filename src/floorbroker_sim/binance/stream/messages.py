"""Payloads of market streams.

https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams
"""

from __future__ import annotations

from datetime import datetime, timedelta

from floorbroker.domain.values import ZERO
from floorbroker_sim.binance import info
from floorbroker_sim.binance.mapping import outside
from floorbroker_sim.binance.rest import candles, public
from floorbroker_sim.binance.rest.book import Change
from floorbroker_sim.binance.rest.desk import Desk
from floorbroker_sim.binance.rest.tape import Print
from floorbroker_sim.binance.stream.names import Stream
from floorbroker_sim.binance.wire import Instant, number

Payload = dict[str, object]
_MS = timedelta(milliseconds=1)


def trade(symbol: str, made: Print, at: datetime) -> Payload:
    """`trade`."""
    return {
        "e": "trade", "E": Instant(at), "s": outside(symbol), "t": made.id, "p": number(made.price),
        "q": number(made.qty), "T": Instant(made.at), "m": made.buyer_is_maker, "M": True,
    }  # fmt: skip


def agg_trade(symbol: str, made: Print, at: datetime) -> Payload:
    """`aggTrade`."""
    return {"e": "aggTrade", "E": Instant(at), "s": outside(symbol), **public.aggregated(made)}


def depth(change: Change) -> Payload:
    """`depthUpdate`."""
    return {
        "e": "depthUpdate", "E": Instant(change.at), "s": outside(change.symbol), "U": change.first, "u": change.last,
        "b": public.levels(change.bids), "a": public.levels(change.asks),
    }  # fmt: skip


def best_levels(desk: Desk, stream: Stream) -> Payload:
    """A part of the book: it names no symbol."""
    assert stream.symbol is not None
    book = desk.state.book(stream.symbol)
    bids, asks = book.top(stream.levels)
    return {"lastUpdateId": book.update_id, "bids": public.levels(bids), "asks": public.levels(asks)}


def best(desk: Desk, symbol: str) -> Payload:
    """`bookTicker`: neither a type nor a time."""
    top = public.top_of_book(desk, symbol)
    return {
        "u": desk.state.book(symbol).update_id, "s": outside(symbol), "b": top["bidPrice"], "B": top["bidQty"],
        "a": top["askPrice"], "A": top["askQty"],
    }  # fmt: skip


def kline(desk: Desk, stream: Stream, opened: datetime, at: datetime) -> Payload | None:
    """The kline that began at `opened`."""
    assert stream.symbol is not None
    interval = info.INTERVALS[stream.interval]
    ends = candles.following(opened, interval, stream.zone)
    made = candles.bar(desk.state, stream.symbol, opened, ends, samples=interval.samples)
    if made is None:
        return None
    name = outside(stream.symbol)
    return {"e": "kline", "E": Instant(at), "s": name, "k": {
        "t": Instant(made.start), "T": Instant(made.end - _MS), "s": name, "i": stream.interval, "f": made.first_id,
        "L": made.last_id, "o": number(made.open), "c": number(made.close), "h": number(made.high), "l": number(made.low),
        "v": number(made.volume), "n": made.count, "x": made.whole, "q": number(made.quote_volume),
        "V": number(made.taker_volume), "Q": number(made.taker_quote), "B": "0",
    }}  # fmt: skip


def mini_ticker(desk: Desk, symbol: str, stream: Stream, at: datetime) -> Payload:
    """`24hrMiniTicker`."""
    made = public.rolling(desk, symbol, at - stream.window)
    return {
        "e": "24hrMiniTicker", "E": Instant(at), "s": outside(symbol), "c": number(made.close), "o": number(made.open),
        "h": number(made.high), "l": number(made.low), "v": number(made.volume), "q": number(made.quote_volume),
    }  # fmt: skip


def ticker(desk: Desk, symbol: str, stream: Stream, at: datetime) -> Payload:
    """`24hrTicker`, or a shorter window without the book's part."""
    start = at - stream.window
    is_window = stream.kind == "window"
    made = public.rolling(desk, symbol, start.replace(second=0, microsecond=0) if is_window else start)
    change = made.close - made.open
    found: Payload = {
        "e": f"{stream.interval}Ticker" if is_window else "24hrTicker", "E": Instant(at), "s": outside(symbol),
        "p": number(change), "P": public.percent(change, made.open), "w": number(made.mean), "o": number(made.open),
        "h": number(made.high), "l": number(made.low), "c": number(made.close), "v": number(made.volume),
        "q": number(made.quote_volume), "O": Instant(made.start), "C": Instant(at), "F": made.first_id, "L": made.last_id,
        "n": made.count,
    }  # fmt: skip
    if is_window:
        return found
    newest, top = desk.state.tape(symbol).newest(1), best(desk, symbol)
    return found | {
        "x": number(made.open), "Q": number(newest[-1].qty if newest else ZERO), "b": top["b"], "B": top["B"],
        "a": top["a"], "A": top["A"],
    }  # fmt: skip


def average(desk: Desk, symbol: str, at: datetime) -> Payload:
    """`avgPrice`."""
    newest = desk.state.tape(symbol).newest(1)
    return {
        "e": "avgPrice", "E": Instant(at), "s": outside(symbol), "i": f"{info.AVERAGE_MINUTES}m",
        "w": number(desk.state.reference(symbol, at) or ZERO), "T": Instant(newest[-1].at if newest else at),
    }  # fmt: skip
