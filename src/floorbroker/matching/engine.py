"""The matching engine: pure, synchronous, deterministic.  Commands and market data in, events out.

Orders trade against the market that was fed, never with each other: a buy at the ask, a sell at the bid.

- An order that comes in, or a stop that was elected, takes: it pays what is shown.  A limit order that met a market and did
  not trade in full makes from then on: it trades at its own limit once the other side reaches it.
- Among own orders the better price goes first, then the older.  A change of price, a larger quantity or another time in force
  loses the place, a smaller quantity does not.
- A post-only order that would take when it comes in is canceled; whoever would rather refuse it asks `would_take` before.
- An iceberg takes with all of its quantity.  While it rests, and sizes count, it trades what it shows; then the next part
  shows and queues anew, behind the others at its price.
- Stops are elected by the last trade; while no trade was seen, by the ask (buys) or the bid (sells).  Touched orders are
  elected by the same price on the other side of their trigger.
- Trades without quotes stand for both sides of the market.  A bar is walked open, the nearer extreme, the other, close; stops
  on the way are elected at their own price, resting limits trade at their limit, and at the open everything trades at the open.
  Bars and trades of a symbol with quotes only elect (trades) or say nothing new (bars).
- An opening (calendar) wakes orders; they trade with the first price after it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.bars import Bar
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.records import BookDelta, Quote, Trade
from floorbroker.domain.values import ZERO, ExecId, OrderId, OrderType, Price, Quantity, Side
from floorbroker.matching.calendar import Calendar
from floorbroker.matching.events import Canceled, Event
from floorbroker.matching.executions import Rules, is_within, takes, units_for
from floorbroker.matching.fees import NO_FEES, FeeModel
from floorbroker.matching.life import Life
from floorbroker.matching.market import Liquidity, Market
from floorbroker.matching.orders import (
    AUCTIONS,
    IMMEDIATE,
    BadOrder,
    MatchOrder,
    MatchStatus,
    check_terms,
    with_changes,
)
from floorbroker.matching.priority import Queue
from floorbroker.matching.slippage import NO_SLIPPAGE, Slippage
from floorbroker.matching.triggers import is_better_mark, is_elected, trailing_stop

CalendarChoice = Calendar | Callable[[Instrument], Calendar | None] | None


class Engine:
    """One venue's matching.  `calendar` is one for all symbols, a choice by instrument, or None for a market without hours.

    A `patient` engine lets an immediate order wait for the first price it can meet, where none is known when it comes in.
    """

    def __init__(
        self,
        *,
        instrument: Callable[[str], Instrument],
        exec_id: Callable[[], ExecId],
        child_id: Callable[[], OrderId],
        start: datetime,
        calendar: CalendarChoice = None,
        fees: FeeModel = NO_FEES,
        slippage: Slippage = NO_SLIPPAGE,
        liquidity: Liquidity = Liquidity.UNLIMITED,
        patient: bool = False,
    ) -> None:
        self.now = start
        self._patient = patient
        self._instrument = instrument
        self._calendar = calendar
        self._fees = fees
        self._rules = Rules(liquidity=liquidity, slippage=slippage)
        self._opening_rules = Rules(liquidity=liquidity, slippage=slippage, is_opening=True)
        self._life = Life(exec_id=exec_id, child_id=child_id, calendar_of=self._calendar_of)
        self._markets: dict[str, Market] = {}

    # -- commands ---------------------------------------------------------------------------------------------------------

    def submit(self, order_id: OrderId, order: NewOrder, *, at: datetime, account: str = "") -> list[Event]:
        """Take an order.  Raises `BadOrder` for terms that contradict themselves and `ValueError` for an id that is taken."""
        check_terms(order)
        if order_id in self._life.orders:
            raise ValueError(f"order id {order_id} is taken")
        self._pass_time(at)
        self._life.admit(order_id, order, account=account, at=self.now)
        self._land()
        return self._life.told()

    def cancel(self, order_id: OrderId, *, at: datetime) -> list[Event]:
        """Take an order out, with the open rest of its group.  Raises `KeyError` and `NotOpen`."""
        self._pass_time(at)
        order = self._life.must_be_open(order_id)
        self._life.end(order, Canceled(order_id=order.order_id, at=self.now, reason="user"))
        return self._life.told()

    def replace(
        self, order_id: OrderId, changes: OrderChanges, *, new_order_id: OrderId | None = None, at: datetime
    ) -> list[Event]:
        """Change an order.  `changes.order_qty` is the new total over the whole chain of ids.

        With a `new_order_id` the new order asks for what is left of that total.  Raises `KeyError`, `NotOpen` and `BadOrder`.
        """
        self._pass_time(at)
        order = self._life.must_be_open(order_id)
        if order.is_head:
            raise BadOrder("a multi-leg order is canceled and sent anew")
        if new_order_id is not None and new_order_id != order_id and new_order_id in self._life.orders:
            raise ValueError(f"order id {new_order_id} is taken")
        terms = with_changes(order, changes)
        if order.hwm is not None and changes.trail is not None:
            order.stop_px = trailing_stop(terms, order.hwm, self._instrument(order.symbol))
        if new_order_id is None or new_order_id == order_id:
            keeps_place = _is_only_smaller(order.order, terms)
            self._life.amend(order, terms, keeps_place=keeps_place, at=self.now)
        else:
            self._life.reissue(order, terms, new_order_id, self.now)
        self._land()
        return self._life.told()

    def force_fill(self, order_id: OrderId, *, qty: Quantity, price: Price, at: datetime) -> list[Event]:
        """Fill an order whatever the market says.  Raises `KeyError`, `NotOpen` and `BadOrder`."""
        self._pass_time(at)
        order = self._life.must_be_open(order_id)
        if order.is_head or order.status is MatchStatus.HELD:
            raise BadOrder("this order does not trade by itself")
        wanted = units_for(order, price, self._instrument(order.symbol))
        if not 0 < qty <= wanted:
            raise BadOrder(f"{qty} is not between zero and the {wanted} still open")
        self._fill(order, qty=qty, price=price, maker=False, is_last=qty == wanted)
        self._land()
        return self._life.told()

    def bust(self, exec_id: ExecId, *, at: datetime) -> list[Event]:
        """Take an execution back.  Raises `KeyError` when there is none of that id."""
        self._pass_time(at)
        self._life.bust(exec_id, self.now)
        return self._life.told()

    def correct(self, exec_id: ExecId, *, qty: Quantity, price: Price, at: datetime) -> list[Event]:
        """Give an execution fewer units, or another price.  Raises `KeyError` when there is none, `BadOrder` for more units."""
        self._pass_time(at)
        self._life.correct(exec_id, qty, price, self.now)
        return self._life.told()

    def restore(self, order: MatchOrder) -> None:
        """Take an order as it stood before a restart, without an event.  Heads come before their children."""
        self._life.restore(order)

    # -- the market and time ------------------------------------------------------------------------------------------------

    def on_quote(self, quote: Quote) -> list[Event]:
        """A new best bid and ask."""
        market = self._market(quote.symbol)
        if not self._life.open:
            market.set_quote(quote)
            return []
        self._pass_time(quote.time)
        market.set_quote(quote)
        self._run(quote.symbol, self._rules)
        return self._life.told()

    def on_trade(self, trade: Trade) -> list[Event]:
        """A public trade."""
        market = self._market(trade.symbol)
        if self._life.open:
            self._pass_time(trade.time)
        if market.quoted:
            market.last = trade.price
        else:
            market.set_point(trade.price, trade.size, trade.size)
        if self._life.open:
            self._run(trade.symbol, self._rules)
        return self._life.told()

    def on_book(self, delta: BookDelta) -> list[Event]:
        """A change of the order book."""
        if self._life.open:
            self._pass_time(delta.time)
        self._market(delta.symbol).apply(delta)
        if self._life.open:
            self._run(delta.symbol, self._rules)
        return self._life.told()

    def on_bar(self, bar: Bar) -> list[Event]:
        """A finished bar, walked point by point.  `at` of its events is its start; its volume is shared by the points."""
        market = self._market(bar.symbol)
        if market.quoted:
            return self.advance(bar.start) if self._life.open else []
        if bar.symbol not in self._life.queues and not self._life.is_due(bar.start):
            market.set_point(bar.close, bar.volume, bar.volume)
            return []
        self._pass_time(bar.start)
        market.set_point(bar.open, bar.volume, bar.volume)
        self._run(bar.symbol, self._opening_rules)
        if bar.symbol not in self._life.queues:
            market.set_point(bar.close, bar.volume, bar.volume)  # nobody is left who would meet the way there
            return self._life.told()
        high_first = bar.high - bar.open <= bar.open - bar.low
        for target in (bar.high, bar.low) if high_first else (bar.low, bar.high):
            self._walk(bar.symbol, market, target)
        self._walk(bar.symbol, market, bar.close)
        return self._life.told()

    def show(self, symbol: str, price: Price, size: Decimal) -> None:
        """A price that orders of several legs meet beside another one.  It is no trade: nothing of the symbol itself meets it."""
        market = self._market(symbol)
        market.bids, market.asks = {price: size}, {price: size}

    def close_book(self, symbol: str) -> None:
        """What is shown for a symbol is over: whoever comes now meets the next price.  The last trade stays known."""
        market = self._markets.get(symbol)
        if market is not None:
            market.bids, market.asks, market.quote = {}, {}, None

    def advance(self, at: datetime) -> list[Event]:
        """Let time pass: openings, closings, auctions, expiry."""
        self._pass_time(at)
        return self._life.told()

    # -- questions ----------------------------------------------------------------------------------------------------------

    @property
    def has_orders(self) -> bool:
        """Whether anything is open; feeders need not wake the engine otherwise."""
        return bool(self._life.open)

    def order(self, order_id: OrderId) -> MatchOrder:
        """Raises `KeyError` when it is unknown."""
        return self._life.orders[order_id]

    def orders(self) -> list[MatchOrder]:
        """All orders, in order of submission."""
        return list(self._life.orders.values())

    def open_orders(self, symbol: str | None = None) -> list[MatchOrder]:
        return [order for order in self._life.open.values() if symbol is None or order.symbol == symbol]

    def would_take(self, symbol: str, side: Side, limit: Price) -> bool:
        """Whether an order at `limit` would trade at once, as the market stands."""
        market = self._markets.get(symbol)
        touch = None if market is None else market.touch(side)
        return touch is not None and (touch <= limit if side is Side.BUY else touch >= limit)

    def quote(self, symbol: str) -> Quote | None:
        """The best bid and ask as last fed, without our own fills; None while nothing was fed."""
        market = self._markets.get(symbol)
        if market is None or (market.quote is None and not market.bids and not market.asks):
            return None
        if market.quote is not None:
            return market.quote
        bid, ask = market.touch(Side.SELL), market.touch(Side.BUY)
        return Quote(
            symbol=symbol,
            bid=bid,
            ask=ask,
            bid_size=ZERO if bid is None else market.bids[bid],
            ask_size=ZERO if ask is None else market.asks[ask],
            last=market.last,
            time=self.now,
        )

    # -- the pass -------------------------------------------------------------------------------------------------------------

    def _calendar_of(self, symbol: str) -> Calendar | None:
        choice = self._calendar
        if callable(choice):
            return choice(self._instrument(symbol))
        return choice

    def _market(self, symbol: str) -> Market:
        market = self._markets.get(symbol)
        if market is None:
            market = self._markets[symbol] = Market()
        return market

    def _pass_time(self, at: datetime) -> None:
        while self._life.is_due(at):
            self.now = max(self.now, self._life.ring())
            self._land()
        self.now = max(self.now, at)

    def _walk(self, symbol: str, market: Market, target: Price) -> None:
        """Move a single price to `target`, stopping where stops are elected."""
        while (current := market.last) is not None and current != target:
            queue = self._life.queues.get(symbol)
            step = target if queue is None else queue.next_stop(current, target) or target
            market.set_point(step, sum(market.bids.values(), ZERO), sum(market.asks.values(), ZERO))
            self._run(symbol, self._rules)

    def _run(self, symbol: str, rules: Rules) -> None:
        """Let the orders of one symbol meet its market: those that wait first, then the stops that it elects."""
        queue = self._life.queues.get(symbol)
        if queue is None:
            return
        market = self._markets[symbol]
        for side in Side:
            self._meet(queue, side, market, rules)
        for head in tuple(queue.multilegs.values()):
            self._try_legs(head)
        self._land()
        for order in sorted(queue.stops.values(), key=lambda stop: stop.seq) if queue.stops else ():
            self._watch(order, market)
        self._land()
        for order in tuple(queue.fresh.values()):
            if market.touch(order.side) is not None:
                self._met(order)

    def _meet(self, queue: Queue, side: Side, market: Market, rules: Rules) -> None:
        """Let those of one side trade, each place in the queue once; an iceberg that shows its next part has a new place."""
        touch = market.touch(side)
        done: set[int] = set()
        again = touch is not None
        while again and touch is not None:
            again = False
            for order in queue.crossing(side, touch):
                if order.seq in done:
                    continue
                done.add(order.seq)
                self._try(order, market, rules)
                if order.shown is not None and order.is_live and order.seq not in done:
                    again = True
                    break

    def _land(self) -> None:
        """Let everything that just came in meet the market, in order of arrival."""
        arrived = self._life.arrived
        while arrived:
            order = arrived.popleft()
            if not order.is_live:
                continue
            market = self._market(order.symbol)
            if order.is_head:
                self._try_legs(order)
            elif order.is_waiting_stop:
                self._watch(order, market)
            else:
                self._try(order, market, self._rules)

    def _try(self, order: MatchOrder, market: Market, rules: Rules) -> None:
        if not order.is_live:
            return
        if order.order.post_only and not order.resting and not self._may_rest(order, market):
            self._life.end(order, Canceled(order_id=order.order_id, at=self.now, reason="post_only"))
            return
        is_known = market.touch(order.side) is not None
        if is_known:
            maker = order.order.post_only or (order.resting and order.limit is not None and not rules.is_opening)
            for take in takes(order, market, self._instrument(order.symbol), rules):
                market.take(order.side, take.level, take.qty)
                self._fill(order, qty=take.qty, price=take.price, maker=maker, is_last=take.is_last)
        if order.is_live and (is_known or (order.order.tif in IMMEDIATE and not self._patient)):
            self._met(order)

    def _may_rest(self, order: MatchOrder, market: Market) -> bool:
        """Make a post-only order rest, unless it would take."""
        touch = market.touch(order.side)
        if touch is not None and is_within(order, touch):
            return False
        self._rest(order)
        return True

    def _rest(self, order: MatchOrder) -> None:
        order.resting = True
        self._life.queues[order.symbol].fresh.pop(order.order_id, None)
        if order.shown is None:
            order.shown = order.order.display_qty

    def _met(self, order: MatchOrder) -> None:
        """It met the market and something is left: it rests, or its time is over."""
        tif = order.order.tif
        if tif in IMMEDIATE or tif in AUCTIONS:
            reason = tif.value if tif in IMMEDIATE else "auction"
            self._life.end(order, Canceled(order_id=order.order_id, at=self.now, reason=reason))
        elif order.order.notional is not None and order.cum_qty and self._is_spent(order):
            self._life.end(order, Canceled(order_id=order.order_id, at=self.now, reason="notional"))
        else:
            self._rest(order)

    def _is_spent(self, order: MatchOrder) -> bool:
        """Whether what is left of a notional buys no further unit at the average price."""
        price = order.avg_px
        return price is not None and units_for(order, Price(price), self._instrument(order.symbol)) <= 0

    def _watch(self, order: MatchOrder, market: Market) -> None:
        """Let a trailing stop follow, and elect what is due."""
        reference = market.reference(order.side)
        if reference is None or not order.is_live:
            return
        if order.order.order_type is OrderType.TRAILING_STOP and is_better_mark(order, reference):
            stop_px = trailing_stop(order.order, reference, self._instrument(order.symbol))
            self._life.trail(order, hwm=reference, stop_px=stop_px, at=self.now)
        if is_elected(order, reference):
            self._life.trigger(order, reference, self.now)

    def _fill(self, order: MatchOrder, *, qty: Quantity, price: Price, maker: bool, is_last: bool) -> None:
        each = Price(price * self._instrument(order.symbol).multiplier)
        fee = self._fees.fee(symbol=order.symbol, side=order.side, qty=qty, price=each, maker=maker)
        self._life.fill(order, qty=qty, price=price, fee=fee, maker=maker, is_last=is_last, at=self.now)

    def _try_legs(self, head: MatchOrder) -> None:
        """All legs at their touch, when the net is within the limit; else nothing."""
        if not head.is_live:
            return
        prices = self._leg_prices(head)
        net = sum((leg.side.sign * leg.ratio_qty * px for leg, px in zip(head.order.legs, prices, strict=False)), ZERO)
        if len(prices) == len(head.order.legs) and (head.limit is None or net <= head.limit):
            for kid_id, px in zip(head.children, prices, strict=True):
                kid = self._life.orders[kid_id]
                assert kid.order.order_qty is not None
                self._markets[kid.symbol].take(kid.side, px, kid.order.order_qty)
                self._fill(kid, qty=kid.order.order_qty, price=px, maker=False, is_last=True)
            assert head.order.order_qty is not None
            self._life.fill(
                head, qty=head.order.order_qty, price=Price(net), fee=ZERO, maker=False, is_last=True, at=self.now
            )
        elif head.order.tif in IMMEDIATE:
            self._life.end(head, Canceled(order_id=head.order_id, at=self.now, reason=head.order.tif.value))

    def _leg_prices(self, head: MatchOrder) -> list[Price]:
        """The touch of every leg; shorter than the legs when one has no market, or not enough is shown."""
        prices: list[Price] = []
        for leg in head.order.legs:
            market = self._market(leg.symbol)
            touch = market.touch(leg.side)
            needed = leg.ratio_qty * (head.order.order_qty or ZERO)
            shown = ZERO if touch is None else (market.asks if leg.side is Side.BUY else market.bids)[touch]
            if touch is None or (self._rules.liquidity is Liquidity.DISPLAYED and shown < needed):
                break
            prices.append(touch)
        return prices


def _is_only_smaller(old: NewOrder, new: NewOrder) -> bool:
    """Whether nothing but the quantity changed, downwards."""
    if old.order_qty is None or new.order_qty is None or old.tif is not new.tif:
        return False
    return new.order_qty < old.order_qty and replace(old, order_qty=new.order_qty) == new
