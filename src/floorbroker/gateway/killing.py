"""What a closed latch does beyond refusing: cancels, again and again with fresh lists, until nothing it covers is open; then,
at level 3, positions are closed (`gateway/flattening.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from floorbroker.domain.capability import Can
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.orders import Order
from floorbroker.domain.ports import Log
from floorbroker.domain.values import IntentId, ProfileName
from floorbroker.gateway.desk import KilledOrder
from floorbroker.gateway.flattening import Flattening
from floorbroker.gateway.kill import KillSwitch
from floorbroker.gateway.session import ProfileSession
from floorbroker.oms.account import AccountContext, Actor
from floorbroker.oms.external import ExternalOrders
from floorbroker.oms.unforeseen import ours

CANCEL_ROUND_S = 1.0
CANCEL_SLOWER, CANCEL_ROUND_MOST_S = (
    1.5,
    5.0,
)  # while rounds change nothing: each lists everything, and looks cost as well
FLATTEN_AGAIN_S = 5.0  # nothing is open any more, and positions cannot be closed yet
TOGETHER = 25  # cancels of one burst
CANCELS = 2  # the level from which on open orders are cancelled
BY = Actor(principal="gateway", via="kill")
_IN_DOUBT = "in doubt: it is cancelled when it shows up"


def numbers_of(ctx: AccountContext) -> frozenset[str]:
    """The numbers an account is known under: the one the user gave, and the venue's own once it was asked."""
    told = ctx.account.account if ctx.account is not None else ""
    return frozenset(number for number in (ctx.account_number(), told) if number)


@dataclass(slots=True)
class _Tale:
    """How often an order's cancel was asked, and what came of the last time."""

    asked: int = 0
    trouble: str = ""


_UNASKED = _Tale()


