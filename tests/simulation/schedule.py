"""What a schedule is: what people do, what the market and the venue do, what goes wrong, and when the desk is killed.

A plan is a value: it prints as one line an entry, is kept in a file, and is all that a run depends on.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum
from typing import Protocol

from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.values import OrderClass
from tests.simulation.clock import Error, Step
from tests.simulation.weather import Fault
from tests.simulation.worlds import ALL, NAMED, WORLDS, World

ACTIVE_S = 45.0  # people act and faults strike in this time; then the calm begins
TICK = Decimal("0.01")  # of everything that is traded in any world
ROUTED = ("alpaca", "alpaca-2")  # accounts at which the same is traded
ACCOUNTS = (*ROUTED, *(name for name in WORLDS if name not in ROUTED))  # of a desk with several


@dataclass(frozen=True, slots=True)
class Submit:
    """Place `order`; with `keyed`, under an idempotency key that the caller uses again when no answer comes.

    `account` here and below: which of several; the only one, or all of them, when nobody says which.
    """

    at_s: float
    number: int
    order: NewOrder
    keyed: bool
    account: str = ""

    def __str__(self) -> str:
        o = self.order
        words = [
            o.side.value,
            str(o.order_qty) if o.notional is None else f"${o.notional}",
            o.symbol,
            o.order_type.value,
        ]
        words += [o.order_class.value] if o.order_class is not OrderClass.SIMPLE else []
        words += [f"at {o.price}"] * (o.price is not None) + [f"stop {o.stop_px}"] * (o.stop_px is not None)
        return (
            f"submit #{self.number} {' '.join(words)} {o.tif.value}, {'keyed' if self.keyed else 'no key'}{_at(self)}"
        )


@dataclass(frozen=True, slots=True)
class Cancel:
    at_s: float
    number: int

    def __str__(self) -> str:
        return f"cancel #{self.number}"


@dataclass(frozen=True, slots=True)
class CancelAll:
    """Somebody cancels everything that is open."""

    at_s: float
    account: str = ""

    def __str__(self) -> str:
        return f"cancel everything{_at(self)}"


@dataclass(frozen=True, slots=True)
class Modify:
    at_s: float
    number: int
    changes: OrderChanges

    def __str__(self) -> str:
        return f"replace #{self.number}: quantity {self.changes.order_qty}, price {self.changes.price}"


@dataclass(frozen=True, slots=True)
class Move:
    """The market moves to a new top of book."""

    at_s: float
    symbol: str
    bid: Decimal
    account: str = ""

    def __str__(self) -> str:
        return f"price {self.symbol} {self.bid} / {self.bid + TICK}{_at(self)}"


@dataclass(frozen=True, slots=True)
class Force:
    """The venue fills part of its `nth` open order (counted from the oldest, round and round)."""

    at_s: float
    nth: int
    share: Decimal
    account: str = ""

    def __str__(self) -> str:
        return f"fill {self.share} of open order {self.nth}{_at(self)}"


@dataclass(frozen=True, slots=True)
class Bust:
    """The venue takes back its `nth` fill (counted from the oldest, round and round)."""

    at_s: float
    nth: int
    account: str = ""

    def __str__(self) -> str:
        return f"bust fill {self.nth}{_at(self)}"


@dataclass(frozen=True, slots=True)
class Correct:
    """The venue corrects its `nth` fill (counted from the oldest, round and round): another price, and part of the units."""

    at_s: float
    nth: int
    share: Decimal
    account: str = ""

    def __str__(self) -> str:
        return f"correct fill {self.nth} to {self.share} of it{_at(self)}"


@dataclass(frozen=True, slots=True)
class Reconcile:
    at_s: float
    account: str = ""

    def __str__(self) -> str:
        return f"reconcile{_at(self)}"


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody trips the kill switch, of one account or of the whole desk."""

    at_s: float
    level: int
    account: str = ""

    def __str__(self) -> str:
        return f"kill switch on, level {self.level}{_at(self)}"


@dataclass(frozen=True, slots=True)
class Reopen:
    at_s: float
    account: str = ""

    def __str__(self) -> str:
        return f"kill switch off{_at(self)}"


@dataclass(frozen=True, slots=True)
class Crash:
    """The desk dies at a moment instead of a step."""

    at_s: float

    def __str__(self) -> str:
        return "the desk dies"


class _Somewhere(Protocol):
    @property
    def account(self) -> str: ...


def _at(act: _Somewhere) -> str:
    return f" at {act.account}" if act.account else ""


