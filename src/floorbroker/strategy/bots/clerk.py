"""The desk's side of a bot: carries its wishes to the desk and brings back what became of them.

Every wish has one name, made of what caused it, and goes to the desk under that name as its idempotency key.  Asked again after a
crash, the desk answers with the order that is there; asked for something else under the same name, it refuses: the first wish
of a cause stands.  The name is in the order itself (`client_tag`), so that a bot that lost its file finds its orders again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

import msgspec

from floorbroker.domain.errors import FloorbrokerError, Outcome
from floorbroker.domain.orders import NewOrder, Order, OrderChanges
from floorbroker.domain.values import ZERO, IntentId, OrderClass, OrdStatus, ProfileName, Quantity, total_of
from floorbroker.gateway.desk import Caller, CancelledAll, OrderFilter, Submitted
from floorbroker.gateway.routing.record import whole_of
from floorbroker.oms.holdings import part_of, signed
from floorbroker.strategy.bots.hearing import hear
from floorbroker.strategy.bots.state import Ended, Kept, Told
from floorbroker.strategy.bots.wire import Act, Purse
from floorbroker.strategy.wishes import Change, Filled, Ordered, Place, WishId, Withdraw

KEY_MAX = 120
ENDED_MAX = 100  # wishes that are over and still remembered
CLOCK_SLACK = timedelta(hours=3)
Passing = Callable[[str], None]  # between two deeds of a bot; where a test breaks in


def nowhere(step: str) -> None:
    """Nobody breaks in."""
    del step


class Desk(Protocol):
    """What a bot needs of the desk."""

    async def submit(
        self,
        order: NewOrder,
        *,
        profile: ProfileName | None,
        caller: Caller,
        key: str | None = None,
        body_hash: str = "",
    ) -> Submitted: ...

    def order(self, intent_id: str) -> Order: ...

    def latest(self, intent_id: IntentId) -> Order | None: ...

    def orders(self, where: OrderFilter = ...) -> list[Order]: ...

    async def cancel(self, intent_id: IntentId, *, caller: Caller, reason: str = "") -> Order: ...

    async def cancel_all(self, where: OrderFilter, *, caller: Caller, reason: str = "") -> CancelledAll: ...

    async def modify(self, intent_id: IntentId, changes: OrderChanges, *, caller: Caller) -> Order: ...


@dataclass(slots=True, kw_only=True)
class Clerk:
    """One bot's wishes at the desk.  `kept` is its memory, which the caller writes down."""

    name: str
    desk: Desk
    profile: ProfileName | None
    kept: Kept
    passing: Passing = nowhere
    orphans: dict[WishId, Order] = field(default_factory=dict[WishId, Order])
    hashes: dict[WishId, str] = field(default_factory=dict[WishId, str])  # of what was asked with the last wishes
    _wish_of: dict[IntentId, WishId] = field(default_factory=dict[IntentId, WishId])
    _stirred: set[WishId] = field(default_factory=set[WishId])  # that are over, and to be looked at again
    _owed: dict[WishId, IntentId] = field(default_factory=dict[WishId, IntentId])  # over, executions may be to come

    @property
    def caller(self) -> Caller:
        return Caller(principal=f"bot:{self.name}", via="strategy")

    def find_orders(self) -> None:
        """Know again what the desk has of this bot: what our file knows, and what it does not, which is kept apart.

        The strategy wakes up before those were wished.  Shown the same event it asks for them again, and they are its own.
        """
        kept = self.kept
        self._wish_of = {intent_id: wish for wish, intent_id in kept.orders.items()}
        self._wish_of |= {ended.intent_id: wish for wish, ended in kept.ended.items()}
        self._owed = {wish: ended.intent_id for wish, ended in kept.ended.items()}
        self.stir()
        found = self.desk.orders(OrderFilter(strategy=self.name, open_only=True))
        if kept.at is not None:
            found += self.desk.orders(OrderFilter(strategy=self.name, since=self._since(kept.at)))
        for part in found:
            order = part if (whole := whole_of(part)) is None else self.desk.order(whole)
            wish = WishId(order.terms.client_tag)
            if wish and order.intent_id not in self._wish_of and order.parent_id is None:
                self.orphans[wish] = order

    def stir(self) -> None:
        """Look at everything again that is over, with the next news."""
        self._stirred.update(self.kept.ended)

    def _since(self, written: datetime) -> datetime:
        """From when on orders may be unknown to our file: a clock that was set back meanwhile dates them earlier."""
        since = written - CLOCK_SLACK
        if len(self.kept.ended) < ENDED_MAX:
            return since
        oldest = next(iter(self.kept.ended.values()))  # what is older was forgotten, and told before that
        return max(since, self.desk.order(oldest.intent_id).created_at)

    def adopt(self) -> None:
        """What was not asked for again is the strategy's all the same: it is told of it like of any other wish."""
        for wish, order in self.orphans.items():
            self._know(wish, order)
        self.orphans.clear()

    async def carry(self, acts: list[Act]) -> list[Ordered]:
        """Everything that was wished, in order; what the desk itself refused comes back at once."""
        refused: list[Ordered] = []
        self.hashes.clear()
        for act in acts:
            self.passing("carry")
            if act.place is not None:
                refused += await self._place(act.place)
            elif act.withdraw is not None:
                refused += await self._withdraw(act.withdraw)
            elif act.change is not None:
                refused += await self._change(act.change)
        return refused

    async def _place(self, place: Place) -> list[Ordered]:
        order = replace(place.order, strategy=self.name, client_tag=place.wish, allow_duplicate=True)
        key = key_of(self.name, place.wish)
        self.hashes[place.wish] = digest = digest_of(order)
        try:
            submitted = await self.desk.submit(
                order, profile=self.profile, caller=self.caller, key=key, body_hash=digest
            )
        except FloorbrokerError as error:
            if (first := self._first(place.wish)) is None:
                return [self._refused(place, error)]
            self.orphans.pop(place.wish, None)
            self._know(place.wish, first)
            return []
        self.passing("placed")
        self.orphans.pop(place.wish, None)
        self._know(place.wish, submitted.order)
        self.kept.wishes[place.wish] = _asked(place.wish, place.order)
        return []

    def _know(self, wish: WishId, order: Order) -> None:
        if (ended := self.kept.ended.pop(wish, None)) is not None:  # asked for again after it was adopted, and over
            self.kept.heard[wish] = ended.heard
        self._owed.pop(wish, None)
        self.kept.orders[wish] = order.intent_id
        self._wish_of[order.intent_id] = wish

    def _first(self, wish: WishId) -> Order | None:
        """What this cause was answered with before: its first wish stands, whatever is said to another one."""
        ended = self.kept.ended.get(wish)
        intent_id = self.kept.orders.get(wish) or (ended.intent_id if ended is not None else None)
        return self.orphans.get(wish) if intent_id is None else self.desk.order(intent_id)

    def _refused(self, place: Place, error: FloorbrokerError) -> Ordered:
        """A no to what is nowhere yet."""
        status = OrdStatus.UNKNOWN if error.outcome is Outcome.UNKNOWN else OrdStatus.NOT_SENT
        return Ordered(
            wish=place.wish, order=place.order, ord_status=status, cum_qty=_NONE, reason=f"{error.code}: {error.detail}"
        )

    async def _withdraw(self, withdraw: Withdraw) -> list[Ordered]:
        if withdraw.wish not in self.kept.orders:
            return []
        if (order := self._order_of(withdraw.wish)) is None:
            return [self._unchanged(withdraw.wish, "not cancelled: it is on its way to another broker")]
        if not order.is_open:
            return []
        try:
            await self.desk.cancel(order.intent_id, caller=self.caller, reason="the strategy withdrew it")
        except FloorbrokerError as error:
            return [self._unchanged(withdraw.wish, f"not cancelled: {error.code}: {error.detail}")]
        return []

    async def _change(self, change: Change) -> list[Ordered]:
        intent_id = self.kept.orders.get(change.wish)
        if intent_id is None:
            return []
        try:
            await self.desk.modify(intent_id, change.changes, caller=self.caller)
        except FloorbrokerError as error:
            return [self._unchanged(change.wish, f"not changed: {error.code}: {error.detail}")]
        return []

    def _unchanged(self, wish: WishId, why: str) -> Ordered:
        """Where an order stands as the strategy was told, and why it stays there."""
        told = self.kept.wishes.get(wish)
        return replace(told or _standing(wish, self.desk.order(self.kept.orders[wish])), reason=why)

    def news(self) -> Iterator[Ordered | Filled]:
        """What the strategy was not told yet of its wishes: executions first, then where each order stands.

        Whoever takes one has told it: `heard` and `wishes` move on with it.  Of wishes that are over, those that `notices` saw
        change are looked at.
        """
        for wish in [*self.kept.orders]:
            yield from self._news_of(wish)
        while self._stirred:
            wish = self._stirred.pop()
            if self._wakes(wish):
                yield from self._news_of(wish)

    def _order_of(self, wish: WishId) -> Order | None:
        """What a wish is at the desk now: where its order moved to another broker, that one.  None while it is on its way: who
        is told that it came to nothing wishes for it again, and has it twice.
        """
        order = self.desk.order(self.kept.orders[wish])
        if order.is_open or order.cum_qty:
            return order
        latest = self.desk.latest(order.intent_id)
        if latest is not None:
            self.kept.orders[wish] = latest.intent_id
            self._wish_of[latest.intent_id] = wish
        return latest

    def _news_of(self, wish: WishId) -> Iterator[Ordered | Filled]:
        if (order := self._order_of(wish)) is None:
            return
        heard = self.kept.heard.setdefault(wish, {})
        for execution in order.executions[: self.kept.told.pop(wish, 0)]:  # as an earlier version counted them
            heard[execution.exec_id] = Told(execution.last_qty, execution.synthetic)
        for fresh in iter(lambda: hear(heard, order.executions), None):
            execution, qty = fresh
            yield Filled(
                wish=wish, symbol=execution.symbol, side=execution.side, qty=qty,
                price=execution.last_px, fee=execution.fee.amount if execution.fee else ZERO,
                at=execution.transact_time, exec_id=execution.exec_id,
            )  # fmt: skip
        known, stands = self.kept.wishes.get(wish), _standing(wish, order)
        if known is None or (known.ord_status, known.cum_qty) != (stands.ord_status, stands.cum_qty):
            self.kept.wishes[wish] = stands
            yield stands
        if not order.is_open:
            self._end(wish)

    def abreast(self, purse: Purse) -> tuple[Purse, dict[str, Decimal]]:
        """The purse with units that a venue told the total of and not yet the executions, and what each open wish has filled.

        Both are of this moment: what a strategy holds and what it waits for are never out of step.
        """
        held, so_far = dict(purse.held), dict[str, Decimal]()
        for wish, intent_id in self.kept.orders.items():
            order = self.desk.order(intent_id)
            so_far[wish] = order.cum_qty
            _hold(held, order)
        for wish, intent_id in [*self._owed.items()]:
            order = self.desk.order(intent_id)
            if order.needs_executions:
                _hold(held, order)
            else:
                del self._owed[wish]
        return msgspec.structs.replace(purse, held={symbol: qty for symbol, qty in held.items() if qty}), so_far

    def own(self) -> dict[str, Decimal]:
        """Signed units that the orders of this bot hold, by symbol, as far back as the desk knows orders."""
        held = dict[str, Decimal]()
        for order in self.desk.orders(OrderFilter(strategy=self.name, profile=self.profile)):
            for execution in part_of(order):
                held[execution.symbol] = held.get(execution.symbol, ZERO) + signed(execution)
            _hold(held, order)
        return held

    def _end(self, wish: WishId) -> None:
        """It is over, as far as anybody knows."""
        kept = self.kept
        self._owed[wish] = kept.orders[wish]
        stands = kept.wishes.pop(wish)
        kept.ended[wish] = Ended(kept.orders.pop(wish), stands.ord_status, stands.cum_qty, kept.heard.pop(wish))
        while len(kept.ended) > ENDED_MAX:
            oldest = next(iter(kept.ended))
            self._wish_of.pop(kept.ended.pop(oldest).intent_id, None)

    def _wakes(self, wish: WishId) -> bool:
        """Take a wish that is over up again when there is something to tell of it."""
        ended = self.kept.ended.get(wish)
        if ended is None:
            return False
        order = self.desk.order(ended.intent_id)
        is_known = (ended.ord_status, ended.cum_qty) == (order.ord_status, order.cum_qty)
        if is_known and all(execution.exec_id in ended.heard for execution in order.executions):
            return False
        del self.kept.ended[wish]
        self._owed.pop(wish, None)
        self.kept.orders[wish], self.kept.heard[wish] = ended.intent_id, ended.heard
        if is_known:
            self.kept.wishes[wish] = _standing(wish, order)
        return True

    def notices(self, order: Order) -> bool:
        """Whether an order that changed is one of ours, a part of one, or in its place; one that is over is looked at again."""
        wish = self._wish_of.get(order.intent_id) or self._tagged(order)
        if wish is not None and wish in self.kept.ended:
            self._stirred.add(wish)
        return wish is not None

    def _tagged(self, order: Order) -> WishId | None:
        wish = WishId(order.terms.client_tag)
        is_ours = order.terms.strategy == self.name and (wish in self.kept.orders or wish in self.kept.ended)
        return wish if is_ours else None

    @property
    def is_quiet(self) -> bool:
        """Whether nothing of ours is on its way: no answer, cancel or execution is waited for."""
        return not any(_is_moving(self._order_of(wish)) for wish in [*self.kept.orders])


