"""One schedule: the people act, the weather strikes, the desk dies and comes back; then calm, and the oracle."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from floorbroker.domain.orders import Order
from floorbroker.domain.ports import Record
from floorbroker.gateway.desk import SessionState
from floorbroker.gateway.session import max_clock_offset_s
from floorbroker.store.export import digest
from floorbroker.store.reader import JournalReader
from tests.simulation.bots.judge import judge_bot
from tests.simulation.bots.robot import LOOKS_S
from tests.simulation.claims import Account, Claim, Violation, Whole
from tests.simulation.coverage import visited
from tests.simulation.footsteps import Footsteps
from tests.simulation.house import HONEST, House, Plant, build, scratch, set_prices
from tests.simulation.loop import Deadlock, SimulatedLoop, TooManySteps, unlisted
from tests.simulation.oracle import judge
from tests.simulation.people import People
from tests.simulation.places import Place
from tests.simulation.schedule import ACTIVE_S, Bust, Calm, Correct, Plan
from tests.simulation.weather import Weather
from tests.simulation.whole import judge_desk

LONG_CALM_S = 75.0  # two of the desk's listings and the longest delay fit into it; then somebody asks for a round
PATIENT_CALM_S = 660.0  # nobody asks: the desk's own full compare fits into it
LOOK_S = 1
REST_S = 2  # seconds at rest in a row
MOST_LOOKS = 400


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
    cells: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])  # by venue
    footsteps: Footsteps = field(default_factory=Footsteps)


def run(plan: Plan, *, plant: Plant = HONEST, fingerprint: bool = False) -> Report:
    """Play a plan in a fresh world; never raises for what the program under test does.  `fingerprint` asks for the digest."""
    report = Report(plan)
    loop = SimulatedLoop(random=Random(f"loop {plan.seed}"), disorder=plan.disorder)
    collecting = gc.isenabled()
    gc.disable()  # a collection would close frozen coroutines, at a moment that no seed decides
    try:
        with scratch() as home, unlisted():
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
    try:
        await _schedule(house, report)
    finally:
        house.let_go()  # at once, and not when somebody collects it


async def _schedule(house: House, report: Report) -> None:
    plan, loop = house.plan, house.loop
    report.weather, report.log, report.footsteps = house.weather, house.log.lines, house.footsteps
    await set_prices(house)
    house.open()
    people = People(house)
    acts = [loop.create_task(people.at(act)) for act in plan.acts]
    await asyncio.sleep(ACTIVE_S)
    house.weather.clear()
    house.log.note("the weather clears")
    await settle(house, people, acts)
    if house.robot is not None:
        await loop.nap(LOOKS_S)
        await _until(house.loop, lambda: not _is_at_rest(house, acts))  # the desk lived on in the meantime
    records = list(house.desk.journal.replay()) if house.desk is not None else []
    report.violations += await verdict(house, people, acts, records)
    for place in house.places.values():
        cells = visited(record for record in records if record.entry.profile == place.name)
        for (state, kind), count in cells.items():
            report.cells[place.world.name, state, kind] += count
    report.orders, report.kills = people.orders, house.deaths
    report.states = frozenset(order.state.value for order in house.desk.orders()) if house.desk else frozenset()


async def settle(house: House, people: People, acts: list[asyncio.Task[None]]) -> None:
    """Let time pass until the desk has come to rest, or plainly will not.

    A brisk calm asks for a round as soon as nothing is on its way any more; it proves that the desk *can* settle.  The
    longer ones prove that its own periods do it: its listings in a long one, its full compare in a patient one.
    """
    calm = house.plan.calm
    await asyncio.sleep({Calm.BRISK: 0.0, Calm.LONG: LONG_CALM_S, Calm.PATIENT: PATIENT_CALM_S}[calm])
    if calm is Calm.BRISK:
        await _until(house.loop, lambda: house.network.under_way or not _is_at_rest(house, acts))
    if calm is not Calm.PATIENT:
        acts += [house.loop.create_task(people.reconcile_until_agreed(place)) for place in house.places.values()]
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
    if desk is None:
        return False
    for task in reversed(acts):  # the last to begin are the last to end
        if not task.done():
            return False
    for session in desk.sessions.values():
        book = session.ctx.book
        if session.state is not SessionState.READY or book.lacking_executions():
            return False
        if any(_waits(order) for order in book.open_orders()):
            return False
    return True


def _unsettled(house: House, acts: list[asyncio.Task[None]]) -> list[str]:
    """Why the desk is not at rest."""
    if house.desk is None:
        return ["there is no desk"]
    why = [
        f"profile {status.profile.name} is {status.state.value}: {status.reason}"
        for status in house.desk.profiles()
        if status.state is not SessionState.READY
    ]
    why += [f"{order.intent_id} is {order.state.value}" for order in house.desk.orders() if _waits(order)]
    return why + [f"unanswered: {task.get_name()}" for task in acts if not task.done()]


def _waits(order: Order) -> bool:
    return order.in_doubt or (order.is_open and (order.pending_cancel or order.pending_replace))


async def verdict(
    house: House, people: People, acts: list[asyncio.Task[None]], records: list[Record]
) -> list[Violation]:
    """What is wrong, by all the oracles, when a desk has come to rest."""
    errors = [
        *house.loop.errors,
        *(repr(task.exception()) for task in acts if task.done() and task.exception() is not None),
    ]
    if house.desk is None:
        return [Violation("stuck", text) for text in ("there is no desk at the end", *errors)]
    house.witness.end()
    found, judged = list[Violation](), list[Account]()
    for place in house.places.values():
        truth = await place.venue.told()
        people.orders += len(truth.orders)
        judged.append(Account(name=place.name, truth=truth, claim=_claim(house, people, place, records)))
        found += judge(truth, judged[-1].claim)
    whole = Whole(
        accounts=judged,
        records=records,
        sends=house.network.sends,
        told=people.told,
        refused=people.refused,
        hindered=people.hindered,
        unsettled=_unsettled(house, acts),
        errors=errors,
        witness=house.witness,
    )
    if house.robot is not None:
        found += judge_bot(house.robot, whole.orders, is_revised=_is_revised(house.plan))
    return found + judge_desk(whole)


def _is_revised(plan: Plan) -> bool:
    return any(isinstance(act, Bust | Correct) for act in plan.acts)


def _claim(house: House, people: People, place: Place, records: list[Record]) -> Claim:
    """What the desk says of one account."""
    desk, plan = house.desk, house.plan
    assert desk is not None  # the caller has looked
    orders = [order for order in desk.orders() if order.profile == place.name]
    return Claim(
        orders=orders,
        records=[record for record in records if record.entry.profile == place.name],
        holdings=desk.sessions[place.name].ctx.book.holdings.all(),
        doubled=house.network.doubled,
        swept=people.swept,
        lists_fills=place.lists_fills,
        names_fills=place.world.lists_fills,
        limits=dict(plan.limits) if plan.odd in {"", place.name} else {},
        kill_level=desk.kill_switch.level(place.name),
        clock=plan.clock,
        most_off_s=max_clock_offset_s(place.world.info),
        misdated=people.misdated.get(place.name, ()),
        witness=house.witness.of(place.name),
    )


def digest_of(path: Path) -> str:
    """The digest of the canonical export of a journal and its audit."""
    reader = JournalReader(path)
    try:
        return digest(reader)
    finally:
        reader.close()
