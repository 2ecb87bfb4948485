"""One schedule: the people act, the weather strikes, the desk dies and comes back; then calm, and the oracle."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.orders import Order
from floorbroker.domain.ports import Record
from floorbroker.gateway.desk import Caller, OrderFilter, SessionState
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.session import max_clock_offset_s
from floorbroker.store.export import digest
from floorbroker.store.reader import JournalReader
from tests.simulation.claims import Claim, Violation
from tests.simulation.coverage import visited
from tests.simulation.footsteps import Footsteps
from tests.simulation.house import HONEST, PROFILE, Died, House, Plant, build, scratch, set_prices
from tests.simulation.loop import Deadlock, SimulatedLoop, TooManySteps
from tests.simulation.oracle import judge
from tests.simulation.schedule import (
    ACTIVE_S,
    TICK,
    Act,
    Bust,
    Calm,
    Cancel,
    CancelAll,
    Correct,
    Crash,
    Force,
    Modify,
    Move,
    Plan,
    Reconcile,
    Reopen,
    Stop,
    Submit,
)
from tests.simulation.weather import Weather

CALLER = Caller(principal="people", via="api")
LONG_CALM_S = 75.0  # two of the desk's listings and the longest delay fit into it; then somebody asks for a round
PATIENT_CALM_S = 660.0  # nobody asks: the desk's own full compare fits into it
LOOK_S = 1
REST_S = 2  # seconds at rest in a row
MOST_LOOKS = 400
MOST_ROUNDS = 20
OPEN_STATUSES = frozenset({"new", "accepted", "pending_new", "partially_filled"})


@dataclass(slots=True)
class Report:
    """What one schedule came to."""

    plan: Plan
    violations: list[Violation] = field(default_factory=list[Violation])
    orders: int = 0
    kills: int = 0
    steps: int = 0
    digest: str = ""
    log: list[str] = field(default_factory=list[str])
    weather: Weather | None = None
    states: frozenset[str] = frozenset()
    cells: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    footsteps: Footsteps = field(default_factory=Footsteps)


def run(plan: Plan, *, plant: Plant = HONEST, fingerprint: bool = False) -> Report:
    """Play a plan in a fresh world; never raises for what the program under test does.  `fingerprint` asks for the digest."""
    report = Report(plan)
    loop = SimulatedLoop(random=Random(f"loop {plan.seed}"), disorder=plan.disorder)
    collecting = gc.isenabled()
    gc.disable()  # a collection would close frozen coroutines, at a moment that no seed decides
    try:
        with scratch() as home:
            try:
                loop.run_until_complete(_play(plan, loop, home, report, plant))
            except (Deadlock, TooManySteps) as error:
                report.violations.append(Violation("stuck", str(error)))
            finally:
                report.steps = loop.steps
                loop.dispose()
            report.digest = digest_of(home / "journal.db") if fingerprint else ""
    finally:
        if collecting:
            gc.enable()
    return report


async def _play(plan: Plan, loop: SimulatedLoop, home: Path, report: Report, plant: Plant) -> None:
    house = build(plan, loop, home, plant=plant)
    report.weather, report.log, report.footsteps = house.weather, house.log.lines, house.footsteps
    await set_prices(house)
    house.open()
    people = People(house)
    acts = [loop.create_task(people.at(act)) for act in plan.acts]
    await asyncio.sleep(ACTIVE_S)
    house.weather.clear()
    house.log.note("the weather clears")
    await _calm(house, people, acts)
    records = list(house.desk.journal.replay()) if house.desk is not None else []
    report.violations += await _verdict(house, people, acts, loop, records)
    report.cells = visited(records)
    report.orders, report.kills = people.orders, house.deaths
    report.states = frozenset(order.state.value for order in house.desk.orders()) if house.desk else frozenset()


async def _calm(house: House, people: People, acts: list[asyncio.Task[None]]) -> None:
    """Let time pass until the desk has come to rest, or plainly will not.

    A brisk calm asks for a round as soon as nothing is on its way any more; it proves that the desk *can* settle.  The
    longer ones prove that its own periods do it: its listings in a long one, its full compare in a patient one.
    """
    calm = house.plan.calm
    await asyncio.sleep({Calm.BRISK: 0.0, Calm.LONG: LONG_CALM_S, Calm.PATIENT: PATIENT_CALM_S}[calm])
    if calm is Calm.BRISK:
        await _until(house.loop, lambda: house.network.under_way or not _is_at_rest(house, acts))
    if calm is not Calm.PATIENT:
        acts.append(house.loop.create_task(people.reconcile_until_agreed()))
    await _until(house.loop, lambda: not _is_at_rest(house, acts))


async def _until(loop: SimulatedLoop, unrest: Callable[[], object]) -> None:
    """Wait for some seconds of rest in a row, or until patience ends."""
    quiet_s = 0
    for _ in range(MOST_LOOKS):
        await loop.nap(LOOK_S)
        quiet_s = 0 if unrest() else quiet_s + LOOK_S
        if quiet_s >= REST_S:
            return


def _is_at_rest(house: House, acts: list[asyncio.Task[None]]) -> bool:
    """Whether nothing is unsettled, and the desk itself expects no more fills; asked each second, so it looks no further."""
    desk = house.desk
    if desk is None or desk.sessions[PROFILE].state is not SessionState.READY or not all(task.done() for task in acts):
        return False
    book = desk.sessions[PROFILE].ctx.book
    return not any(_waits(order) for order in book.open_orders()) and not book.lacking_executions()


def _unsettled(house: House, acts: list[asyncio.Task[None]]) -> list[str]:
    """Why the desk is not at rest."""
    if house.desk is None:
        return ["there is no desk"]
    (status,) = house.desk.profiles()
    why = [] if status.state is SessionState.READY else [f"the profile is {status.state.value}: {status.reason}"]
    why += [f"{order.intent_id} is {order.state.value}" for order in house.desk.orders() if _waits(order)]
    return why + [f"unanswered: {task.get_name()}" for task in acts if not task.done()]


def _waits(order: Order) -> bool:
    return order.in_doubt or (order.is_open and (order.pending_cancel or order.pending_replace))


async def _verdict(
    house: House, people: People, acts: list[asyncio.Task[None]], loop: SimulatedLoop, records: list[Record]
) -> list[Violation]:
    errors = [*loop.errors, *(repr(task.exception()) for task in acts if task.done() and task.exception() is not None)]
    if house.desk is None:
        return [Violation("stuck", text) for text in ("there is no desk at the end", *errors)]
    truth = await house.venue.told()
    desk, plan = house.desk, house.plan
    house.witness.end()
    claim = Claim(
        orders=desk.orders(),
        records=records,
        holdings=desk.sessions[PROFILE].ctx.book.holdings.all(),
        sends=house.network.sends,
        doubled=house.network.doubled,
        told=people.told,
        unsettled=_unsettled(house, acts),
        errors=errors,
        refused=people.refused,
        hindered=people.hindered,
        swept=people.swept,
        lists_fills=plan.lists_fills,
        limits=dict(plan.limits),
        kill_level=desk.kill_state().level,
        clock=plan.clock,
        most_off_s=max_clock_offset_s(plan.world.info),
        misdated=people.misdated,
        witness=house.witness,
    )
    people.orders = len(truth.orders)
    return judge(truth, claim)


def digest_of(path: Path) -> str:
    """The digest of the canonical export of a journal and its audit."""
    reader = JournalReader(path)
    try:
        return digest(reader)
    finally:
        reader.close()


class People:
    """Those who use the desk, and the market.

    `told` is the intent a caller of each order was given, `refused` the codes of what was answered instead, and
    `hindered` the codes of refused cancels; `misdated` is when somebody was refused because of the clock.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self.told: dict[int, str] = {}
        self.refused: dict[int, list[str]] = {}
        self.hindered: list[str] = []
        self.misdated: list[float] = []
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
                return self._cancel_all()
            case Modify():
                return self._modify(act)
            case Reconcile():
                return self.reconcile()
            case Stop() | Reopen() | Crash():
                return self._interfere(act)
            case Move() | Force() | Bust() | Correct():
                return self._venue_does(act)

    def _venue_does(self, act: Move | Force | Bust | Correct) -> Coroutine[Any, Any, object]:
        match act:
            case Move():
                return self._house.venue.price(act.symbol, act.bid)
            case Force():
                return self._force(act)
            case Bust():
                return self._bust(act)
            case Correct():
                return self._correct(act)

    async def _submit(self, act: Submit) -> None:
        """Place it.  After our own refusal anybody may ask again; after silence only those who hold a key."""
        key = f"key {act.number}" if act.keyed else None
        for _ in range(8):
            try:
                submitted = await self._house.call(
                    lambda desk: desk.submit(
                        act.order, profile=PROFILE, caller=CALLER, key=key, body_hash=f"body {act.number}"
                    )
                )
            except Died:
                if key is None:
                    return
            except FloorbrokerError as error:
                self._house.log.note(f"people: #{act.number} was refused: {error.code}: {error.detail}")
                self.refused.setdefault(act.number, []).append(error.code)
                if error.detail.startswith("the clock is "):
                    self.misdated.append(self._house.loop.now_s)
                if error.code not in {"not_ready", "journal_fault"} or (key is None and error.code == "journal_fault"):
                    return
                await asyncio.sleep(2)
            else:
                order = submitted.order
                self._house.log.note(f"people: #{act.number} is {order.intent_id} {order.state.value}")
                self.told[act.number] = order.intent_id
                return

    def _find(self, desk: Gateway, number: int) -> Order | None:
        return next((order for order in desk.orders() if order.terms.client_tag == f"w{number}"), None)

    async def _cancel(self, act: Cancel) -> None:
        async def act_on(desk: Gateway) -> None:
            order = self._find(desk, act.number)
            if order is not None:
                await desk.cancel(order.intent_id, caller=CALLER, reason="changed my mind")

        await self._try(act_on, again=True, refused=self.hindered)

    async def _cancel_all(self) -> None:
        async def act_on(desk: Gateway) -> None:
            swept = {order.intent_id for order in desk.orders() if order.is_open}
            await desk.cancel_all(OrderFilter(open_only=True), caller=CALLER, reason="everything")
            self.swept |= swept

        await self._try(act_on, again=True, refused=self.hindered)

    async def _modify(self, act: Modify) -> None:
        async def act_on(desk: Gateway) -> None:
            order = self._find(desk, act.number)
            if order is not None:
                await desk.modify(order.intent_id, act.changes, caller=CALLER)

        await self._try(act_on, again=False)

    async def reconcile(self) -> bool:
        """Ask for a round, as an operator does; whether there was one and it agreed."""
        agreed = False

        async def act_on(desk: Gateway) -> None:
            nonlocal agreed
            found = await desk.reconcile(PROFILE)
            agreed = found.converged and not found.error

        await self._try(act_on, again=True)
        return agreed

    async def reconcile_until_agreed(self) -> None:
        """Ask again until a round agrees: an open breaker, or a full bucket, refuses the first ones."""
        for _ in range(MOST_ROUNDS):
            if await self.reconcile():
                return
            await self._house.loop.nap(5.0)

    def _interfere(self, act: Stop | Reopen | Crash) -> Coroutine[Any, Any, object]:
        match act:
            case Stop():
                return self._stop(act)
            case Reopen():
                return self._reopen()
            case Crash():
                return self._crash()

    async def _stop(self, act: Stop) -> None:
        """Trip the kill switch; who hears nothing trips it again."""
        for _ in range(8):
            try:
                await self._house.call(lambda desk: desk.kill(act.level, caller=CALLER, reason="enough"))
            except Died:
                continue
            self._house.witness.stopped()
            return

    async def _reopen(self) -> None:
        """Open it again, as often as the disk needs."""
        self._house.witness.reopening()
        for _ in range(40):
            try:
                await self._house.call(lambda desk: desk.reset_kill(caller=CALLER, reason="go on"))
            except Died:
                continue
            except FloorbrokerError as error:
                self._house.log.note(f"people: not opened: {error.code}: {error.detail}")
                await asyncio.sleep(2)
            else:
                return

    async def _crash(self) -> None:
        self._house.crash()

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

    async def _force(self, act: Force) -> None:
        venue = self._house.venue
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
        venue = self._house.venue
        fills = await venue.truth("fills")
        if fills:
            await venue.do("busts", exec=fills[act.nth % len(fills)]["exec"])

    async def _correct(self, act: Correct) -> None:
        venue = self._house.venue
        fills = await venue.truth("fills")
        if not fills:
            return
        row = fills[act.nth % len(fills)]
        quantity = max(Decimal(1), (Decimal(row["quantity"]) * act.share).quantize(Decimal(1)))
        price = Decimal(row["price"]) - TICK
        await venue.do(
            "corrections", exec=row["exec"], qty=str(min(quantity, Decimal(row["quantity"]))), price=str(price)
        )
