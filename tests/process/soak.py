"""`python -m tests.process.soak --minutes 30`: a real desk trades with a simulated venue over TCP, under random faults.

Orders go in by the REST door, one a second; the venue's faults change every quarter of a minute.  Memory and descriptors are read
from the system while nothing strikes: after the first third they may not grow.  In the end both sides must agree on every order.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from floorbroker.domain.clock import Clock, SystemClock
from tests.process.door import Answer, Door, Gone
from tests.process.nursery import Nursery, TooLate
from tests.process.story import is_settled
from tests.process.world import PROFILE, SYMBOLS, World

PAUSE_S = 1.0
STORM_S, LULL_S = 15.0, 15.0
SETTLED_S = 120.0
SLACK, SLACK_KB, SLACK_FDS = 1.2, 16_384, 3
PRICES = {"buy": ("95", "99.5", "101"), "sell": ("105", "100.5", "99")}  # each side's last one trades at once
LIMITS = """
max_open_orders = 1000
max_orders_day = 100000
max_notional_day = "100000000"
max_position_notional = "10000000"
max_gross_exposure = "10000000"
max_net_exposure = "10000000"
"""
FAULTS: tuple[dict[str, Any], ...] = (
    {"where": "request", "what": "drop"},
    {"where": "request", "what": "delay", "args": {"seconds": 2}},
    {"where": "request", "what": "cut"},
    {"where": "reply", "what": "drop"},
    {"where": "reply", "what": "delay", "args": {"seconds": 2}},
    {"where": "reply", "what": "cut"},
    {"where": "reply", "what": "status", "args": {"status": 502}},
    {"where": "reply", "what": "malformed"},
    {"where": "stream", "what": "drop"},
    {"where": "stream", "what": "duplicate"},
    {"where": "stream", "what": "reorder"},
    {"where": "stream", "what": "cut"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the system says of the desk's process."""

    minute: float
    rss_kb: int
    descriptors: int


def reading(pid: int, minute: float) -> Reading:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    rss_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
    return Reading(minute=minute, rss_kb=rss_kb, descriptors=sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()))


