"""Prices in the venue's spelling: bars, quotes, trades and books of shares, coins and options."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum, auto

from floorbroker.domain import records
from floorbroker.domain.instrument import Instrument, OptionContract
from floorbroker.domain.values import AssetClass, Side
from floorbroker_sim.alpaca import info, wire
from floorbroker_sim.history import Candle
from floorbroker_sim.market import Market

VOLATILITY = 0.3  # a year, what the seeded market prices options with
_STEPS = 5
_YEAR_S = 365 * 86_400
_DIGITS = Decimal("0.000001")


class Kind(Enum):
    """Whose data: each has its own members."""

    STOCK = auto()
    COIN = auto()
    OPTION = auto()


_KINDS = {AssetClass.EQUITY: Kind.STOCK, AssetClass.CRYPTO: Kind.COIN, AssetClass.OPTION: Kind.OPTION}


def kind_of(instrument: Instrument) -> Kind:
    return _KINDS[instrument.asset_class]


def tape(symbol: str) -> str:
    """A for New York, B for the regional exchanges, C for Nasdaq."""
    if symbol in info.NYSE:
        return "A"
    return "B" if symbol in info.EXCHANGES else "C"


def bar(candle: Candle) -> wire.Bar:
    return wire.Bar(
        t=candle.start, o=candle.open, h=candle.high, l=candle.low, c=candle.close, v=plain(candle.volume),
        n=candle.count, vw=candle.mean,
    )  # fmt: skip


def quote(quote: records.Quote, kind: Kind) -> wire.Quote:
    """A side without a price is zero."""
    answer = wire.Quote(
        t=quote.time, bp=quote.bid or Decimal(0), bs=plain(quote.bid_size), ap=quote.ask or Decimal(0),
        as_=plain(quote.ask_size),
    )  # fmt: skip
    if kind is not Kind.COIN:
        answer.ax = answer.bx = "V" if kind is Kind.STOCK else "C"
        answer.c = ["R"] if kind is Kind.STOCK else "A"
    if kind is Kind.STOCK:
        answer.z = tape(quote.symbol)
    return answer


def trade(trade: records.Trade, kind: Kind) -> wire.Trade:
    number = int(trade.trade_id) if trade.trade_id.isdigit() else 0
    answer = wire.Trade(t=trade.time, p=trade.price, s=plain(trade.size), i=number)
    if kind is Kind.COIN:
        answer.tks = "S" if trade.aggressor is Side.SELL else "B"
        return answer
    answer.x, answer.c = ("V", ["@"]) if kind is Kind.STOCK else ("C", "I")
    if kind is Kind.STOCK:
        answer.z = tape(trade.symbol)
    return answer


def book(quote: records.Quote) -> wire.OrderBook:
    """Five levels around the top, each as far apart as the touch is wide."""
    bid, ask = quote.bid or Decimal(0), quote.ask or Decimal(0)
    step = max(ask - bid, Decimal("0.01"))
    return wire.OrderBook(
        t=quote.time,
        b=[wire.Level(bid - step * n, quote.bid_size) for n in range(_STEPS) if bid - step * n > 0],
        a=[wire.Level(ask + step * n, quote.ask_size) for n in range(_STEPS)],
    )


def plain(value: Decimal) -> Decimal | int:
    """Whole sizes as whole numbers."""
    return int(value) if value == value.to_integral_value() else value


def greeks(market: Market, symbol: str, at: datetime) -> dict[str, object]:
    """Of the normal model that prices this market's options."""
    contract = OptionContract.parse(symbol)
    assert contract is not None
    spot = float(market.price_at(contract.root, at) or contract.strike)
    expiry = datetime.combine(contract.expiry, datetime.min.time(), UTC) + timedelta(hours=20)
    years = max((expiry - at).total_seconds(), 1) / _YEAR_S
    deviation = VOLATILITY * spot * math.sqrt(years)
    sign = 1 if contract.right == "C" else -1
    z = (spot - float(contract.strike)) / deviation
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    delta = sign * (1 + math.erf(sign * z / math.sqrt(2))) / 2
    values = {
        "delta": delta, "gamma": density / deviation, "rho": 0.0,
        "theta": -density * deviation / (2 * years * 365), "vega": density * deviation / VOLATILITY / 100,
    }  # fmt: skip
    rounded = {name: Decimal(repr(value)).quantize(_DIGITS) for name, value in values.items()}
    return {"greeks": rounded, "impliedVolatility": Decimal(repr(VOLATILITY))}