Act = Submit | Cancel | CancelAll | Modify | Move | Force | Bust | Correct | Reconcile | Stop | Reopen | Crash


@dataclass(frozen=True, slots=True)
class Kill:
    """A life of the desk ends at its `step`-th step; the next begins `down_s` later.

    With `command`, the steps count from the moment at which the life's command of that number is on its way to the
    wire: where a kill hurts most.  With `at` the life ends at its `hit`-th time of reaching that named step, at the first wait
    behind it.
    """

    step: int
    down_s: float
    command: int | None = None
    at: str | None = None
    hit: int = 1

    def __str__(self) -> str:
        if self.at is not None:
            return f"killed at {self.at}, time {self.hit}, down for {self.down_s:.1f}s"
        begin = "" if self.command is None else f" after command {self.command} began"
        return f"killed at step {self.step}{begin}, down for {self.down_s:.1f}s"


class Calm(Enum):
    """What happens after the faults: a round as soon as nothing is on its way (BRISK), or after two of the desk's own
    listings (LONG); or nobody asks, and the desk is left to its own periods (PATIENT)."""

    BRISK = "brisk"
    LONG = "long"
    PATIENT = "patient"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything a run depends on.  `limits` are risk limits as configuration has them, where the usual ones would not be
    met; a venue that `lists_fills` not tells of executions on its stream alone; one with `whole_successors` lets a changed order
    begin anew after a partial fill.  The desk's clock is `skew_s` off, gains `drift` seconds a second and is moved by `steps`.
    With `closes_at_s` the market closes then, and days end.  `venue` names the world (`worlds.py`), or `all`: then the desk
    has an account at each venue, and `odd` names the one that `limits` and `lists_fills` are about; orders that name no account
    are routed by the strategy `routes` among those in `ROUTED`.  With `bot` a strategy trades beside people (`bots/`).
    """

    seed: int
    disorder: float
    skew_s: float
    order_events: str = "websocket"
    calm: Calm = Calm.BRISK
    acts: tuple[Act, ...] = ()
    faults: tuple[Fault, ...] = ()
    kills: tuple[Kill, ...] = field(default=())
    limits: tuple[tuple[str, int], ...] = ()
    lists_fills: bool = True
    whole_successors: bool = False
    drift: float = 0.0
    steps: tuple[Step, ...] = ()
    closes_at_s: float | None = None
    venue: str = "alpaca"
    odd: str = ""
    routes: str = ""
    bot: bool = False

    @property
    def accounts(self) -> tuple[str, ...]:
        """What acts and faults call them."""
        return ACCOUNTS if self.venue == ALL else (self.venue,)

    def world_at(self, account: str) -> World:
        """A second account at a venue is named after it: `alpaca-2`."""
        return NAMED[account] if account in NAMED else NAMED[account.partition("-")[0]]

    @property
    def world(self) -> World:
        """The first one's, which is all there is in most schedules."""
        return self.world_at(self.accounts[0])

    @property
    def clock(self) -> Error:
        """How wrong the desk's clock is."""
        return Error(self.skew_s, self.drift, self.steps)

    def __str__(self) -> str:
        where = f"seed {self.seed} at {self.venue}, disorder {self.disorder}"
        lines = [f"{where}, clock {self.skew_s:+.3f}s off, events by {self.order_events}"]
        lines += [f"  {name} {most}{f' at {self.odd}' if self.odd else ''}" for name, most in self.limits]
        lines += [f"  routed by {self.routes}"] if self.routes else []
        lines += ["  a strategy trades beside people"] if self.bot else []
        lines += [] if self.lists_fills else [f"  {self.odd or 'the venue'} lists no fills"]
        lines += ["  a changed order begins anew after a partial fill"] if self.whole_successors else []
        lines += [f"  the desk's clock gains {self.drift:+.4f}s a second"] if self.drift else []
        lines += [f"  {step}" for step in self.steps]
        lines += [] if self.closes_at_s is None else [f"  {self.closes_at_s:6.2f}s the market closes"]
        lines += [f"  {act.at_s:6.2f}s {act}" for act in self.acts]
        lines += [f"  fault {fault}" for fault in self.faults]
        lines += [f"  life {number} of the desk is {kill}" for number, kill in enumerate(self.kills, start=1)]
        return "\n".join(lines)

    def without(self, *, kills: bool = False, faults: bool = False) -> Plan:
        """The same plan in kinder circumstances, to narrow a finding down."""
        return replace(self, kills=() if kills else self.kills, faults=() if faults else self.faults)
