"""`python -m tests.simulation.soak --hours 24 --seed 1`: a desk with an account at every venue lives for many hours.

Every ten minutes of virtual time another plan's people, markets and weather pass over it; then everything is cancelled, and it
rests.  After the first hours nothing of the desk may grow any more: not the number of its objects, not what its containers hold,
not the open descriptors.  What grows with every order for ever is told and fails the run, as does whatever the oracle finds at
the end.  What a desk keeps for a day, as the orders it presumes were not placed, is judged in a life of two days and more.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from random import Random
from time import perf_counter
from types import ModuleType
from typing import Any

from floorbroker.app.redactor import TOKENS_MAX
from floorbroker.brokers.binance.mapping import families, terms
from floorbroker.brokers.bybit.mapping import memory
from floorbroker.brokers.kraken import limits
from floorbroker.gateway.curve import POINTS_MAX
from floorbroker.oms.archive import LOADED_MAX
from floorbroker.oms.questions import ORDERS_MAX
from tests.simulation.house import House, build, scratch, set_prices
from tests.simulation.loop import SimulatedLoop
from tests.simulation.people import People
from tests.simulation.plan import plan_of
from tests.simulation.run import Report, settle, verdict
from tests.simulation.schedule import (
    ACCOUNTS,
    ACTIVE_S,
    Act,
    Bust,
    Cancel,
    CancelAll,
    Correct,
    Crash,
    Modify,
    Plan,
    Reopen,
    Stop,
    Submit,
)
from tests.simulation.weather import Fault
from tests.simulation.witness import Witness
from tests.simulation.worlds import ALL

EPISODE_S = 600.0
SWEPT_S = 120.0  # when everything of an episode is cancelled
NUMBERS = 1_000  # orders of the next episode are counted from there
FATAL = frozenset({"error_before", "error_after"})  # a disk that ends a life
SPARED = (Crash, Stop, Reopen)  # a desk that lives long is what this is about
OURS = ("floorbroker.",)
THEIRS = ("floorbroker.matching", "floorbroker.tape")  # of our modules, those that venues keep their books with
KEEPERS = (*THEIRS, "floorbroker_sim.", "tests.simulation.schedule")  # whoever holds wishes for as long as a run lasts
WISHES = ("floorbroker.domain.orders",)
SLACK = 1.3  # by how much a count may be larger late than early: it is measured between two storms, not in the same one
FEW = 300  # what stays below may be of any size
ORDERS_A_DAY = 6_000
BOUNDS = {  # what has a bound of its own that takes long to reach: caches, and the blocks of the newest tokens
    "floorbroker.app.redactor.SecretFilter._harmless": 1024,
    "floorbroker.app.redactor.SecretFilter._numbers": 1_500 * TOKENS_MAX,
    "floorbroker.oms.archive.Archive._loaded": LOADED_MAX,
    "floorbroker.oms.questions.Questions._kept": ORDERS_MAX,
    "floorbroker.gateway.curve.Point": len(ACCOUNTS) * POINTS_MAX,  # a point a minute for a day and a half
    "floorbroker.app.redactor.Spelling": 120 * TOKENS_MAX,
    "floorbroker.brokers.binance.mapping.families.Families._heads": families.KEPT_MAX,
    "floorbroker.brokers.binance.mapping.terms.Terms._touched": terms.TOUCHED_MAX,
    "floorbroker.brokers.bybit.mapping.memory.Memory._filters": memory.KEPT_MAX,
    **dict.fromkeys(
        (f"floorbroker.brokers.kraken.limits.PairCounters.{name}" for name in ("_placed_s", "_symbols")),
        limits.KEPT_MAX,
    ),
    **dict.fromkeys(
        ("floorbroker.risk.day.DayLedger.orders", "floorbroker.risk.day.Counted", "floorbroker.risk.scope.Owner"),
        ORDERS_A_DAY,  # counted until midnight
    ),
}
DAY_H = 24.0
DAILY = {  # what is kept for a day: judged by its bound until then, and afterwards by whether it still grows
    **dict.fromkeys(("floorbroker.domain.ports.Record", "floorbroker.domain.ports.FactEntry"), ORDERS_A_DAY),
}
DESCRIPTORS = Path("/proc/self/fd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What a desk holds at one moment: objects by class, the largest container of each attribute, descriptors."""

    at_h: float
    objects: Mapping[str, int]
    held: Mapping[str, int]
    descriptors: int

    @property
    def total(self) -> int:
        return sum(self.objects.values())