def _hold(held: dict[str, Decimal], order: Order) -> None:
    """Count units of which no execution is known yet; those of several legs are nothing of one symbol."""
    if order.needs_executions and order.terms.order_class is not OrderClass.MULTILEG:
        symbol, known = order.terms.symbol, total_of(execution.last_qty for execution in order.executions)
        held[symbol] = held.get(symbol, ZERO) + order.terms.side.sign * max(order.cum_qty - known, ZERO)


def _is_moving(order: Order | None) -> bool:
    return (
        order is None
        or order.pending_cancel
        or order.pending_replace
        or order.ord_status is OrdStatus.PENDING_NEW
        or order.needs_executions
    )


def _asked(wish: WishId, order: NewOrder) -> Ordered:
    """As the strategy knows it before it hears anything."""
    return Ordered(wish=wish, order=order, ord_status=OrdStatus.PENDING_NEW, cum_qty=_NONE)


def _standing(wish: WishId, order: Order) -> Ordered:
    return Ordered(
        wish=wish,
        order=order.terms,
        ord_status=order.ord_status,
        cum_qty=order.cum_qty,
        avg_px=order.avg_px,
        order_id=order.order_id or "",
        reason=order.reject_reason or order.venue_text or "",
    )


def key_of(bot: str, wish: WishId) -> str:
    """The idempotency key of a wish: short enough for every door."""
    key = f"{bot}/{wish}"
    return key if len(key) <= KEY_MAX else f"{key[: KEY_MAX - 33]}/{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def digest_of(order: NewOrder) -> str:
    """SHA-256 of an order's terms: the same terms have the same one."""
    return hashlib.sha256(msgspec.json.encode(order, order="sorted")).hexdigest()


_NONE = Quantity(ZERO)
