"""Many schedules on every core: seeds are dealt to worker processes, and what comes back does not depend on how many."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import process_time

from tests.simulation.oracle import Violation
from tests.simulation.plan import plan_of
from tests.simulation.run import run

HAND = 20  # seeds dealt at a time
MOST_JOBS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What one schedule came to, small enough to cross a pipe."""

    seed: int
    venue: str
    violations: tuple[Violation, ...]
    orders: int
    kills: int
    steps: int
    cells: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])  # by venue
    struck: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    reached: Counter[str] = field(default_factory=Counter[str])
    met: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    cpu_s: float = 0.0
    digest: str = ""


def play(seed: int, *, venue: str | None = None, fingerprint: bool = False) -> Played:
    """One schedule of the generator."""
    played = _play(seed, venue=venue, fingerprint=fingerprint)
    gc.collect(1)  # frozen nodes are garbage that only a collection finds, once nothing holds their world any more
    return played


def _play(seed: int, *, venue: str | None, fingerprint: bool) -> Played:
    began = process_time()
    plan = plan_of(seed, venue)
    report = run(plan, fingerprint=fingerprint)
    return Played(
        seed=seed,
        venue=plan.venue,
        violations=tuple(report.violations),
        orders=report.orders,
        kills=report.kills,
        steps=report.steps,
        cells=report.cells,
        struck=report.weather.struck if report.weather is not None else Counter(),
        reached=report.footsteps.reached,
        met=report.footsteps.met,
        cpu_s=process_time() - began,
        digest=report.digest,
    )


def default_jobs() -> int:
    """Every core this process may use, eight at most."""
    return min(MOST_JOBS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def play_all(
    seeds: Sequence[int], *, jobs: int, venue: str | None = None, fingerprint: bool = False
) -> Iterator[Played]:
    """Every seed, in order.  Workers are forked, so that each has everything loaded."""
    hands = [(seeds[at : at + HAND], venue, fingerprint) for at in range(0, len(seeds), HAND)]
    gc.collect()
    gc.freeze()
    if jobs <= 1:
        for hand in hands:
            yield from _play_hand(hand)
        return
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        for played in pool.imap(_play_hand, hands):
            yield from played


def _play_hand(hand: tuple[Sequence[int], str | None, bool]) -> list[Played]:
    seeds, venue, fingerprint = hand
    return [play(seed, venue=venue, fingerprint=fingerprint) for seed in seeds]
