"""Prices on this venue's own price steps: a pair follows the shared market, a contract follows its pair a little above.

Index is the middle of the pair's book, mark the middle of the contract's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from floorbroker.domain.records import Quote, Trade
from floorbroker.domain.values import Price, round_step
from floorbroker_sim.bybit import info
from floorbroker_sim.bybit.info import Product
from floorbroker_sim.market import PriceSource, Tick

_PREMIUM = Decimal("1.0001")
_SIZE = {info.SPOT: Decimal(1), info.LINEAR: Decimal(4)}


class VenueSource:
    """A `PriceSource` of canonical symbols around the one that knows the pairs.  `names` says what it calls them."""

    def __init__(self, source: PriceSource, names: Mapping[str, str]) -> None:
        self._source = source
        self._names = names
        self._listed: dict[str, list[Product]] = {}
        for product in info.PRODUCTS:
            if product.pair in names:
                self._listed.setdefault(names[product.pair], []).append(product)

    def _inner(self, symbol: str) -> tuple[Product, str] | None:
        product = info.BY_CANONICAL.get(symbol)
        if product is None or product.pair not in self._names:
            return None
        return product, self._names[product.pair]

    def quote(self, symbol: str, at: datetime) -> Quote | None:
        found = self._inner(symbol)
        quote = None if found is None else self._source.quote(found[1], at)
        return None if found is None or quote is None else _quote(quote, found[0])

    def last_trade(self, symbol: str, at: datetime) -> Trade | None:
        found = self._inner(symbol)
        trade = None if found is None else self._source.last_trade(found[1], at)
        return None if found is None or trade is None else _trade(trade, found[0])

    def advance(self, at: datetime, symbols: Iterable[str]) -> Iterator[Tick]:
        asked = set(symbols)
        inner = sorted({found[1] for symbol in asked if (found := self._inner(symbol)) is not None})
        for tick in self._source.advance(at, inner):
            named = tick.quote or tick.trade
            for product in () if named is None else self._listed.get(named.symbol, ()):
                if product.canonical in asked:
                    quote = None if tick.quote is None else _quote(tick.quote, product)
                    trade = None if tick.trade is None else _trade(tick.trade, product)
                    yield Tick(at=tick.at, quote=quote, trade=trade)

    def close_before(self, symbol: str, at: datetime) -> Decimal | None:
        found = self._inner(symbol)
        return None if found is None else self._source.close_before(found[1], at)

    def rewind(self) -> None:
        self._source.rewind()


def _shifted(price: Decimal, product: Product) -> Decimal:
    return price if product.category == info.SPOT else price * _PREMIUM


def _size(size: Decimal, product: Product) -> Decimal:
    return max(product.step, round_step(size * _SIZE[product.category], product.step, ROUND_FLOOR))


def _quote(quote: Quote, product: Product) -> Quote:
    """On the product's steps; the spread is at least one of them."""
    bid = ask = last = None
    if quote.bid is not None:
        bid = Price(max(product.tick, round_step(_shifted(quote.bid, product), product.tick, ROUND_FLOOR)))
    if quote.ask is not None:
        ask = Price(round_step(_shifted(quote.ask, product), product.tick, ROUND_CEILING))
        ask = Price(max(ask, (bid or Decimal(0)) + product.tick))
    if quote.last is not None:
        last = Price(max(product.tick, round_step(_shifted(quote.last, product), product.tick)))
    return replace(
        quote, symbol=product.canonical, bid=bid, ask=ask, last=last, bid_size=_size(quote.bid_size, product),
        ask_size=_size(quote.ask_size, product),
    )  # fmt: skip


def _trade(trade: Trade, product: Product) -> Trade:
    price = Price(max(product.tick, round_step(_shifted(trade.price, product), product.tick)))
    return replace(trade, symbol=product.canonical, price=price, size=_size(trade.size / 20, product))