def grown(readings: list[Reading]) -> list[str]:
    """What is larger at the end than after the first third."""
    if len(readings) < 3:
        return []
    early, late = readings[len(readings) // 3], readings[-1]
    found = list[str]()
    if late.rss_kb > early.rss_kb * SLACK + SLACK_KB:
        found.append(f"memory: {early.rss_kb} kB at minute {early.minute:.1f}, {late.rss_kb} kB at {late.minute:.1f}")
    if late.descriptors > early.descriptors + SLACK_FDS:
        found.append(f"descriptors: {early.descriptors} at minute {early.minute:.1f}, {late.descriptors} at the end")
    return found


@dataclass(slots=True)
class Soak:
    """A world that is up, and what was asked of it."""

    world: World
    random: Random
    clock: Clock
    asked: int = 0
    taken: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    readings: list[Reading] = field(default_factory=list[Reading])
    wrong: list[str] = field(default_factory=list[str])

    @property
    def door(self) -> Door:
        assert self.world.door is not None
        return self.world.door

    async def live(self, minutes: float) -> None:
        """Storm and lull, until the time is over; each lull ends with a reading."""
        began, until_s = self.clock.monotonic(), self.clock.monotonic() + minutes * 60
        while self.clock.monotonic() < until_s:
            self._blow(self.random.sample(FAULTS, 3))
            await self._trade(STORM_S)
            self._blow([])
            await self._trade(LULL_S)
            assert self.world.desk is not None
            self.readings.append(reading(self.world.desk.pid, (self.clock.monotonic() - began) / 60))

    def _blow(self, faults: list[dict[str, Any]]) -> None:
        drawn = [{**fault, "when": {"probability": self.random.choice((0.1, 0.3))}} for fault in faults]
        self.world.control.post("/faults", faults=drawn)

    async def _trade(self, for_s: float) -> None:
        until_s = self.clock.monotonic() + for_s
        while self.clock.monotonic() < until_s:
            self.asked += 1
            side = self.random.choice(tuple(PRICES))
            wish = {
                "symbol": self.random.choice(SYMBOLS),
                "side": side,
                "type": "limit",
                "quantity": str(self.random.randint(1, 3)),
                "limit_price": self.random.choice(PRICES[side]),
                "time_in_force": "day",
                "profile": PROFILE,
                "allow_duplicate": True,
            }
            answer = self._ask("POST", "/orders", wish, Idempotency_Key=f"soak {self.asked}")
            if answer is not None and answer.ok:
                self.taken += 1
                if self.random.random() < 0.5:
                    self._ask("DELETE", f"/orders/{answer.body['id']}")
            elif answer is not None:
                self.refused[f"{answer.body['code']} {answer.body.get('control', '')}".strip()] += 1
            await self.clock.sleep(PAUSE_S)

    def _ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer | None:
        """A call that may fail in a storm, and must find somebody who listens."""
        try:
            return self.door.ask(method, f"/api/v1/sim{path}", body, **headers)
        except TooLate:
            return None
        except Gone as error:
            self.wrong.append(f"nobody answers: {error}")
            return None

    async def settle(self) -> None:
        """Everything is cancelled, and both sides agree."""
        until_s = self.clock.monotonic() + SETTLED_S
        while self.clock.monotonic() < until_s:
            self._ask("DELETE", "/orders")
            answer = self._ask("POST", f"/profiles/{PROFILE}/reconcile")
            if (
                answer is not None
                and answer.ok
                and answer.body["converged"]
                and not (self._open() or self._undecided())
            ):
                break
            await self.clock.sleep(2)
        self.wrong += [f"the venue still works on {row['client']}" for row in self._open()]
        states = {order["cl_ord_id"]: order for order in self._orders()}
        for row in self.world.truth("orders"):
            ours = states.get(row["client"])
            if ours is None:
                self.wrong.append(f"the desk does not know {row['client']}")
            elif float(ours["cum_qty"]) != float(row["filled"]):
                self.wrong.append(f"{row['client']}: {ours['cum_qty']} filled here, {row['filled']} there")
        self.wrong += [f"{order['id']} is undecided: {order['ord_status']}" for order in self._undecided()]

    def _undecided(self) -> list[dict[str, Any]]:
        return [order for order in self._orders() if not is_settled(order)]

    def _open(self) -> list[dict[str, Any]]:
        return [row for row in self.world.truth("orders") if row["status"] in {"new", "accepted", "partially_filled"}]

    def _orders(self) -> list[dict[str, Any]]:
        found, after = list[dict[str, Any]](), ""
        while True:
            page = self.door.get(f"/api/v1/sim/orders?limit=200{after}")
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            after = f"&cursor={page['next_cursor']}"


def soak(folder: Path, *, minutes: float, seed: int) -> Soak:
    """Start both, let them live, compare."""
    with Nursery() as nursery:
        world = World(nursery, folder, limits=LIMITS)
        world.open()
        made = Soak(world, Random(seed), SystemClock())
        try:
            world.begin()
            world.settle()
            _run(made.live(minutes))
            _run(made.settle())
        finally:
            world.close()
    return made


def _run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def main() -> int:
    """Exit code 1 when something grew, or the two sides differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.process.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="floorbroker-soak-") as folder:
        made = soak(Path(folder), minutes=asked.minutes, seed=asked.seed)
    growth = grown(made.readings)
    for text in (*growth, *made.wrong):
        sys.stdout.write(f"{text}\n")
    first, last = made.readings[0], made.readings[-1]
    refused = ", ".join(f"{code} {count}" for code, count in made.refused.most_common())
    sys.stdout.write(f"refused: {refused or 'nothing'}\n")
    sys.stdout.write(
        f"soak minutes {asked.minutes:g} asked {made.asked} taken {made.taken} wrong {len(made.wrong)} grew {len(growth)} "
        f"rss_kb {first.rss_kb} {last.rss_kb} descriptors {first.descriptors} {last.descriptors}\n"
    )
    return 1 if growth or made.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
