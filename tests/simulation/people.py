"""Those who use the desk, and those who move the markets: the acts of a plan, each at its time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.orders import Order
from floorbroker.domain.ports import NoteEntry
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.desk import Caller, OrderFilter
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.kill import GLOBAL, LATCH
from floorbroker.store.reader import JournalReader
from tests.simulation.house import Died, House
from tests.simulation.places import Place
from tests.simulation.schedule import (
    TICK,
    Act,
    Bust,
    Cancel,
    CancelAll,
    Correct,
    Crash,
    Force,
    Modify,
    Move,
    Reconcile,
    Reopen,
    Stop,
    Submit,
)

CALLER = Caller(principal="people", via="api")
MOST_ROUNDS = 20
OPEN_STATUSES = frozenset({"new", "accepted", "pending_new", "partially_filled"})


class People:
    """What they were told: `told` is the intent a caller of each order was given, `refused` the codes of what was answered
    instead, `hindered` the codes of refused cancels; `misdated` is when somebody was refused because of the clock, by account.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self.told: dict[int, str] = {}
        self.refused: dict[int, list[str]] = {}
        self.hindered: list[str] = []
        self.misdated: dict[str, list[float]] = {}
        self.swept: set[str] = set()
        self.orders = 0

    async def at(self, act: Act) -> None:
        """Do one thing at its time."""
        await self._house.loop.nap(act.at_s)
        self._house.log.note(f"people: {act}")
        await self._do(act)

    def _do(self, act: Act) -> Coroutine[Any, Any, object]:
        match act:
            case Submit():
                return self._submit(act)
            case Cancel():
                return self._cancel(act)
            case CancelAll():
                return self._cancel_all(act)
            case Modify():
                return self._modify(act)
            case Reconcile():
                return self._reconcile(act)
            case Stop() | Reopen() | Crash():
                return self._interfere(act)
            case Move() | Force() | Bust() | Correct():
                return self._venue_does(act)

    def _profile(self, account: str) -> ProfileName | None:
        """Whom to name for an account: nobody, for whatever concerns the whole desk."""
        return self._house.place(account).name if account else None

    # -- orders -------------------------------------------------------------------------------------------------------

    async def _submit(self, act: Submit) -> None:
        """Place it.  After our own refusal anybody may ask again; after silence only those who hold a key."""
        key = f"key {act.number}" if act.keyed else None
        is_routed = not act.account and len(self._house.places) > 1
        profile = None if is_routed else self._house.place(act.account).name
        for _ in range(8):
            halted = {place.name for place in self._house.places.values() if self._house.witness.halts(place.name)}
            try:
                submitted = await self._house.call(
                    lambda desk: desk.submit(
                        act.order, profile=profile, caller=CALLER, key=key, body_hash=f"body {act.number}"
                    )
                )
            except Died:
                if key is None:
                    return
            except FloorbrokerError as error:
                self._house.log.note(f"people: #{act.number} was refused: {error.code}: {error.detail}")
                self.refused.setdefault(act.number, []).append(error.code)
                if error.detail.startswith("the clock is "):
                    self.misdated.setdefault(profile or "", []).append(self._house.loop.now_s)
                if error.code not in {"not_ready", "journal_fault"} or (key is None and error.code == "journal_fault"):
                    return
                await asyncio.sleep(2)
            else:
                order = submitted.order
                self._house.log.note(f"people: #{act.number} is {order.intent_id} {order.state.value}")
                if order.profile in halted and self._house.witness.halts(order.profile) and not submitted.replayed:
                    self._house.witness.late.append(f"#{act.number} was accepted while the kill switch was on")
                self.told[act.number] = order.intent_id
                return

    def _find(self, desk: Gateway, number: int) -> Order | None:
        """The order of a wish; of one that moved, where it lives."""
        wished = [order for order in desk.orders() if order.terms.client_tag == f"w{number}"]
        return next((order for order in wished if order.is_open), wished[0] if wished else None)

    async def _cancel(self, act: Cancel) -> None:
        async def act_on(desk: Gateway) -> None:
            order = self._find(desk, act.number)
            if order is not None:
                await desk.cancel(order.intent_id, caller=CALLER, reason="changed my mind")

        await self._try(act_on, again=True, refused=self.hindered)

    async def _cancel_all(self, act: CancelAll) -> None:
        chosen = OrderFilter(open_only=True, profile=self._profile(act.account))

        async def act_on(desk: Gateway) -> None:
            swept = {o.intent_id for o in desk.orders() if o.is_open and chosen.profile in {None, o.profile}}
            await desk.cancel_all(chosen, caller=CALLER, reason="everything")
            self.swept |= swept

        await self._try(act_on, again=True, refused=self.hindered)

    async def _modify(self, act: Modify) -> None:
        async def act_on(desk: Gateway) -> None:
            order = self._find(desk, act.number)
            if order is not None:
                await desk.modify(order.intent_id, act.changes, caller=CALLER)

        await self._try(act_on, again=False)

    async def _reconcile(self, act: Reconcile) -> None:
        for place in self._house.chosen(act.account):
            await self.reconcile(place)

    async def reconcile(self, place: Place) -> bool:
        """Ask for a round, as an operator does; whether there was one and it agreed."""
        agreed = False

        async def act_on(desk: Gateway) -> None:
            nonlocal agreed
            found = await desk.reconcile(place.name)
            agreed = found.converged and not found.error

        await self._try(act_on, again=True)
        return agreed

    async def reconcile_until_agreed(self, place: Place) -> None:
        """Ask again until a round agrees: an open breaker, or a full bucket, refuses the first ones."""
        for _ in range(MOST_ROUNDS):
            if await self.reconcile(place):
                return
            await self._house.loop.nap(5.0)

    async def _try(
        self, act_on: Callable[[Gateway], Coroutine[Any, Any, None]], *, again: bool, refused: list[str] | None = None
    ) -> None:
        try:
            await self._house.call(act_on)
        except Died:
            if again:
                await self._try(act_on, again=False, refused=refused)
        except FloorbrokerError as error:
            self._house.log.note(f"people: refused: {error.code}: {error.detail}")
            if refused is not None:
                refused.append(error.code)

    # -- the desk as a whole ------------------------------------------------------------------------------------------

    def _interfere(self, act: Stop | Reopen | Crash) -> Coroutine[Any, Any, object]:
        match act:
            case Stop():
                return self._stop(act)
            case Reopen():
                return self._reopen(act)
            case Crash():
                return self._crash()

    async def _stop(self, act: Stop) -> None:
        """Trip the kill switch; who hears nothing trips it again."""
        profile = self._profile(act.account)
        for _ in range(8):
            try:
                await self._house.call(
                    lambda desk: desk.kill(act.level, caller=CALLER, reason="enough", profile=profile)
                )
            except Died:
                continue
            self._house.witness.stopped(act.account, is_written=self._is_written(profile or GLOBAL))
            return

    def _is_written(self, scope: ProfileName) -> bool:
        """Whether the journal knows that a scope is stopped: a full disk does not stop a kill.

        Asked of the file: whoever answered may have died since.
        """
        reader = JournalReader(self._house.home / "journal.db")
        try:
            latches = [record.entry for record in reader.notes(LATCH, newest=True)]
        finally:
            reader.close()
        return any(isinstance(one, NoteEntry) and one.profile == scope and one.data["level"] != "0" for one in latches)

    async def _reopen(self, act: Reopen) -> None:
        """Open it again, as often as the disk needs."""
        profile = self._profile(act.account)
        self._house.witness.reopening(act.account)
        for _ in range(40):
            try:
                await self._house.call(lambda desk: desk.reset_kill(caller=CALLER, reason="go on", profile=profile))
            except Died:
                continue
            except FloorbrokerError as error:
                self._house.log.note(f"people: not opened: {error.code}: {error.detail}")
                await asyncio.sleep(2)
            else:
                self._house.witness.opened(act.account)
                return

    async def _crash(self) -> None:
        self._house.crash()

    # -- the venues ---------------------------------------------------------------------------------------------------

    def _venue_does(self, act: Move | Force | Bust | Correct) -> Coroutine[Any, Any, object]:
        match act:
            case Move():
                return self._house.place(act.account).venue.price(act.symbol, act.bid)
            case Force():
                return self._force(act)
            case Bust():
                return self._bust(act)
            case Correct():
                return self._correct(act)

    async def _force(self, act: Force) -> None:
        venue = self._house.place(act.account).venue
        working = [row for row in await venue.truth("orders") if row["status"] in OPEN_STATUSES and row["quantity"]]
        if not working:
            return
        row = working[act.nth % len(working)]
        left = Decimal(row["quantity"]) - Decimal(row["filled"])
        quantity = max(Decimal(1), (left * act.share).quantize(Decimal(1)))
        await venue.do(
            "fill",
            order=row["order"],
            qty=str(min(quantity, left)),
            price=row["limit"] or str(venue.world.symbols[row["symbol"]]),
        )

    async def _bust(self, act: Bust) -> None:
        venue = self._house.place(act.account).venue
        fills = await venue.truth("fills")
        if fills:
            await venue.do("busts", exec=fills[act.nth % len(fills)]["exec"])

    async def _correct(self, act: Correct) -> None:
        venue = self._house.place(act.account).venue
        fills = await venue.truth("fills")
        if not fills:
            return
        row = fills[act.nth % len(fills)]
        quantity = max(Decimal(1), (Decimal(row["quantity"]) * act.share).quantize(Decimal(1)))
        price = Decimal(row["price"]) - TICK
        await venue.do(
            "corrections", exec=row["exec"], qty=str(min(quantity, Decimal(row["quantity"]))), price=str(price)
        )
