"""Answers with market data: ticks, candles, tick by tick."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.codec.fields import Reader
from floorbroker.brokers.ibkr.codec.framing import BadFrame
from floorbroker.brokers.ibkr.wire import Wire

_LAST, _ALL_LAST, _BID_ASK, _MID_POINT = 1, 2, 3, 4


def _price(read: Reader) -> wire.TickPrice:
    read.skip("version")
    req_id, tick_type = read.whole("reqId"), read.whole("tickType")
    price, size = read.decimal("price"), read.decimal("size")
    return wire.TickPrice(
        req_id=req_id, tick_type=tick_type, price=price, size=size, mask=read.integer("attribMask") or 0
    )  # fmt: skip


def _size(read: Reader) -> wire.TickSize:
    read.skip("version")
    req_id, tick_type = read.whole("reqId"), read.whole("tickType")
    return wire.TickSize(req_id=req_id, tick_type=tick_type, size=read.decimal("size"))


def _generic(read: Reader) -> wire.TickGeneric:
    read.skip("version")
    req_id, tick_type = read.whole("reqId"), read.whole("tickType")
    return wire.TickGeneric(req_id=req_id, tick_type=tick_type, value=read.decimal("value"))


def _string(read: Reader) -> wire.TickString:
    read.skip("version")
    req_id, tick_type = read.whole("reqId"), read.whole("tickType")
    return wire.TickString(req_id=req_id, tick_type=tick_type, value=read.text("value"))


def _option(read: Reader) -> wire.TickOption:
    req_id, tick_type = read.whole("reqId"), read.whole("tickType")
    read.skip("tickAttrib")
    implied, delta, price = read.decimal("impliedVol"), read.decimal("delta"), read.decimal("optPrice")
    read.skip("pvDividend")
    gamma, vega, theta = read.decimal("gamma"), read.decimal("vega"), read.decimal("theta")
    return wire.TickOption(
        req_id=req_id,
        tick_type=tick_type,
        implied_vol=implied,
        delta=delta,
        price=price,
        gamma=gamma,
        vega=vega,
        theta=theta,
        under_price=read.decimal("undPrice"),
    )


def _params(read: Reader) -> wire.TickParams:
    req_id, min_tick, exchange = read.whole("reqId"), read.decimal("minTick"), read.text("bboExchange")
    permissions = read.integer("snapshotPermissions") or 0
    return wire.TickParams(
        req_id=req_id, min_tick=min_tick, bbo_exchange=exchange, snapshot_permissions=permissions
    )  # fmt: skip


def _snapshot_end(read: Reader) -> wire.SnapshotEnd:
    read.skip("version")
    return wire.SnapshotEnd(req_id=read.whole("reqId"))


def _data_type(read: Reader) -> wire.DataType:
    read.skip("version")
    return wire.DataType(req_id=read.whole("reqId"), kind=read.whole("marketDataType"))


def _candles(read: Reader) -> wire.Candles:
    req_id, start, end = read.whole("reqId"), read.text("start"), read.text("end")
    return wire.Candles(
        req_id=req_id, start=start, end=end, candles=tuple(_candle(read) for _ in range(read.how_many("bars")))
    )


def _candle(read: Reader) -> wire.Candle:
    date, opened, high, low = read.text("date"), read.number("open"), read.number("high"), read.number("low")
    close, volume, wap = read.number("close"), read.decimal("volume"), read.decimal("wap")
    return wire.Candle(
        date=date, open=opened, high=high, low=low, close=close, volume=volume, wap=wap, count=read.integer("count")
    )  # fmt: skip


def _candle_update(read: Reader) -> wire.CandleUpdate:
    """The order of its fields is another one: close stands before high and low."""
    req_id, count, date = read.whole("reqId"), read.integer("count"), read.text("date")
    opened, close, high, low = read.number("open"), read.number("close"), read.number("high"), read.number("low")
    wap, volume = read.decimal("wap"), read.decimal("volume")
    candle = wire.Candle(
        date=date, open=opened, high=high, low=low, close=close, volume=volume, wap=wap, count=count
    )  # fmt: skip
    return wire.CandleUpdate(req_id=req_id, candle=candle)


def _live_bar(read: Reader) -> wire.LiveBar:
    read.skip("version")
    req_id, epoch_s, opened = read.whole("reqId"), read.whole("time"), read.number("open")
    high, low, close = read.number("high"), read.number("low"), read.number("close")
    volume, wap, count = read.decimal("volume"), read.decimal("wap"), read.integer("count")
    return wire.LiveBar(
        req_id=req_id, epoch_s=epoch_s, open=opened, high=high, low=low, close=close, volume=volume, wap=wap, count=count
    )  # fmt: skip


def _tick_by_tick(read: Reader) -> wire.TickByTick:
    req_id, kind, epoch_s = read.whole("reqId"), read.whole("tickType"), read.whole("time")
    if kind in (_LAST, _ALL_LAST):
        price, size = read.number("price"), read.number("size")
        read.skip("attribMask")
        return wire.TickByTick(
            req_id=req_id, tick_type=kind, epoch_s=epoch_s, price=price, size=size, exchange=read.text("exchange")
        )
    if kind == _BID_ASK:
        bid, ask = read.number("bidPrice"), read.number("askPrice")
        bid_size, ask_size = read.number("bidSize"), read.number("askSize")
        return wire.TickByTick(
            req_id=req_id, tick_type=kind, epoch_s=epoch_s, bid=bid, ask=ask, bid_size=bid_size, ask_size=ask_size
        )
    if kind == _MID_POINT:
        return wire.TickByTick(req_id=req_id, tick_type=kind, epoch_s=epoch_s, price=read.number("midPoint"))
    raise BadFrame(f"ticks of kind {kind} are not known")


READERS: Mapping[int, Callable[[Reader], Wire]] = MappingProxyType(
    {
        1: _price,
        2: _size,
        17: _candles,
        21: _option,
        45: _generic,
        46: _string,
        50: _live_bar,
        57: _snapshot_end,
        58: _data_type,
        81: _params,
        90: _candle_update,
        99: _tick_by_tick,
    }
)
