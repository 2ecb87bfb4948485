"""One bot: shows its strategy one event after the other, carries its wishes, and remembers where it stands.

    event ─▶ host (the strategy) ─▶ wishes ─▶ clerk ─▶ desk
                  ▲                              │
                  └───── what became of them ◀───┘      then, as one step: state, handled, told ─▶ file

A bot that is killed anywhere in between wakes up before that event, with the state from before it.  It is shown what it has not
handled, wishes under the same names, and the desk knows those names.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.frozen import frozen
from floorbroker.domain.instrument import usual_tif
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.ports import Log
from floorbroker.domain.records import BookDelta, Quote, Trade
from floorbroker.domain.values import ZERO, OrderType, Quantity, Side
from floorbroker.gateway.desk import OrderFilter
from floorbroker.strategy.bots.clerk import Clerk, key_of
from floorbroker.strategy.bots.host import BotFailed, Host
from floorbroker.strategy.bots.logbook import Logbook
from floorbroker.strategy.bots.state import Keep, Kept
from floorbroker.strategy.bots.wire import Act, Begin, Closed, Done, Purse, Seen
from floorbroker.strategy.wishes import Filled, Ordered, Place, WishId

ROUNDS_MAX = 1_000  # of one event: answers to news that are answered again
MINUTE_S = 60.0


class Policy(Enum):
    """What becomes of a bot's orders when it is stopped because it failed."""

    CANCEL = "cancel"
    LEAVE = "leave"
    FLATTEN = "flatten"  # cancel, then close what its own orders hold


@frozen
class Spec:
    """What a bot is made of."""

    strategy: str
    parameters: dict[str, Any]
    calendar: str = "XNYS"
    policy: Policy = Policy.CANCEL
    wishes_minute_max: int = 120


