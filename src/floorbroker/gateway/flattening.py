"""Level 3: positions are closed once nothing is open any more, by one order a symbol under the kill permit (RELIABILITY 6).

Before each order the journal must be writable and a round must have agreed with the venue, after every earlier order of the kill
is closed and known.  Each try has an idempotency key made of the trip, the symbol and its number, so that no crash, restart or
repeat sends one twice (I1, I20); after three tries a position is left to people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import NewOrder, Order, OrderState
from floorbroker.domain.ports import Log
from floorbroker.domain.records import Position
from floorbroker.domain.values import IntentId, ProfileName
from floorbroker.gateway.desk import FlattenedPosition
from floorbroker.gateway.flatten import COLLAR_BPS, Left, asks_hours, closing, is_closed
from floorbroker.gateway.kill import KillSwitch
from floorbroker.gateway.session import ProfileSession
from floorbroker.oms.account import AccountContext, Actor
from floorbroker.oms.submit import Key
from floorbroker.oms.unforeseen import ours

FLATTENS = 3  # the level from which on positions are closed
ROUTE = "kill switch"
TRIES = 3
WAIT_S = 10.0  # for an order to be filled, before what is left of it is cancelled
LOOK_S = 0.25
BY = Actor(principal="gateway", via="kill")
NOT_OPTED = "the profile does not opt in (flatten = true)"


@dataclass(slots=True)
class _Trip:
    """What became of each symbol of a profile since one trip, and how often its order was refused."""

    profile: ProfileName
    name: str
    told: dict[str, FlattenedPosition] = field(default_factory=dict[str, FlattenedPosition])
    refused: dict[str, int] = field(default_factory=dict[str, int])

    def tell(self, symbol: str, state: str, detail: str, order: IntentId | None = None) -> None:
        self.told[symbol] = FlattenedPosition(
            profile=self.profile, symbol=symbol, state=state, detail=detail, intent_id=order
        )


@dataclass(slots=True)
class Flattening:
    """Closes the positions of profiles that opted in; the kill's own loop asks it to, once its cancels are confirmed."""

    switch: KillSwitch
    clock: Clock
    log: Log
    opted: set[ProfileName] = field(default_factory=set[ProfileName])
    collar_bps: Decimal = COLLAR_BPS
    _trips: dict[ProfileName, _Trip] = field(default_factory=dict[ProfileName, _Trip])

    def told(self) -> tuple[FlattenedPosition, ...]:
        """Every position that a kill has come to, and how that went."""
        return tuple(line for _, trip in sorted(self._trips.items()) for _, line in sorted(trip.told.items()))

    def forget(self, name: ProfileName) -> None:
        """The latch is open: what was told of it is over."""
        self._trips.pop(name, None)

    async def done(self, session: ProfileSession) -> bool:
        """One go at everything that is held; True when a further one is of no use."""
        name = session.ctx.profile.name
        if self.switch.level(name) < FLATTENS:
            return True
        trip = self._trip(name)
        if name not in self.opted or session.ctx.is_own is False:
            trip.tell("*", "left", NOT_OPTED if name not in self.opted else "the account is not ours")
            return True
        if why_not := await self._why_not_yet(session):
            trip.tell("*", "waiting", why_not)
            return False
        trip.told.pop("*", None)
        return await self._close_each(session, trip)

    def _trip(self, name: ProfileName) -> _Trip:
        """The trip that counts now; one after another on a closed latch goes on telling what the first came to."""
        tripped = self.switch.trip_of(name)
        held = self._trips.get(name)
        if held is None or held.name != tripped:
            told = {} if held is None else dict(held.told)
            held = self._trips[name] = _Trip(name, tripped, told)
        return held

    async def _why_not_yet(self, session: ProfileSession) -> str:
        """Why positions are not known well enough to be closed; empty when a round has just agreed."""
        if why_not := session.not_ready():
            return why_not
        await self.clock.sleep(session.ctx.broker.info.visibility_lag_s)
        found = await session.reconcile_now()
        if not found.converged:
            return found.error or f"positions do not agree yet: {'; '.join(found.differences)}"
        if session.ctx.book.open_orders():
            return "orders are open"
        return session.not_ready()

    async def _close_each(self, session: ProfileSession, trip: _Trip) -> bool:
        self.switch.steps.reach("flatten.begun")
        held = [p for p in (await session.ctx.broker.get_positions()).items if p.qty]
        symbols = {position.symbol for position in held}
        for symbol in [gone for gone, line in trip.told.items() if gone not in symbols and line.state != "flat"]:
            trip.tell(symbol, "flat", "", trip.told[symbol].intent_id)
        finished = [await self._close(session, trip, position) for position in sorted(held, key=lambda p: p.symbol)]
        return all(finished)

    async def _close(self, session: ProfileSession, trip: _Trip, position: Position) -> bool:
        """One go at one position; True when it is left as it is."""
        symbol, found = position.symbol, await self._attempt(session, trip, position)
        if isinstance(found, Left):
            trip.tell(symbol, "left" if found.for_good else "waiting", found.detail)
            return found.for_good
        trip.tell(symbol, "sent", found.ord_status.value, found.intent_id)
        return False

    async def _attempt(self, session: ProfileSession, trip: _Trip, position: Position) -> Order | Left:
        ctx, symbol = session.ctx, position.symbol
        if (doubt := _may_appear(ctx, symbol)) is not None:
            return Left(detail=f"order {doubt} may still appear at the venue; say what became of it (order resolve)")
        if (number := self._next_try(ctx, trip, symbol)) is None:
            return Left(detail=f"{TRIES} orders did not close it; look at them before another kill")
        try:
            with ours(self.log, "flatten.unforeseen", profile=ctx.profile.name, symbol=symbol):
                wish = await self._wish(ctx, position)
                if isinstance(wish, Left):
                    return wish
                self.switch.steps.reach("flatten.planned")
                return await self._send(session, wish, key=_key(trip, symbol, number))
        except FloorbrokerError as error:
            trip.refused[symbol] = trip.refused.get(symbol, 0) + 1
            self.log.error("flatten.refused", profile=ctx.profile.name, symbol=symbol, code=error.code)
            return Left(detail=f"{error.code}: {error.detail}", for_good=trip.refused[symbol] >= TRIES)

    def _next_try(self, ctx: AccountContext, trip: _Trip, symbol: str) -> int | None:
        """The number of the next order for a symbol; None when there is none: enough were sent, or one may still appear."""
        for number in range(TRIES):
            held = ctx.journal.find_key(
                principal=BY.principal, profile=ctx.profile.name, key=_key(trip, symbol, number).key
            )
            if held is None:
                return number
            order = ctx.book.get(held.intent_id)
            if order is None or order.state is OrderState.PRESUMED_NOT_PLACED:
                return None
        return None

    async def _wish(self, ctx: AccountContext, position: Position) -> NewOrder | Left:
        """The order for it, as the first of its forms that the venue has nothing against."""
        instrument, info = await ctx.instrument(position.symbol), ctx.broker.info
        if await self._is_closed(ctx, instrument):
            return Left(detail=f"the market is closed ({instrument.calendar}); nothing is queued")
        reference = await ctx.fresh_reference(position.symbol)
        bps = min(self.collar_bps, ctx.limits.collar_of(instrument.asset_class) or self.collar_bps)
        forms = closing(position, instrument, reference.quote if reference else None, info, collar_bps=bps)
        if isinstance(forms, Left):
            return forms
        against = ""
        for wish in forms:
            objections = await ctx.broker.validate_order(wish)
            if not objections:
                return wish
            against = against or objections[0].detail
        return Left(detail=f"{info.name} would refuse it: {against}")

    async def _is_closed(self, ctx: AccountContext, instrument: Instrument) -> bool:
        if not asks_hours(instrument, ctx.broker.info):
            return False
        now = self.clock.now()
        return is_closed(await ctx.broker.get_market_hours(instrument.calendar, now.date()), now)

    async def _send(self, session: ProfileSession, wish: NewOrder, *, key: Key) -> Order:
        """By the submit protocol, under a pardon for this wish alone; then wait until it is closed, or has had its time."""
        submitter, book = session.service.submitter, session.ctx.book
        with session.ctx.switches.pardons.granted(wish):
            order, _ = await submitter.submit(wish, actor=BY, key=key, route=ROUTE)
        self.switch.steps.reach("flatten.sent")
        await _until(lambda: not (book.get(order.intent_id) or order).is_open, self.clock)
        self.switch.steps.reach("flatten.waited")
        return book.get(order.intent_id) or order


def _may_appear(ctx: AccountContext, symbol: str) -> IntentId | None:
    """The order of a kill, this one or one before it, that would close a symbol once more if it turned up."""
    presumed = (order for order in ctx.book.presumed_orders() if order.route == ROUTE and order.terms.symbol == symbol)
    return next((order.intent_id for order in presumed), None)


def _key(trip: _Trip, symbol: str, number: int) -> Key:
    return Key(key=f"kill {trip.name} {symbol} {number}", body_hash="flatten")


async def _until(holds: Callable[[], bool], clock: Clock) -> None:
    """Wait for it, but not for long: the next round cancels what is still open."""
    until_s = clock.monotonic() + WAIT_S
    while not holds() and clock.monotonic() < until_s:
        await clock.sleep(LOOK_S)