@dataclass(slots=True)
class Killing:
    """One loop a profile that has something to close; each ends when it has not, and begins again when an order shows up."""

    switch: KillSwitch
    sessions: Mapping[ProfileName, ProfileSession]
    clock: Clock
    log: Log
    flattening: Flattening = field(init=False)
    _loops: dict[ProfileName, asyncio.Task[None]] = field(default_factory=dict[ProfileName, asyncio.Task[None]])
    _tales: dict[ProfileName, dict[IntentId, _Tale]] = field(default_factory=dict[ProfileName, "dict[IntentId, _Tale]"])

    def __post_init__(self) -> None:
        self.flattening = Flattening(self.switch, self.clock, self.log)

    # -- what is covered -------------------------------------------------------------------------------------------------

    def level_of(self, order: Order) -> int:
        """The level in force for one order."""
        switch = self.switch
        if not switch.bars_some:
            return switch.level(order.profile)
        principal = self.sessions[order.profile].ctx.book.principal(order.intent_id)
        return switch.level_of(order.profile, strategy=order.terms.strategy, principal=principal)

    def covered(self, name: ProfileName) -> list[Order]:
        """The open orders of a profile that are to be closed, orders in doubt included."""
        if self.switch.level(name) < CANCELS and not self.switch.bars_some:
            return []
        return [order for order in self.sessions[name].ctx.touchable() if self.level_of(order) >= CANCELS]

    def progress(self) -> tuple[KilledOrder, ...]:
        """Every order that is still to be closed, and how that goes."""
        return tuple(self._told(order) for name in self.sessions for order in self.covered(name))

    def _told(self, order: Order) -> KilledOrder:
        tale = self._tales.get(order.profile, {}).get(order.intent_id, _UNASKED)
        return KilledOrder(
            intent_id=order.intent_id,
            profile=order.profile,
            symbol=order.terms.symbol,
            ord_status=order.ord_status,
            asked=tale.asked,
            trouble=_IN_DOUBT if order.in_doubt else tale.trouble,
        )

    # -- the loops -------------------------------------------------------------------------------------------------------

    def on_change(self, order: Order) -> None:
        """An open order under level 2 is cancelled, however late it shows up."""
        if order.is_open and self.level_of(order) >= CANCELS and self.sessions[order.profile].ctx.may_touch(order):
            self.begin(order.profile)

    def look(self) -> None:
        """Begin where the latches ask for it, and end where they do so no more."""
        for name in self.sessions:
            if self.switch.level(name) >= CANCELS or self.covered(name):
                self.begin(name)
            else:
                self.flattening.forget(name)
                self._tales.pop(name, None)
                if (loop := self._loops.pop(name, None)) is not None:
                    loop.cancel()

    def begin(self, name: ProfileName) -> None:
        """Cancel what is covered at a profile, unless that is under way."""
        running = self._loops.get(name)
        if running is None or running.done():
            work = self._until_none(self.sessions[name])
            self._loops[name] = asyncio.get_running_loop().create_task(work, name=f"{name}:kill")

    async def leave(self, name: ProfileName) -> None:
        """A profile is let go: nothing is cancelled there any more."""
        loop = self._loops.pop(name, None)
        self._tales.pop(name, None)
        self.flattening.forget(name)
        if loop is not None:
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)

    async def stop(self) -> None:
        """End every loop where it stands; the next start goes on."""
        loops = list(self._loops.values())
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)

    async def _until_none(self, session: ProfileSession) -> None:
        name, pause_s = session.ctx.profile.name, CANCEL_ROUND_S
        met: frozenset[IntentId] = frozenset()
        while True:
            before, met = met, frozenset(order.intent_id for order in self.covered(name))
            pause_s = min(pause_s * CANCEL_SLOWER, CANCEL_ROUND_MOST_S) if met == before else CANCEL_ROUND_S
            try:
                with ours(self.log, "kill.unforeseen", profile=name):
                    if await self._round(session):
                        self._tales.pop(name, None)
                        if await self.flattening.done(session):
                            return
                        pause_s = FLATTEN_AGAIN_S
            except FloorbrokerError as error:  # whatever a round meets, a kill goes on until nothing is open
                self.log.error("kill.round_failed", profile=name, code=error.code, detail=error.detail)
            await self.clock.sleep(pause_s)

    async def _round(self, session: ProfileSession) -> bool:
        """Ask both ways at once, then look; True when nothing that is covered is open any more.

        The venue's own cancel-all takes every order: it is for a profile that is stopped as a whole, and where the orders of
        others are adopted.
        """
        ctx, name = session.ctx, session.ctx.profile.name
        self.switch.steps.reach("kill.round")
        one_by_one = self._ask_each(session, self.covered(name))
        is_whole = self.switch.level(name) >= CANCELS
        if ctx.is_own is False or not is_whole:  # a stranger's orders are not ours to cancel, nor to wait for
            await one_by_one
            return not self.covered(name)
        if Can.CANCEL_ALL in ctx.broker.info.can and ctx.external is ExternalOrders.ADOPT:
            _, found = await asyncio.gather(one_by_one, ctx.broker.cancel_all(), return_exceptions=True)
            if isinstance(found, BaseException):
                self.log.error("kill.cancel_all_failed", profile=name, error=type(found).__name__)
            else:
                await session.service.inbound.take(found)
        else:
            await one_by_one
        self.switch.steps.reach("kill.cancelled")
        listed = await ctx.broker.get_open_orders()
        await session.service.inbound.take(listed.items)
        self.switch.steps.reach("kill.listed")
        if ctx.external is ExternalOrders.ADOPT:
            return not listed.items and not self.covered(name)
        return not self.covered(name) and not any(map(session.service.inbound.is_unknown, listed.items))

    async def _ask_each(self, session: ProfileSession, orders: list[Order]) -> None:
        """Name each order, a few at a time, so that who wishes for an order meanwhile is refused without waiting for all.

        What was asked before is repeated at a pace, and the journal hears of it once: the watch, which does that too, begins with
        the first log-in, and an order that the venue ended while nobody listened is refused for as long as nobody can look.
        """
        asked: list[asyncio.Future[None]] = []
        told = self._tales.setdefault(session.ctx.profile.name, {})
        again = [order for order in orders if order.pending_cancel or order.intent_id in told]
        new = [order for order in orders if not (order.pending_cancel or order.intent_id in told)]
        for first in range(0, len(new), TOGETHER):
            asked.append(asyncio.ensure_future(self._ask(session, new[first : first + TOGETHER])))
            await self.clock.sleep(0)
        due = filter(session.service.canceller.is_due, again)
        asked += [asyncio.ensure_future(self._repeat(session, order)) for order in due]
        await asyncio.gather(*asked)

    async def _repeat(self, session: ProfileSession, order: Order) -> None:
        tale = self._tale(order)
        tale.asked += 1
        _hear(tale, await session.service.canceller.again(order))

    def _tale(self, order: Order) -> _Tale:
        return self._tales.setdefault(order.profile, {}).setdefault(order.intent_id, _Tale())

    async def _ask(self, session: ProfileSession, orders: list[Order]) -> None:
        """What came of it is kept for people."""
        told = [self._tale(order) for order in orders]
        for tale in told:
            tale.asked += 1
        answers = await session.service.cancel_open(orders, actor=BY, reason="kill switch")
        for tale, error in zip(told, answers, strict=True):
            _hear(tale, error)


def _hear(tale: _Tale, error: FloorbrokerError | None) -> None:
    tale.trouble = "" if error is None else f"{error.code}: {error.venue_text or error.detail}"