@dataclass(slots=True, kw_only=True)
class Bot:
    """`purse` tells the account as the strategy is to see it.  `begin` comes first, then one event at a time."""

    name: str
    spec: Spec
    clerk: Clerk
    host: Host
    keep: Keep
    clock: Clock
    log: Log
    purse: Callable[[], Awaitable[Purse]]
    logbook: Logbook | None = None
    next_timer: datetime | None = None
    _wants: frozenset[str] = frozenset()
    _quotes: dict[str, Quote] = field(default_factory=dict[str, Quote])
    _sent_s: deque[float] = field(default_factory=deque[float])

    @property
    def kept(self) -> Kept:
        return self.clerk.kept

    async def begin(self, history: Sequence[Closed]) -> None:
        """Wake the strategy up where it was left: `history` is what it may know already.  Raises `BotFailed`."""
        self.clerk.find_orders()
        purse, so_far = self.clerk.abreast(await self.purse())
        begin = Begin(
            strategy=self.spec.strategy, parameters=self.spec.parameters, calendar=self.spec.calendar,
            now=self.clock.now(), state=self.kept.state, day=self.kept.day, purse=purse, so_far=so_far,
            wishes=[*self.kept.wishes.values()],
            history=[closed for closed in history if not self.is_new(closed)],
        )  # fmt: skip
        done = await self._guarded(self.host.begin(begin))
        self._wants = frozenset(done.wants)
        await self._settle(done, None)

    def is_new(self, closed: Closed) -> bool:
        """Whether the strategy was not shown this bar yet."""
        handled = self.kept.handled.get(closed.bar.symbol)
        return handled is None or closed.end > handled

    async def bar(self, closed: Closed) -> None:
        """A bar is over; one that was shown before is not shown again."""
        if self.is_new(closed):
            await self._show(bar=closed)

    async def quote(self, quote: Quote) -> None:
        """A strategy without a handler for quotes finds the newest beside its next event."""
        if "quote" in self._wants:
            await self._show(quote=quote)
        else:
            self._quotes[quote.symbol] = quote

    async def trade(self, trade: Trade) -> None:
        if "trade" in self._wants:
            await self._show(trade=trade)

    async def book(self, delta: BookDelta) -> None:
        if "book" in self._wants:
            await self._show(book=delta)

    async def tick(self) -> None:
        """Time passed: timers that are due."""
        await self._show()

    async def look(self) -> None:
        """Tell the strategy what became of its wishes meanwhile."""
        await self._settle(Done(state=self.kept.state, day=self.kept.day, next_timer=self.next_timer), None)

    async def adopt(self) -> None:
        """After what was missed has been shown: orders of a crash that were not asked for again are told."""
        self.clerk.adopt()
        await self.look()

    async def stop(self) -> None:
        """The end of a run that went well: orders stay as they are, the state is kept."""
        await self.host.see(Seen(now=self.clock.now(), purse=await self.purse(), stop=True))
        await self.host.close()

    # -- inside --------------------------------------------------------------------------------------------------------

    async def _show(self, **event: Any) -> None:
        self.clerk.passing("shown")
        closed: Closed | None = event.get("bar")
        await self._settle(await self._ask(**event), closed)

    async def _ask(self, **event: Any) -> Done:
        quotes = [*self._quotes.values()]
        self._quotes.clear()
        purse, so_far = self.clerk.abreast(await self.purse())
        seen = Seen(now=self.clock.now(), purse=purse, so_far=so_far, quotes=quotes, **event)
        return await self._guarded(self.host.see(seen))

    async def _guarded(self, asked: Awaitable[Done]) -> Done:
        """Whatever the strategy's side does wrong ends the bot, and its orders by policy."""
        try:
            done = await asked
            self._count(done.acts)
        except BotFailed as failed:
            await self.retire(str(failed))
            raise
        self.next_timer = done.next_timer
        return done

    def _count(self, acts: list[Act]) -> None:
        now_s = self.clock.monotonic()
        self._sent_s.extend(now_s for _ in acts)
        while self._sent_s and now_s - self._sent_s[0] > MINUTE_S:
            self._sent_s.popleft()
        if len(self._sent_s) > self.spec.wishes_minute_max:
            raise BotFailed(f"more than {self.spec.wishes_minute_max} wishes within a minute: it floods")

    async def _settle(self, first: Done, closed: Closed | None) -> None:
        """Carry wishes and tell news until there are none, then remember all of it at once."""
        waiting, rounds, last = deque([first]), 0, first
        while waiting:
            done = last = waiting.popleft()
            refused = await self.clerk.carry(done.acts)
            self._note(done, refused)
            for one in [*refused, *self.clerk.news()]:
                rounds += 1
                if rounds > ROUNDS_MAX:
                    await self.retire("it answers its own news without end: it floods")
                    raise BotFailed("it answers its own news without end")
                waiting.append(await self._tell(one))
        self.kept.state, self.kept.day = last.state, last.day
        if closed is not None:
            self.kept.handled[closed.bar.symbol] = closed.end
        self.clerk.passing("settled")
        self._write()

    async def _tell(self, one: Ordered | Filled) -> Done:
        return await (self._ask(filled=one) if isinstance(one, Filled) else self._ask(ordered=one))

    def _note(self, done: Done, refused: Sequence[Ordered]) -> None:
        """Every decision with what became of it, into the log."""
        if self.logbook is None:
            return
        said = {one.wish: one for one in refused}
        for members in done.decisions:
            wish = WishId(members["wish"])
            intent_id, no = self.kept.orders.get(wish), said.get(wish)
            order = self.clerk.desk.order(intent_id) if intent_id else None
            status = order.ord_status.value if order else no.ord_status.value if no else members["ord_status"]
            self.logbook.append(
                {
                    **members,
                    "bot": self.name,
                    "environment": self.kept.environment,
                    "profile": order.profile if order else self.clerk.profile or "",
                    "intent_id": intent_id or "",
                    "order_id": (order.order_id if order else None) or "",
                    "ord_status": status,
                    "refused": no.reason if no else members["refused"],
                    "key": key_of(self.name, wish),
                    "body_hash": self.clerk.hashes.get(wish, ""),
                }
            )

    async def retire(self, why: str) -> None:
        """Stop for good: the strategy's side ends, its orders go by the policy, the file says why and what was not closed.

        That it is stopped is written first: no desk in trouble, and no crash, lets it begin again.
        """
        self.log.error("bot.stopped", bot=self.name, reason=why)
        await self.host.close()
        self.kept.stopped = why
        self._write()
        if self.spec.policy is not Policy.LEAVE:
            await self._left("its orders were not cancelled", self._cancel())
        if self.spec.policy is Policy.FLATTEN:
            await self._left("what it holds was not closed", self._flatten())

    async def _cancel(self) -> None:
        where = OrderFilter(strategy=self.name)
        done = await self.clerk.desk.cancel_all(where, caller=self.clerk.caller, reason="its bot was stopped")
        for intent_id, error in done.refused.items():
            self._remains(f"order {intent_id} was not cancelled: {error.code}: {error.detail}")

    async def _flatten(self) -> None:
        for no in await self.clerk.carry([Act(place=place) for place in await self._closing()]):
            self._remains(f"{no.symbol} was not closed: {no.reason}")

    async def _left(self, what: str, work: Awaitable[None]) -> None:
        """One part of the policy; where the desk or the venue cannot do it, the next is tried all the same."""
        try:
            await work
        except FloorbrokerError as error:
            self._remains(f"{what}: {error.code}: {error.detail}")

    def _remains(self, text: str) -> None:
        """Said where a person looks why the bot was stopped."""
        self.log.error("bot.not_closed", bot=self.name, detail=text)
        self.kept.stopped = f"{self.kept.stopped.rstrip()}\n{text}"
        self._write()

    def _write(self) -> None:
        self.kept.at = self.clock.now()
        self.keep.write(self.kept)

    async def _closing(self) -> list[Place]:
        """What its own orders brought, and no more than the account still holds of it."""
        held = self.clerk.abreast(await self.purse())[0].held
        left = {symbol: common(qty, held.get(symbol, ZERO)) for symbol, qty in sorted(self.clerk.own().items())}
        return [_close(symbol, qty, at=self.clock.now()) for symbol, qty in left.items() if qty]


def common(own: Decimal, held: Decimal) -> Decimal:
    """As many of the own units as are held; none where the two are on different sides."""
    if own * held <= 0:
        return ZERO
    return min(own, held) if own > 0 else max(own, held)


def _close(symbol: str, qty: Any, *, at: datetime) -> Place:
    order = NewOrder(
        symbol=symbol, side=Side.SELL if qty > ZERO else Side.BUY, order_type=OrderType.MARKET,
        order_qty=Quantity(abs(qty)), tif=usual_tif(symbol), reason="its bot was stopped",
    )  # fmt: skip
    return Place(wish=WishId(f"stopped:{symbol}:{at:%Y%m%d%H%M%S}"), order=order)
