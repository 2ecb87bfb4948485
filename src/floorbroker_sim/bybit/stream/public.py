"""The public sockets, one for each category: books, tickers, trades and bars.

https://bybit-exchange.github.io/docs/v5/ws/connect
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from floorbroker_sim.bybit import info
from floorbroker_sim.bybit.info import Product
from floorbroker_sim.bybit.rest import klines
from floorbroker_sim.bybit.rest.depth import Change, Feed
from floorbroker_sim.bybit.rest.market import ticker
from floorbroker_sim.bybit.rest.state import State
from floorbroker_sim.bybit.stream import frames
from floorbroker_sim.bybit.stream.sockets import Message, Socket, topics_of
from floorbroker_sim.market import Tick

_BAR_EVERY = timedelta(seconds=1)


class PublicSocket(Socket):
    """One client of the market data of one category."""

    def __init__(self, state: State, category: str) -> None:
        super().__init__(state)
        self._category = category
        self._books: dict[str, tuple[Feed, Callable[[Change], None]]] = {}
        self._tickers: dict[str, tuple[Product, dict[str, str]]] = {}
        self._trades: dict[str, Product] = {}
        self._bars: dict[str, tuple[Product, str, datetime]] = {}
        self._barred_at: datetime | None = None

    @property
    def symbols(self) -> set[str]:
        """What this client waits for, canonical; books are counted where they are kept."""
        products = [p for p, _ in self._tickers.values()] + list(self._trades.values())
        return {product.canonical for product in products} | {
            product.canonical for product, _, _ in self._bars.values()
        }

    def opened(self) -> None:
        super().opened()
        self.state.listeners.prices.append(self._on_tick)

    def closed(self) -> None:
        super().closed()
        self.state.listeners.prices.remove(self._on_tick)
        for topic in list(self._books):
            self._drop(topic)

    # --- What the client says -----------------------------------------------------------------------------------------

    def bad_message(self) -> None:
        self._answer({}, "", failure="error:bad request")

    def asked(self, message: Message) -> None:
        match message.get("op"):
            case "ping":
                self._pong(message)
            case "subscribe":
                self._subscribe(message)
            case "unsubscribe":
                for topic in topics_of(message) or []:
                    self._drop(topic)
                self._answer(message, "unsubscribe")
            case op:
                self._answer(message, str(op or ""), failure=f"error:unknown op,op:{op}")

    def _pong(self, message: Message) -> None:
        pong: dict[str, object] = {"success": True, "ret_msg": "pong", "conn_id": self.conn_id}
        if self._category != info.SPOT:
            pong["req_id"] = message.get("req_id", "")
        self.send(pong | {"op": "ping"})

    def _answer(self, message: Message, op: str, *, failure: str | None = None) -> None:
        text = failure or (op if self._category == info.SPOT else "")
        self.send(
            {
                "success": failure is None, "ret_msg": text, "conn_id": self.conn_id, "req_id": message.get("req_id", ""),
                "op": op,
            }
        )  # fmt: skip

    def _subscribe(self, message: Message) -> None:
        """All of it or nothing; what is known now follows the answer."""
        topics = topics_of(message)
        failure = self._refusal(topics)
        if failure is not None or topics is None:
            self._answer(message, "subscribe", failure=failure)
            return
        self._answer(message, "subscribe")
        for topic in dict.fromkeys(topics):
            self._add(topic)

    def _refusal(self, topics: list[str] | None) -> str | None:
        if topics is None:
            return "error:bad request"
        if self._category == info.SPOT and len(topics) > info.SPOT_ARGS_MAX:
            return f"args size >{info.SPOT_ARGS_MAX}"
        if sum(len(topic) for topic in [*topics, *self._all()]) > info.ARGS_CHARACTERS_MAX:
            return "error:args too long"
        for topic in topics:
            if topic in self._all():
                return f"error:already subscribed,topic:{topic}"
            if self._product(topic) is None:
                return f"error:handler not found,topic:{topic}"
        return None

    def _all(self) -> set[str]:
        return {*self._books, *self._tickers, *self._trades, *self._bars}

    def _product(self, topic: str) -> Product | None:
        """The product of a topic that exists; None for one that does not."""
        parts = topic.split(".")
        product = info.BY_NAME.get((self._category, parts[-1]))
        match parts[0], parts[1:-1]:
            case "orderbook", [depth] if depth in {str(d) for d in info.DEPTHS}:
                return product
            case (("tickers" | "publicTrade"), []):
                return product
            case "kline", [interval] if interval in info.INTERVALS or interval == info.MONTH:
                return product
            case _:
                return None

    # --- Topics -------------------------------------------------------------------------------------------------------

    def _add(self, topic: str) -> None:
        product, now = self._product(topic), self.state.clock.now()
        assert product is not None
        kind, *middle, _ = topic.split(".")
        match kind:
            case "orderbook":
                self._add_book(topic, product, int(middle[0]))
            case "tickers":
                shown = ticker(self.state, product)
                self._tickers[topic] = (product, shown)
                self.send(frames.ticker(topic, "snapshot", shown, seq=self.state.next_frame(), at=now))
            case "publicTrade":
                self._trades[topic] = product
            case _:
                self._bars[topic] = (product, middle[0], klines.start_of(middle[0], now))

    def _add_book(self, topic: str, product: Product, depth: int) -> None:
        feed = self.state.books.feed(product, depth)
        if feed is None:
            return

        def told(change: Change) -> None:
            self.send(frames.book(topic, product, change))

        feed.listeners.append(told)
        self._books[topic] = (feed, told)
        told(feed.snapshot(self.state.clock.now()))

    def _drop(self, topic: str) -> None:
        found = self._books.pop(topic, None)
        if found is not None:
            found[0].listeners.remove(found[1])
        self._tickers.pop(topic, None)
        self._trades.pop(topic, None)
        self._bars.pop(topic, None)

    # --- What happens -------------------------------------------------------------------------------------------------

    def _on_tick(self, tick: Tick) -> None:
        named = tick.quote or tick.trade
        canonical = "" if named is None else named.symbol
        for topic, (product, before) in list(self._tickers.items()):
            if product.canonical == canonical:
                self._tell_ticker(topic, product, before)
        for topic, product in self._trades.items():
            if tick.trade is not None and product.canonical == canonical:
                self.send(frames.trade(topic, product, tick.trade, seq=self.state.next_frame()))

    def _tell_ticker(self, topic: str, product: Product, before: dict[str, str]) -> None:
        """Spot tells all of it, contracts what has changed."""
        now = ticker(self.state, product)
        changed = {name: value for name, value in now.items() if before.get(name) != value}
        if not changed:
            return
        self._tickers[topic] = (product, now)
        kind, shown = (
            ("snapshot", now) if self._category == info.SPOT else ("delta", {"symbol": product.symbol} | changed)
        )
        self.send(frames.ticker(topic, kind, shown, seq=self.state.next_frame(), at=self.state.clock.now()))

    def tick(self, at: datetime) -> None:
        """Bars are told once a second, and one last time when they are over."""
        super().tick(at)
        if self._barred_at is not None and at - self._barred_at < _BAR_EVERY:
            return
        self._barred_at = at
        for topic, (product, interval, start) in list(self._bars.items()):
            current = klines.start_of(interval, at)
            for moment in (start, current) if start != current else (current,):
                bar = self.state.bars.at(product, moment, interval, at)
                if bar is not None:
                    self.send(frames.bar(topic, product, interval, bar, at=at))
            self._bars[topic] = (product, interval, current)
