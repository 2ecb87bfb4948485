"""The venue of a backtest: the matching engine, an account, and the way of wishes to it.

An order decided at the end of a bar meets the next bar's open, never the close it was decided on; with a latency, the first bar
that begins after it has arrived.  Where quotes or a book are played it meets what stands there when it arrives.  The engine is
woken only while an order is open or on its way.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import count

from floorbroker.backtest.costs import Costs
from floorbroker.backtest.currencies import Currencies, turned
from floorbroker.backtest.instruments import InstrumentOf
from floorbroker.backtest.reshaped import Moved, Reshaped, carried
from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import BookDelta, Quote, Trade
from floorbroker.domain.values import ZERO, ExecId, OrderId, OrdStatus, Price, Quantity
from floorbroker.matching import BadOrder, Engine, Event, Fill, Ledger, MatchOrder, MatchStatus, NotOpen, by_name
from floorbroker.matching.calendar import ALWAYS_OPEN, Calendar
from floorbroker.strategy.bars import BarView, Columns, Track, microseconds, moment_of
from floorbroker.strategy.ground import Ground
from floorbroker.strategy.wishes import Action, Change, Filled, Ordered, Place, WishId, Withdraw

STATUS = {
    MatchStatus.ACCEPTED: OrdStatus.NEW,
    MatchStatus.WORKING: OrdStatus.NEW,
    MatchStatus.HELD: OrdStatus.HELD,
    MatchStatus.PARTIALLY_FILLED: OrdStatus.PARTIALLY_FILLED,
    MatchStatus.FILLED: OrdStatus.FILLED,
    MatchStatus.CANCELED: OrdStatus.CANCELED,
    MatchStatus.EXPIRED: OrdStatus.EXPIRED,
    MatchStatus.REPLACED: OrdStatus.CANCELED,
    MatchStatus.REJECTED: OrdStatus.REJECTED,
    MatchStatus.DONE_FOR_DAY: OrdStatus.NEW,
}


@frozen
class Held:
    """What one symbol's position and the account's cash in its currency were after a change (microseconds since 1970)."""

    at_us: int
    symbol: str
    qty: Decimal
    cash: Decimal
    currency: str = "USD"


class Venue(Ground):
    """`awake` while something is open or on its way; then, and only then, bars need to be shown to `meet_bar`.

    While a track is `playing` the time is that of its last bar, so that nobody has to set it with every bar.
    """

    def __init__(
        self,
        *,
        start: datetime,
        cash: Decimal,
        costs: Costs,
        instrument: InstrumentOf,
        calendar: Calendar | None,
        currencies: Currencies,
    ) -> None:
        self.playing: Track | None = None
        self._now_us = 0
        super().__init__(calendar=calendar or ALWAYS_OPEN)
        self.awake = False
        self.fills: list[Filled] = []
        self.changes: list[Held] = []
        self.reshaped: list[Reshaped] = []
        self._since: dict[str, list[Reshaped]] = {}  # what happened to a symbol since its last price
        self.instrument = instrument
        self.costs = costs
        self.currencies = currencies
        self.ledger = self._opened(currencies.base, cash)
        self.ledgers = {currencies.base: self.ledger}  # by currency; each has its own cash, which may be owed
        self.fees = self.income = ZERO  # in the account's currency, each at the rate of its moment
        self.quoted: set[str] = set()
        self._heard: dict[str, Quote | Trade] = {}  # the last quote with both sides; without quotes, the last trade
        execs, kids = count(1), count(1)
        self.engine = Engine(
            instrument=instrument,
            exec_id=lambda: ExecId(f"X{next(execs):08d}"),
            child_id=lambda: OrderId(f"C{next(kids):08d}"),
            start=start,
            calendar=None if calendar is None else lambda of: by_name(of.calendar),
            fees=costs.fees,
            slippage=costs.slippage,
            liquidity=costs.liquidity,
            patient=True,
        )
        self._coming: dict[str, deque[tuple[int, Action]]] = {}
        self._wish_of: dict[OrderId, WishId] = {}
        self._order_of: dict[WishId, OrderId] = {}
        self._heads: dict[OrderId, tuple[str, ...]] = {}  # orders of several legs that are open, with their symbols
        self._ids = count(1)

    @property
    def now_us(self) -> int:
        """Microseconds since 1970."""
        playing = self.playing
        return self._now_us if playing is None else playing.columns.end_us[playing.at]

    @now_us.setter
    def now_us(self, us: int) -> None:
        self.playing, self._now_us = None, us

    # -- the account ---------------------------------------------------------------------------------------------------

    def _opened(self, currency: str, cash: Decimal) -> Ledger:
        return Ledger(currency=currency, cash=cash, multiplier=lambda symbol: self.instrument(symbol).multiplier)

    def ledger_of(self, symbol: str) -> Ledger:
        """The one in a symbol's currency."""
        currency = self.instrument(symbol).currency
        found = self.ledgers.get(currency)
        if found is None:
            found = self.ledgers[currency] = self._opened(currency, ZERO)
        return found

    def rate(self, currency: str) -> Decimal | None:
        """What one unit of a currency is worth in the account's; None while nobody knows."""
        return self.currencies.rate(currency, self.price)

    def scale(self, symbol: str) -> Decimal | None:
        of = self.instrument(symbol)
        rate = self.rate(of.currency)
        return None if rate is None else of.multiplier * rate

    def in_base(self, amount: Decimal, currency: str) -> Decimal:
        """An amount in the account's currency; nothing is traded in one whose rate is not known yet."""
        return turned(amount, self.rate(currency) or ZERO) if amount else ZERO

    def pay(self, symbol: str, amount: Decimal) -> None:
        """Cash without a trade, in a symbol's currency."""
        ledger = self.ledger_of(symbol)
        ledger.pay(amount)
        self.income += self.in_base(amount, ledger.currency)

    @property
    def cash(self) -> Decimal:
        return sum((self.in_base(ledger.cash, ledger.currency) for ledger in self.ledgers.values()), ZERO)

    @property
    def equity(self) -> Decimal:
        return sum((self.in_base(ledger.equity(self.price), ledger.currency) for ledger in self.ledgers.values()), ZERO)

    def held(self) -> Mapping[str, Decimal]:
        return {p.symbol: p.qty for ledger in self.ledgers.values() for p in ledger.positions()}

    def quote(self, symbol: str) -> Quote | None:
        return self.engine.quote(symbol) if symbol in self.quoted else None

    # -- what happens without a trade ----------------------------------------------------------------------------------

    def reshape(self, what: Reshaped) -> None:
        """From now on a symbol is something else than what its last price was of."""
        self.reshaped.append(what)
        self._since.setdefault(what.new if isinstance(what, Moved) else what.symbol, []).append(what)

    def price(self, symbol: str) -> Price | None:
        """In the units of now, though the last price is one of before a split; of a new name, the old one's."""
        price, happened = self._last_price(symbol), self._since.get(symbol)
        if happened is None:
            return price
        seen_us = self._seen_us(symbol)
        if price is None and isinstance(moved := happened[0], Moved):
            price, seen_us = self.price(moved.symbol), moved.at_us
        elif seen_us >= happened[-1].at_us:
            del self._since[symbol]
        return (
            None if price is None else Price(carried(price, seen_us=seen_us, until_us=self.now_us, happened=happened))
        )

    def _last_price(self, symbol: str) -> Price | None:
        """As at the desk; where a quote lacks a side the last one that had both counts, without quotes the last trade."""
        price = super().price(symbol)
        if price is not None:
            return price
        heard = self._heard.get(symbol)
        if isinstance(heard, Trade):
            return heard.price
        return None if heard is None or heard.mid is None else Price(heard.mid)

    def _seen_us(self, symbol: str) -> int:
        """When the last price of a symbol is from: a bar is of the units of its start."""
        track = self.tracks.get(symbol)
        if track is not None and track.at >= 0:
            return track.columns.start_us[track.at]
        quote = self.quote(symbol)
        heard = self._heard.get(symbol) if quote is None or quote.mid is None else quote
        return -1 if heard is None else microseconds(heard.time)

    # -- wishes --------------------------------------------------------------------------------------------------------

    def send(self, action: Action) -> None:
        """It arrives after the latency: at once where a quote or a book stands, else before a bar that has not begun yet."""
        symbol = self._symbol_of(action)
        delay_us = self.costs.latency.us()
        coming = self._coming.get(symbol)
        if not delay_us and not coming and (symbol in self.quoted or self._shows_close(symbol)):
            self._arrive(action, self.now_us)
        elif coming is None:
            self._coming[symbol] = deque([(self.now_us + delay_us, action)])
        else:
            coming.append((self.now_us + delay_us, action))
        self._look()

    def _shows_close(self, symbol: str) -> bool:
        """Where orders may trade at the close they were decided on, that close is what they meet."""
        track = self.tracks.get(symbol)
        if not self.costs.at_close or track is None or track.at < 0:
            return False
        bar = track.view()
        self._book(self.engine.on_trade(Trade(symbol=symbol, price=bar.close, size=bar.volume, time=self.now)))
        return True

    def _symbol_of(self, action: Action) -> str:
        order = action.order if isinstance(action, Place) else self.wishes[action.wish].order
        return order.legs[0].symbol if order.legs else order.symbol

    def arrivals(self, symbol: str, until_us: int) -> None:
        """Let everything about a symbol arrive that was on its way until then, in the order in which it was sent."""
        coming = self._coming.get(symbol)
        if coming is None:
            return
        while coming and coming[0][0] <= until_us:
            at_us, action = coming.popleft()
            self._arrive(action, at_us)
        if not coming:
            del self._coming[symbol]

    def _arrive(self, action: Action, at_us: int) -> None:
        at = moment_of(at_us)
        match action:
            case Place():
                self._take(action, at)
            case Withdraw():
                self._cancel(self._order_of.get(action.wish), at)
            case Change():
                self._replace(action, at)

    def _take(self, place: Place, at: datetime) -> None:
        why = self._without_rate(place.order) or self._short_of_money(place.order)
        order_id = OrderId(f"B{next(self._ids):08d}")
        if not why:
            self._wish_of[order_id], self._order_of[place.wish] = place.wish, order_id
            if place.order.legs:
                self._heads[order_id] = tuple(leg.symbol for leg in place.order.legs)
            try:
                self._book(self.engine.submit(order_id, place.order, at=at))
                return
            except BadOrder as error:
                why = str(error)
        self.heard(_refused(place, why))

    def _cancel(self, order_id: OrderId | None, at: datetime) -> None:
        if order_id is None or not self.engine.order(order_id).is_open:
            return  # it ended while the cancel was on its way
        self._book(self.engine.cancel(order_id, at=at))

    def _replace(self, change: Change, at: datetime) -> None:
        order_id = self._order_of.get(change.wish)
        if order_id is None:
            return
        try:
            self._book(self.engine.replace(order_id, change.changes, at=at))
        except (NotOpen, BadOrder) as error:
            self.news.append(self._standing(self.engine.order(order_id), reason=str(error)))

    def _without_rate(self, order: NewOrder) -> str:
        """Why nobody could tell what an order would cost the account."""
        for symbol in (leg.symbol for leg in order.legs) if order.legs else (order.symbol,):
            if self.rate(currency := self.instrument(symbol).currency) is None:
                return f"no rate from {currency} to {self.currencies.base} is known yet"
        return ""

    def _short_of_money(self, order: NewOrder) -> str:
        """Why the account may not hold that much more."""
        if self.costs.leverage is None:
            return ""
        price = None if order.legs else order.price or self.price(order.symbol)  # several legs' price is their net
        if price is None and not order.legs:
            return ""
        held = self.held()
        after = dict(held)
        for symbol, qty in _moves(order, price):
            after[symbol] = after.get(symbol, ZERO) + qty
        worth = self._worth(after, {} if price is None else {order.symbol: price})
        allowed = self.equity * self.costs.leverage
        if worth <= max(allowed, self._worth(held, {})):
            return ""
        return f"insufficient funds: {worth:.2f} would be held, {allowed:.2f} may"

    def _worth(self, held: Mapping[str, Decimal], prices: Mapping[str, Price]) -> Decimal:
        total = ZERO
        for symbol, qty in held.items():
            of = self.instrument(symbol)
            price = prices.get(symbol) or self.price(symbol) or ZERO
            total += self.in_base(abs(qty) * price * of.multiplier, of.currency)
        return total

    # -- the market ----------------------------------------------------------------------------------------------------

    def meet_bar(self, columns: Columns, place: int) -> None:
        """Show a bar that is over to what was open when it began."""
        symbol, start_us = columns.symbol, columns.start_us[place]
        shown = self._opens_beside(symbol, start_us)
        self.arrivals(symbol, start_us)
        if self.engine.has_orders:
            self._book(self.engine.on_bar(BarView(columns, place).to_bar()))
            shown.add(symbol)
        if not self.costs.at_close:
            for one in shown - self.quoted:
                self.engine.close_book(one)
        self._look()

    def _opens_beside(self, symbol: str, start_us: int) -> set[str]:
        """Show what the other legs open at, of those that begin a bar at the same moment: legs trade together or not at all."""
        if self.costs.at_close:
            return set()  # closes stay shown
        self._heads = {order_id: legs for order_id, legs in self._heads.items() if self.engine.order(order_id).is_open}
        coming = (action.order.legs for _, action in self._coming.get(symbol, ()) if isinstance(action, Place))
        groups = [*self._heads.values(), *(tuple(leg.symbol for leg in legs) for legs in coming)]
        legs = {one for group in groups if symbol in group for one in group}
        return {one for one in legs - self.quoted if self._opened_at(one, start_us)}

    def _opened_at(self, symbol: str, start_us: int) -> bool:
        track = self.tracks.get(symbol)
        place = -1 if track is None else bisect_left(track.columns.start_us, start_us)
        if track is None or place >= len(track.columns) or track.columns.start_us[place] != start_us:
            return False
        bar = BarView(track.columns, place)
        self.engine.show(symbol, bar.open, bar.volume)
        return True

    def meet_quote(self, quote: Quote) -> None:
        self.arrivals(quote.symbol, self.now_us)
        self.quoted.add(quote.symbol)
        if quote.bid is not None and quote.ask is not None:
            self._heard[quote.symbol] = quote
        self._book(self.engine.on_quote(quote))
        self._look()

    def meet_trade(self, trade: Trade) -> None:
        self.arrivals(trade.symbol, self.now_us)
        if trade.symbol not in self.quoted:
            self._heard[trade.symbol] = trade
        self._book(self.engine.on_trade(trade))
        if not self.costs.at_close and trade.symbol not in self.quoted:
            self.engine.close_book(trade.symbol)
        self._look()

    def meet_book(self, delta: BookDelta) -> None:
        self.arrivals(delta.symbol, self.now_us)
        self.quoted.add(delta.symbol)
        self._book(self.engine.on_book(delta))
        self._look()

    def _look(self) -> None:
        self.awake = bool(self._coming) or self.engine.has_orders

    # -- what became of it ---------------------------------------------------------------------------------------------

    def _book(self, events: Iterable[Event]) -> None:
        """Fills to the ledger, and every change to whoever wished it."""
        for event in events:
            if isinstance(event, Fill):
                self._fill(event)
            wish = self._wish_of.get(event.order_id)
            if wish is not None and wish in self.wishes:
                self._tell(wish, self.engine.order(event.order_id), reason=getattr(event, "reason", ""))

    def _tell(self, wish: WishId, order: MatchOrder, *, reason: str) -> None:
        """Where an order stands, when that is news: of several events at once the first finds it as the last left it."""
        known, status = self.wishes[wish], STATUS[order.status]
        if (status, order.cum_qty, order.order) != (known.ord_status, known.cum_qty, known.order):
            self.heard(self._standing(order, reason=reason))

    def _fill(self, fill: Fill) -> None:
        ledger = self.ledger_of(fill.symbol)
        ledger.apply(fill)
        if not fill.is_summary:
            self.fees += self.in_base(fill.fee, ledger.currency)
        wish = self._wish_of.get(fill.order_id) or WishId(f"child:{fill.order_id}")
        filled = Filled(
            wish=wish, symbol=fill.symbol, side=fill.side, qty=fill.qty, price=fill.price, fee=fill.fee, at=fill.at,
            exec_id=fill.exec_id,
        )  # fmt: skip
        if not fill.is_summary:
            self.fills.append(filled)
            self.news.append(filled)
            self.note(fill.symbol, microseconds(fill.at))

    def note(self, symbol: str, at_us: int) -> None:
        """Keep what is held of a symbol from now on, and the cash."""
        ledger = self.ledger_of(symbol)
        held = Held(at_us=at_us, symbol=symbol, qty=ledger.qty(symbol), cash=ledger.cash, currency=ledger.currency)
        self.changes.append(held)

    def _standing(self, order: MatchOrder, reason: str = "") -> Ordered:
        return Ordered(
            wish=self._wish_of[order.order_id],
            order=order.order,
            ord_status=STATUS[order.status],
            cum_qty=order.cum_qty,
            avg_px=order.avg_px,
            order_id=order.order_id,
            reason=reason,
        )

    def end_orders(self, symbol: str, at: datetime) -> None:
        """Take out everything open in a symbol, as venues do over a split."""
        for order in self.engine.open_orders(symbol):
            if order.is_open:
                self._book(self.engine.cancel(order.order_id, at=at))
        self._look()


def _moves(order: NewOrder, price: Price | None) -> Iterator[tuple[str, Decimal]]:
    """Signed units by symbol that an order would bring; `price` makes units of money."""
    for leg in order.legs:
        yield leg.symbol, leg.side.sign * leg.ratio_qty * (order.order_qty or ZERO)
    if not order.legs:
        qty = order.order_qty or (order.notional or ZERO) / (price or Decimal(1))
        yield order.symbol, order.side.sign * qty


def _refused(place: Place, why: str) -> Ordered:
    return Ordered(
        wish=place.wish,
        order=place.order,
        ord_status=OrdStatus.REJECTED,
        cum_qty=Quantity(ZERO),
        reason=why,
    )
