"""Frames of the public streams.  https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook"""

from __future__ import annotations

from datetime import datetime, timedelta

from floorbroker.domain.records import Trade
from floorbroker_sim.bybit import info
from floorbroker_sim.bybit.info import Product
from floorbroker_sim.bybit.mapping import ms, price_text, qty_text, rounded
from floorbroker_sim.bybit.rest.depth import Change
from floorbroker_sim.bybit.rest.klines import Kline
from floorbroker_sim.bybit.rest.market import trade_id

_MOMENT = timedelta(milliseconds=1)


def book(topic: str, product: Product, change: Change) -> dict[str, object]:
    return {
        "topic": topic, "type": change.kind, "ts": ms(change.at),
        "data": {"s": product.symbol, "b": change.bids, "a": change.asks, "u": change.update, "seq": change.seq},
        "cts": ms(change.at),
    }  # fmt: skip


def ticker(topic: str, kind: str, shown: dict[str, str], *, seq: int, at: datetime) -> dict[str, object]:
    return {"topic": topic, "type": kind, "data": shown, "cs": seq, "ts": ms(at)}


def trade(topic: str, product: Product, trade: Trade, *, seq: int) -> dict[str, object]:
    """`S` is the side that took; contracts tell which way the price went."""
    is_buy = trade.aggressor is None or trade.aggressor.sign > 0
    line: dict[str, object] = {
        "T": ms(trade.time), "s": product.symbol, "S": "Buy" if is_buy else "Sell", "v": qty_text(product, trade.size),
        "p": price_text(product, trade.price), "i": trade_id(product, trade.time), "BT": False, "RPI": False, "seq": seq,
    }  # fmt: skip
    if product.category != info.SPOT:
        line["L"] = "PlusTick" if is_buy else "MinusTick"
    return {"topic": topic, "type": "snapshot", "ts": ms(trade.time), "data": [line]}


def bar(topic: str, product: Product, interval: str, bar: Kline, *, at: datetime) -> dict[str, object]:
    """`end` is the last millisecond of the bar."""
    prices = {
        name: price_text(product, price)
        for name, price in (("open", bar.open), ("close", bar.close), ("high", bar.high), ("low", bar.low))
    }
    line = {
        "start": ms(bar.start), "end": ms(bar.end - _MOMENT), "interval": interval, **prices,
        "volume": qty_text(product, bar.volume), "turnover": rounded(bar.turnover, 8), "confirm": at >= bar.end,
        "timestamp": ms(at),
    }  # fmt: skip
    return {"topic": topic, "type": "snapshot", "ts": ms(at), "data": [line]}
