"""What the matching tests share: an engine with counted ids, and short spellings of orders and prices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from floorbroker.domain.bars import Bar
from floorbroker.domain.instrument import Instrument, asset_class_of
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import Quote, Trade
from floorbroker.domain.values import AssetClass, ExecId, OrderId, OrderType, Price, Quantity, Side
from floorbroker.matching import Engine, Event, Fill

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # a Monday, 10:00 in New York


def instrument(symbol: str) -> Instrument:
    """Whole shares on a cent; coins in millionths; options with a multiplier of 100."""
    kind = asset_class_of(symbol)
    if kind is AssetClass.CRYPTO:
        step = Decimal("0.000001")
        return Instrument(symbol=symbol, asset_class=kind, currency="USD", lot=step, fraction=step, calendar="24x7")
    multiplier = Decimal(100) if kind is AssetClass.OPTION else Decimal(1)
    return Instrument(symbol=symbol, asset_class=kind, currency="USD", multiplier=multiplier)


def px(value: int | str) -> Price:
    return Price(Decimal(value))


def units(value: int | str) -> Quantity:
    return Quantity(Decimal(value))


def order(side: Side, qty: int | str | None, symbol: str = "AAPL", **terms: Any) -> NewOrder:
    """A limit order when a price is given, else a market order; `terms` may say otherwise."""
    terms.setdefault("order_type", OrderType.LIMIT if "price" in terms else OrderType.MARKET)
    for name in ("price", "stop_px", "trail_amount", "take_profit"):
        if name in terms:
            terms[name] = px(terms[name])
    return NewOrder(symbol=symbol, side=side, order_qty=None if qty is None else units(qty), **terms)


def buy(qty: int | str | None, symbol: str = "AAPL", **terms: Any) -> NewOrder:
    return order(Side.BUY, qty, symbol, **terms)


def sell(qty: int | str | None, symbol: str = "AAPL", **terms: Any) -> NewOrder:
    return order(Side.SELL, qty, symbol, **terms)


class Venue:
    """An engine whose time moves one second with every step; orders are named by the caller."""

    def __init__(self, **options: Any) -> None:
        executions, children = count(1), count(1)
        self.at: datetime = options.pop("start", START)
        self.engine = Engine(
            instrument=options.pop("instrument", instrument),
            exec_id=lambda: ExecId(f"x{next(executions)}"),
            child_id=lambda: OrderId(f"c{next(children)}"),
            start=self.at,
            **options,
        )

    def tick(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at

    def quote(
        self, bid: int | str, ask: int | str, symbol: str = "AAPL", *, size: int = 1000, at: datetime | None = None
    ) -> list[Event]:
        return self.engine.on_quote(
            Quote(
                symbol=symbol,
                bid=px(bid),
                ask=px(ask),
                bid_size=units(size),
                ask_size=units(size),
                time=at or self.tick(),
            )
        )

    def trade(self, price: int | str, symbol: str = "AAPL", *, size: int = 1000) -> list[Event]:
        return self.engine.on_trade(Trade(symbol=symbol, price=px(price), size=units(size), time=self.tick()))

    def bar(self, o: int, h: int, low: int, c: int, symbol: str = "AAPL", *, volume: int = 10000) -> list[Event]:
        return self.engine.on_bar(
            Bar(
                symbol=symbol,
                start=self.tick(),
                open=px(o),
                high=px(h),
                low=px(low),
                close=px(c),
                volume=Decimal(volume),
            )
        )

    def submit(self, name: str, terms: NewOrder) -> list[Event]:
        return self.engine.submit(OrderId(name), terms, at=self.tick())

    def cancel(self, name: str) -> list[Event]:
        return self.engine.cancel(OrderId(name), at=self.tick())

    def status(self, name: str) -> str:
        return self.engine.order(OrderId(name)).status.value


def fills(events: Sequence[Event]) -> list[tuple[str, str, str]]:
    """Order, quantity and price of every fill."""
    return [(e.order_id, str(e.qty), str(e.price)) for e in events if isinstance(e, Fill)]


def words(events: Sequence[Event]) -> list[str]:
    """`Event order` in the order told."""
    return [f"{type(e).__name__} {e.order_id}" for e in events]
