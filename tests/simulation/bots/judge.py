"""What a bot remembers, against what the desk has of it: nothing wished twice, nothing lost in silence, every fill heard once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from floorbroker.domain.orders import Order
from floorbroker.domain.values import text_of
from floorbroker.strategy.bots import Kept, broken_line
from tests.simulation.bots.robot import Robot
from tests.simulation.bots.trader import NAME
from tests.simulation.claims import Violation

ASKED = ["pending_new", "0"]  # as everybody knows it who asked
NEVER_THERE = frozenset({"not_sent", "rejected", "not_placed", "unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Diary:
    """`orders` are those of the bot at the desk.  `is_revised`: the venue took back or corrected executions."""

    kept: Kept
    orders: Sequence[Order]
    is_revised: bool

    @property
    def state(self) -> dict[str, Any]:
        return self.kept.state


def judge_bot(robot: Robot, orders: Iterable[Order], *, is_revised: bool) -> list[Violation]:
    """Every promise to a strategy that was broken."""
    found = [Violation("wrong", f"the bot was stopped: {why}") for why in robot.falls]
    if (line := broken_line(robot.decisions)) is not None:
        found.append(Violation("wrong", f"line {line} of the decisions is not what was written"))
    kept = robot.keep.read()
    mine = [order for order in orders if order.terms.strategy == NAME and order.parent_id is None]
    if kept is None or not kept.state:
        return found + [Violation("lost", f"the bot remembers nothing of {order.terms.client_tag}") for order in mine]
    diary = Diary(kept=kept, orders=mine, is_revised=is_revised)
    return [*found, *_doubled(diary), *_lost(diary), *_fills(diary)]


def _doubled(diary: Diary) -> Iterable[Violation]:
    """One cause, one order (I20): a bar, a timer, an execution."""
    for why, count in Counter(order.terms.reason for order in diary.orders).items():
        if count > 1:
            yield Violation("duplicate", f"{count} orders because of {why}")
    for end in diary.state["again"]:
        yield Violation("duplicate", f"the strategy was shown the bar that ended {end} again")
    for exec_id in diary.state["twice"]:
        yield Violation("duplicate", f"the strategy was told of the execution {exec_id} twice")


def _lost(diary: Diary) -> Iterable[Violation]:
    """What was wished is at the desk, or its refusal was told; what is at the desk was told, as it stands."""
    there = {order.terms.client_tag: order for order in diary.orders}
    stands = diary.state["stands"]
    for wish, why in diary.state["asked"].items():
        if wish not in there and stands.get(wish, ("",))[0] not in NEVER_THERE:
            yield Violation("lost", f"the wish {wish} ({why}) is nowhere, and its strategy was told {stands.get(wish)}")
    for wish, order in there.items():
        now = [order.ord_status.value, text_of(order.cum_qty)]
        told = stands.get(wish, ASKED if wish in diary.state["asked"] else None)
        if told != now:
            yield Violation("lost", f"the strategy was told that {wish} stands at {told}; it is {now}")


def _fills(diary: Diary) -> Iterable[Violation]:
    """The units that a strategy was told of are those that were traded; what was taken back since is in its position alone."""
    told: dict[str, Decimal] = {}
    for wish, qty in diary.state["heard"].values():
        told[wish] = told.get(wish, Decimal(0)) + Decimal(qty)
    for order in diary.orders:
        wish = order.terms.client_tag
        traded = sum((execution.last_qty for execution in order.executions), Decimal(0))
        heard = told.pop(wish, Decimal(0))
        if heard < traded or (heard > traded and not diary.is_revised):
            yield Violation("wrong", f"the strategy was told of {heard} units of {wish}; {traded} were traded")
    for wish, heard in told.items():
        yield Violation("wrong", f"the strategy was told of {heard} units of {wish}, which the desk does not have")
