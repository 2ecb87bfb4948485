"""Order life: what each step does to an order, to its family and to the timers.  Knows no prices but those it is told."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import ZERO, ExecId, OrderClass, OrderId, Price, Quantity, TimeInForce
from floorbroker.matching.calendar import Calendar
from floorbroker.matching.events import (
    Accepted,
    Busted,
    Canceled,
    Corrected,
    DoneForDay,
    Event,
    Expired,
    Fill,
    Held,
    Replaced,
    Restated,
    Triggered,
    Working,
)
from floorbroker.matching.groups import are_rivals, children_of
from floorbroker.matching.orders import IMMEDIATE, BadOrder, MatchOrder, MatchStatus, NotOpen
from floorbroker.matching.priority import Queue
from floorbroker.matching.sessions import Bell, plan

SLEEPERS = frozenset({TimeInForce.GTC, TimeInForce.GTD})
CalendarOf = Callable[[str], Calendar | None]


class Life:
    """All orders of one engine.  Steps are told as events in `out`; orders that may now trade wait in `arrived`."""

    def __init__(
        self, *, exec_id: Callable[[], ExecId], child_id: Callable[[], OrderId], calendar_of: CalendarOf
    ) -> None:
        self.orders: dict[OrderId, MatchOrder] = {}
        self.open: dict[OrderId, MatchOrder] = {}
        self.queues: dict[str, Queue] = {}
        self.arrived: deque[MatchOrder] = deque()
        self._out: list[Event] = []
        self._exec_id = exec_id
        self._child_id = child_id
        self._calendar_of = calendar_of
        self._timers: list[tuple[datetime, Bell, int, OrderId]] = []
        self._seq = 0

    def told(self) -> list[Event]:
        """What happened since the last call."""
        out, self._out = self._out, []
        return out

    # -- coming in ------------------------------------------------------------------------------------------------------

    def admit(self, order_id: OrderId, terms: NewOrder, *, account: str, at: datetime) -> None:
        """Take a new order with its children."""
        head = self._new(order_id, terms, account=account, at=at, group=terms.order_class)
        kids = [
            self._new(self._child_id(), child, account=account, at=at, group=terms.order_class, parent_id=order_id)
            for child in children_of(terms)
        ]
        head.children = tuple(kid.order_id for kid in kids)
        self.enter(head, at)
        for kid in kids:
            if not kid.is_open:
                continue  # the head ended at once, and its family with it
            if head.group is OrderClass.OCO:
                self.enter(kid, at)
            else:
                kid.status = head.status if kid.is_leg else MatchStatus.HELD
                self._out.append(self._word_for(kid, at))

    @staticmethod
    def _word_for(kid: MatchOrder, at: datetime) -> Event:
        words = {MatchStatus.HELD: Held, MatchStatus.ACCEPTED: Accepted}
        return words.get(kid.status, Working)(order_id=kid.order_id, at=at)

    def _new(
        self,
        order_id: OrderId,
        terms: NewOrder,
        *,
        account: str,
        at: datetime,
        group: OrderClass,
        parent_id: OrderId | None = None,
    ) -> MatchOrder:
        self._seq += 1
        order = MatchOrder(
            order_id=order_id,
            account=account,
            order=terms,
            seq=self._seq,
            submitted_at=at,
            updated_at=at,
            stop_px=terms.stop_px,
            group=group,
            parent_id=parent_id,
        )
        self.orders[order_id] = order
        self.open[order_id] = order
        return order

    def enter(self, order: MatchOrder, at: datetime) -> None:
        """Let an order work, or wait for its session."""
        works = self._schedule(order, at)
        if works:
            self._work(order, at)
            self.arrived.append(order)
        elif order.order.tif in IMMEDIATE:
            self.end(order, Canceled(order_id=order.order_id, at=at, reason="closed"))
        else:
            order.status = MatchStatus.ACCEPTED
            self._out.append(Accepted(order_id=order.order_id, at=at))

    def _schedule(self, order: MatchOrder, at: datetime) -> bool:
        steps = plan(order.order, self._calendar_of(_first_symbol(order)), at)
        for moment, bell in steps.bells:
            heapq.heappush(self._timers, (moment, bell, order.seq, order.order_id))
        return steps.works

    def _work(self, order: MatchOrder, at: datetime) -> None:
        order.status = MatchStatus.PARTIALLY_FILLED if order.cum_qty else MatchStatus.WORKING
        order.updated_at = at
        self._out.append(Working(order_id=order.order_id, at=at))
        self._queue(order)
        for kid in self._legs(order):
            kid.status = MatchStatus.WORKING
            kid.updated_at = at

    def _queue(self, order: MatchOrder) -> None:
        if order.is_head:
            for leg in order.order.legs:
                self.queues.setdefault(leg.symbol, Queue()).multilegs[order.order_id] = order
        elif not order.is_leg:
            self.queues.setdefault(order.symbol, Queue()).add(order)

    def _unqueue(self, order: MatchOrder) -> None:
        for symbol in [leg.symbol for leg in order.order.legs] if order.is_head else [order.symbol]:
            queue = self.queues.get(symbol)
            if queue is not None:
                queue.remove(order)
                if not queue:
                    del self.queues[symbol]

    def restore(self, order: MatchOrder) -> None:
        """Take an order as it stood, without a word: for a venue that starts again."""
        self._seq = max(self._seq, order.seq)
        self.orders[order.order_id] = order
        if not order.is_open:
            return
        self.open[order.order_id] = order
        if order.status is not MatchStatus.HELD and not order.is_leg:
            # From where its clock began, so that an opening or an end missed meanwhile is made up for.
            self._schedule(order, order.updated_at if order.order.tif in SLEEPERS else order.submitted_at)
        if order.is_live:
            self._queue(order)

    # -- timers -----------------------------------------------------------------------------------------------------------

    def is_due(self, at: datetime) -> bool:
        return bool(self._timers) and self._timers[0][0] <= at

    def ring(self) -> datetime:
        """Let the next bell ring; returns its time."""
        moment, bell, seq, order_id = heapq.heappop(self._timers)
        order = self.orders[order_id]
        if not order.is_open or order.seq != seq:
            return moment
        if bell is Bell.EXPIRE:
            self.end(order, Expired(order_id=order_id, at=moment))
        elif bell is Bell.CLOSE:
            self._sleep(order, moment)
        else:
            self._wake(order, moment, bell)
        return moment

    def _wake(self, order: MatchOrder, at: datetime, bell: Bell) -> None:
        """Start to work.  At an opening the next price counts, not the one from before; an auction is now."""
        if order.status not in (MatchStatus.ACCEPTED, MatchStatus.DONE_FOR_DAY):
            return
        self._work(order, at)
        if bell is Bell.AUCTION:
            self.arrived.append(order)
        elif order.order.tif in SLEEPERS:
            self._schedule(order, at)

    def _sleep(self, order: MatchOrder, at: datetime) -> None:
        calendar = self._calendar_of(_first_symbol(order))
        if calendar is None or not order.is_live:
            return
        self._unqueue(order)
        order.status = MatchStatus.DONE_FOR_DAY
        order.updated_at = at
        self._out.append(DoneForDay(order_id=order.order_id, at=at))
        opens = calendar.next_open(at, extended=order.order.extended_hours)
        heapq.heappush(self._timers, (opens, Bell.OPEN, order.seq, order.order_id))

    # -- trading ----------------------------------------------------------------------------------------------------------

    def trigger(self, order: MatchOrder, price: Price, at: datetime) -> None:
        """A stop was elected: from now on it is a market or limit order that just came in."""
        self._unqueue(order)
        order.triggered = True
        order.updated_at = at
        self._out.append(Triggered(order_id=order.order_id, at=at, price=price))
        self._queue(order)
        self.arrived.append(order)

    def trail(self, order: MatchOrder, *, hwm: Price, stop_px: Price, at: datetime) -> None:
        """A trailing stop follows the market."""
        order.hwm, order.stop_px = hwm, stop_px
        self.restate(order, order.order, at)

    def restate(self, order: MatchOrder, terms: NewOrder, at: datetime) -> None:
        order.order = terms
        order.updated_at = at
        self._out.append(Restated(order_id=order.order_id, at=at, order=terms, stop_px=order.stop_px, hwm=order.hwm))

    def fill(
        self, order: MatchOrder, *, qty: Quantity, price: Price, fee: Decimal, maker: bool, is_last: bool, at: datetime
    ) -> Fill:
        """Book one execution, and what it means for the family."""
        order.cum_qty = Quantity(order.cum_qty + qty)
        order.spent += qty * price
        order.status = MatchStatus.FILLED if is_last else MatchStatus.PARTIALLY_FILLED
        order.updated_at = at
        left = ZERO if is_last or order.order.order_qty is None else order.order.order_qty - order.cum_qty
        fill = Fill(
            order_id=order.order_id,
            at=at,
            exec_id=self._exec_id(),
            symbol=order.symbol,
            side=order.side,
            qty=qty,
            price=price,
            fee=fee,
            cum_qty=order.cum_qty,
            leaves_qty=Quantity(left),
            is_last=is_last,
            maker=maker,
            is_summary=order.is_head,
        )
        order.fills += (fill,)
        self._out.append(fill)
        if is_last:
            self._forget(order)
        elif order.shown is not None:
            self._show(order, Quantity(order.shown - qty), at)
        self._tell_family(order, qty, at)
        return fill

    def _show(self, order: MatchOrder, left: Quantity, at: datetime) -> None:
        """What is left of the shown part; when nothing is, the next part shows and queues anew."""
        if left > 0:
            order.shown = left
            return
        queue = self.queues.setdefault(order.symbol, Queue())
        queue.remove(order)
        self._seq += 1
        order.seq, order.shown = self._seq, order.order.display_qty
        self._schedule(order, at)  # bells know an order by its place
        queue.add(order)

    def _tell_family(self, order: MatchOrder, qty: Quantity, at: datetime) -> None:
        for other in self.family(order):
            if not other.is_open:
                continue
            if are_rivals(order, other):
                self._shrink(other, qty, is_over=not order.is_open, at=at)
            elif other.parent_id == order.order_id and order.status is MatchStatus.FILLED and not other.is_leg:
                self._release(other, order, at)

    def _shrink(self, other: MatchOrder, qty: Quantity, *, is_over: bool, at: datetime) -> None:
        total = other.order.order_qty
        if is_over or total is None or total - qty <= other.cum_qty:
            self._close(other, MatchStatus.CANCELED, Canceled(order_id=other.order_id, at=at, reason="oco"))
        else:
            self.restate(other, replace(other.order, order_qty=Quantity(total - qty)), at)

    def _release(self, child: MatchOrder, parent: MatchOrder, at: datetime) -> None:
        """The entry is filled: its exit works for what was really bought or sold.  Once: a bust can let it fill again."""
        if child.status is not MatchStatus.HELD:
            return
        child.order = replace(child.order, order_qty=Quantity(parent.cum_qty + parent.carried))
        self.enter(child, at)

    def bust(self, exec_id: ExecId, at: datetime) -> None:
        """An execution never was.  A filled order stays closed, with open quantity.  Raises `KeyError` for an unknown one."""
        order, fill = self._executed(exec_id)
        order.fills = tuple(f for f in order.fills if f.exec_id != exec_id)
        order.cum_qty = Quantity(order.cum_qty - fill.qty)
        order.spent -= fill.qty * fill.price
        order.updated_at = at
        self._out.append(Busted(order_id=order.order_id, at=at, fill=fill))
        self._reopen(order, at)

    def correct(self, exec_id: ExecId, qty: Quantity, price: Price, at: datetime) -> None:
        """An execution was for fewer units, or at another price.  Raises `KeyError` for an unknown one, `BadOrder` for more."""
        order, before = self._executed(exec_id)
        if not 0 < qty <= before.qty:
            raise BadOrder(f"{qty} is not between zero and the {before.qty} of the execution")
        fill = replace(before, qty=qty, price=price)
        order.fills = tuple(fill if f.exec_id == exec_id else f for f in order.fills)
        order.cum_qty = Quantity(order.cum_qty - before.qty + qty)
        order.spent += qty * price - before.qty * before.price
        order.updated_at = at
        self._out.append(Corrected(order_id=order.order_id, at=at, before=before, fill=fill))
        if qty < before.qty:
            self._reopen(order, at)

    def _executed(self, exec_id: ExecId) -> tuple[MatchOrder, Fill]:
        """Raises `KeyError`."""
        for order in self.orders.values():
            for fill in order.fills:
                if fill.exec_id == exec_id and not fill.is_summary:
                    return order, fill
        raise KeyError(exec_id)

    def _reopen(self, order: MatchOrder, at: datetime) -> None:
        """Units were taken back: a filled order stays closed, one that works has more to do."""
        if order.status is MatchStatus.FILLED:
            order.status = MatchStatus.CANCELED
            self._out.append(Canceled(order_id=order.order_id, at=at, reason="bust"))
        elif order.is_live:
            order.status = MatchStatus.PARTIALLY_FILLED if order.cum_qty else MatchStatus.WORKING

    # -- new terms ----------------------------------------------------------------------------------------------------------

    def amend(self, order: MatchOrder, terms: NewOrder, *, keeps_place: bool, at: datetime) -> None:
        """New terms under the same id.  Only a smaller quantity keeps the place in the queue."""
        if keeps_place:
            order.order = terms
            self._out.append(Replaced(order_id=order.order_id, at=at, new_order_id=order.order_id, order=terms))
            return
        self._unqueue(order)
        self._seq += 1
        order.seq, order.order, order.resting, order.shown = self._seq, terms, False, None
        order.stop_px = terms.stop_px if terms.stop_px is not None else order.stop_px
        self._out.append(Replaced(order_id=order.order_id, at=at, new_order_id=order.order_id, order=terms))
        self._restart(order, at, says_so=False)

    def reissue(self, old: MatchOrder, terms: NewOrder, new_id: OrderId, at: datetime) -> None:
        """New terms under a new id: the old order ends as replaced, the new one asks for what was left."""
        if terms.order_qty is not None:
            terms = replace(terms, order_qty=Quantity(terms.order_qty - old.cum_qty))
        fresh = self._new(new_id, terms, account=old.account, at=at, group=old.group, parent_id=old.parent_id)
        fresh.status, fresh.triggered, fresh.hwm = old.status, old.triggered, old.hwm
        fresh.stop_px = terms.stop_px if terms.stop_px is not None else old.stop_px
        fresh.children, fresh.replaces, fresh.carried = old.children, old.order_id, old.carried + old.cum_qty
        self._unqueue(old)
        self._forget(old)
        old.status, old.replaced_by, old.updated_at = MatchStatus.REPLACED, new_id, at
        self._adopt(old, fresh)
        self._out.append(Replaced(order_id=old.order_id, at=at, new_order_id=new_id, order=terms))
        self._restart(fresh, at, says_so=True)

    def _adopt(self, old: MatchOrder, fresh: MatchOrder) -> None:
        for child_id in fresh.children:
            self.orders[child_id].parent_id = fresh.order_id
        if old.parent_id is not None:
            parent = self.orders[old.parent_id]
            parent.children = tuple(fresh.order_id if kid == old.order_id else kid for kid in parent.children)

    def _restart(self, order: MatchOrder, at: datetime, *, says_so: bool) -> None:
        if order.status is MatchStatus.HELD:
            if says_so:
                self._out.append(Held(order_id=order.order_id, at=at))
            return
        before = len(self._out)
        self.enter(order, at)
        if not says_so and isinstance(self._out[before], Working | Accepted):
            del self._out[before]  # the same order under the same id: `Replaced` said it

    # -- going out ------------------------------------------------------------------------------------------------------------

    def end(self, order: MatchOrder, event: Canceled | Expired) -> None:
        """Close an order, and with it the open rest of its family."""
        status = MatchStatus.EXPIRED if isinstance(event, Expired) else MatchStatus.CANCELED
        self._close(order, status, event)
        for other in self.family(order):
            if other.is_open:
                word = Canceled(order_id=other.order_id, at=event.at, reason="group")
                self._close(
                    other, status, replace(event, order_id=other.order_id) if isinstance(event, Expired) else word
                )

    def _close(self, order: MatchOrder, status: MatchStatus, event: Event) -> None:
        order.status = status
        order.updated_at = event.at
        self._forget(order)
        self._out.append(event)

    def _forget(self, order: MatchOrder) -> None:
        self._unqueue(order)
        self.open.pop(order.order_id, None)

    def family(self, order: MatchOrder) -> list[MatchOrder]:
        """The others of its group: head first."""
        head = order if order.parent_id is None else self.orders[order.parent_id]
        return [self.orders[other] for other in (head.order_id, *head.children) if other != order.order_id]

    def _legs(self, head: MatchOrder) -> Iterable[MatchOrder]:
        return [self.orders[kid] for kid in head.children] if head.is_head else []

    def must_be_open(self, order_id: OrderId) -> MatchOrder:
        """The order; a leg stands for its head.  Raises `KeyError` and `NotOpen`."""
        order = self.orders[order_id]
        if order.is_leg and order.parent_id is not None:
            order = self.orders[order.parent_id]
        if not order.is_open:
            raise NotOpen(order_id, order.status.value)
        return order


def _first_symbol(order: MatchOrder) -> str:
    """The symbol whose market hours count; for a multi-leg order its first leg's."""
    return order.order.legs[0].symbol if order.is_head else order.symbol