def measure(at_h: float, *, let_go: Callable[[], object] = lambda: None) -> Measure:
    """Count what is alive now; whatever is garbage goes first.  `let_go` empties caches when their sizes are known."""
    objects, held = Counter[str](), dict[str, int]()
    for one in _ours():
        for name, size in _sizes(one):
            key = f"{_name(one)}.{name}"
            held[key] = max(held.get(key, 0), size)
    let_go()
    objects.update(_name(one) for one in _ours())
    return Measure(at_h=at_h, objects=objects, held=held, descriptors=sum(1 for _ in DESCRIPTORS.iterdir()))


def _ours() -> list[object]:
    """Objects of our classes that are alive, but for what a venue or a plan holds: they speak in our terms, and keep books."""
    gc.collect()
    alive = gc.get_objects()
    kept = _held_by([one for one in alive if _is_of(type(one), KEEPERS)])
    return [
        one for one in alive if _is_ours(type(one)) and id(one) not in kept and not isinstance(one, type | ModuleType)
    ]


def _held_by(keepers: list[object]) -> set[int]:
    """The wishes that these hold, and what is in them."""
    found, left = set[int](), [keepers]
    while left:
        inside = [
            held for held in gc.get_referents(*left.pop()) if _is_of(type(held), WISHES) and id(held) not in found
        ]
        found.update(id(held) for held in inside)
        left += [inside] if inside else []
    return found


def _name(one: object) -> str:
    return f"{type(one).__module__}.{type(one).__qualname__}"


def _is_ours(kind: type) -> bool:
    return _is_of(kind, OURS) and not _is_of(kind, THEIRS)


def _is_of(kind: type, modules: tuple[str, ...]) -> bool:
    module: object = kind.__module__  # of some kinds from libraries it is no text
    return isinstance(module, str) and module.startswith(modules)


def _sizes(one: object) -> Iterator[tuple[str, int]]:
    """The containers that an object of ours has as attributes."""
    names: Iterable[str] = getattr(one, "__dict__", None) or [
        name for base in type(one).__mro__ for name in getattr(base, "__slots__", ())
    ]
    for name in names:
        value: Any = getattr(one, name, None)
        if isinstance(value, dict | list | set | deque):
            yield name, len(value)
        elif isinstance(value, asyncio.Queue):
            yield name, value.qsize()


def grown(early: Measure, late: Measure) -> list[str]:
    """What is larger late than it may be."""
    bounds = BOUNDS if early.at_h >= DAY_H else BOUNDS | DAILY
    found = [
        f"{name}: {early.objects.get(name, 0)} at {early.at_h:g} h, {count} at {late.at_h:g} h"
        for name, count in sorted(late.objects.items())
        if count > max(bounds.get(name, FEW), early.objects.get(name, 0) * SLACK)
    ]
    found += [
        f"{name} holds {size}, held {early.held.get(name, 0)} at {early.at_h:g} h"
        for name, size in sorted(late.held.items())
        if size > max(bounds.get(name, FEW), early.held.get(name, 0) * SLACK)
    ]
    if late.descriptors > early.descriptors + 2:
        found.append(f"{late.descriptors} descriptors are open, {early.descriptors} were at {early.at_h:g} h")
    return found


# -- the life -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Forgetful(Witness):
    """Sees what leaves and remembers none of it: a day has too much to see."""

    def overhearing(self, told: Any) -> Any:
        return told


@dataclass(slots=True)
class Soak:
    """What a long life came to."""

    report: Report
    measures: list[Measure] = field(default_factory=list[Measure])
    submitted: int = 0

    @property
    def growth(self) -> list[str]:
        """Between the first third, when everything that is bounded is full, and the end; in a life of two days, between them."""
        if len(self.measures) < 2:
            return []
        third, last = self.measures[len(self.measures) // 3], self.measures[-1]
        days = [one for one in self.measures if one.at_h >= DAY_H] if last.at_h >= 2 * DAY_H else []
        return grown(max([third, *days[:1]], key=lambda one: one.at_h), last)


def soak(*, hours: float, seed: int, every_h: float = 1.0, tell: Any = None) -> Soak:
    """Let a desk live; `tell` hears of each measure."""
    base = replace(plan_of(seed, ALL), acts=(), faults=(), kills=(), limits=(), steps=(), drift=0.0, closes_at_s=None)
    plan = replace(base, seed=seed * 4, lists_fills=True, skew_s=0.0)  # every fourth seed seals what is closed
    made = Soak(Report(plan))
    loop = SimulatedLoop(random=Random(f"loop {seed}"), disorder=plan.disorder, steps_max=10**12)
    gc.disable()
    try:
        with scratch() as home:
            try:
                loop.run_until_complete(_live(build(plan, loop, home), made, hours, every_h, tell))
            finally:
                made.report.steps = loop.steps
                loop.dispose()
    finally:
        gc.enable()
    return made


async def _live(house: House, made: Soak, hours: float, every_h: float, tell: Any) -> None:
    house.witness = Forgetful(now=house.loop.time, names=house.witness.names)
    await set_prices(house)
    house.open()
    people, next_h = People(house), every_h
    for episode in range(round(hours * 3600 / EPISODE_S)):
        since_s = episode * EPISODE_S
        drawn = plan_of(house.plan.seed + episode, ALL)
        house.weather.begin(_later(drawn.faults, since_s))
        acts = [house.loop.create_task(people.at(act)) for act in _acts(drawn, episode, house.plan.order_events)]
        made.submitted += sum(isinstance(act, Submit) for act in drawn.acts)
        await house.loop.nap(since_s + EPISODE_S - house.loop.now_s)
        made.report.log = house.log.lines = house.log.lines[-2_000:]
        house.loop.forget()
        del acts
        if house.loop.now_s >= next_h * 3600:
            made.measures.append(measure(house.loop.now_s / 3600, let_go=lambda: _forget_evidence(house)))
            next_h += every_h
            if tell is not None:
                tell(made.measures[-1])
    house.weather.clear()
    await settle(house, people, [])
    records = list(house.desk.journal.replay()) if house.desk is not None else []
    made.report.violations += await verdict(house, people, [], records)
    made.report.orders, made.report.kills = people.orders, house.deaths


def _forget_evidence(house: House) -> None:
    """Sealed orders that somebody asked about, and what was asked about doubts, are kept for the next who asks, up to numbers
    that take days to reach.
    """
    for session in house.desk.sessions.values() if house.desk is not None else ():
        session.service.resolver.questions._kept.clear()  # noqa: SLF001 - a bounded memory, and nobody else empties it
        archive = session.ctx.book.archive
        if archive is not None:
            archive._loaded.clear()  # noqa: SLF001 - a cache, and nobody else empties it


def _acts(plan: Plan, episode: int, order_events: str) -> list[Act]:
    """What happens in an episode, each at its seconds behind the episode's begin; in the end everything is cancelled.

    What a venue takes back or corrects is counted from the newest fill: of one that is hours old, and whose word was lost, the
    account's position alone would tell (RELIABILITY 4.6).  Where the desk hears by the socket alone, nobody would hear of it.
    """
    found = list[Act]()
    for act in plan.acts:
        match act:
            case Submit():
                number = act.number + episode * NUMBERS
                order = replace(act.order, client_tag=f"w{number}")
                found.append(replace(act, number=number, order=order))
            case Cancel() | Modify():
                found.append(replace(act, number=act.number + episode * NUMBERS))
            case Bust() | Correct():
                found += [] if order_events == "websocket" else [replace(act, nth=-1 - act.nth)]
            case _ if isinstance(act, SPARED):
                pass
            case _:
                found.append(act)
    return [*found, CancelAll(SWEPT_S)]


def _later(faults: Iterable[Fault], since_s: float) -> list[Fault]:
    """An episode's weather, at its time; all of it ends with the active part, as in every schedule."""
    return [
        replace(fault, since_s=since_s + fault.since_s, until_s=since_s + min(fault.until_s, ACTIVE_S))
        for fault in faults
        if fault.what not in FATAL
    ]


def main() -> int:
    """Exit code 1 when something grew, or a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0, help="of virtual time")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = perf_counter()
    made = soak(hours=options.hours, seed=options.seed, tell=_tell)
    for text in made.growth:
        _say(f"grew: {text}")
    for violation in made.report.violations:
        _say(f"seed {options.seed} {violation}")
    rises = sum(later.total > earlier.total for earlier, later in pairwise(made.measures))
    _say(
        f"soak hours {options.hours:g} orders {made.report.orders} deaths {made.report.kills} grew {len(made.growth)} "
        f"violations {len(made.report.violations)} rises {rises}/{max(len(made.measures) - 1, 0)} "
        f"steps {made.report.steps} seconds {perf_counter() - began:.1f}"
    )
    return 1 if made.growth or made.report.violations else 0


def _tell(at: Measure) -> None:
    largest = max(at.held.items(), key=lambda one: one[1], default=("nothing", 0))
    _say(f"{at.at_h:6.1f} h  objects {at.total}  descriptors {at.descriptors}  largest {largest[0]} {largest[1]}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
