"""A crowd at the limits: submits on several accounts of one desk, thousands of them undecided, none of which may pass a limit.

`python -m tests.properties.crowd --submits 1000000` runs it.  The book, its shares, gates and folds are the desk's own;
the venue is a script of facts: orders that are taken, refused, lost, in doubt, given up and accepted late, filled in part
and cancelled.  The measure is `Truth`, a plain sum over what was let through, which knows no risk code: after each
approval, and after each fact, every scope must be within its limits.  Orders in doubt count in full (I5, I12).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, cast

from floorbroker.domain import facts as f
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.ids import IdSource
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import Approved
from floorbroker.domain.ports import FactEntry, NoLog, NoMeter, Profile, Record
from floorbroker.domain.records import Account, Quote
from floorbroker.domain.values import (
    AssetClass,
    ClOrdId,
    Environment,
    ExecId,
    OrderId,
    Price,
    ProfileName,
    Quantity,
    Side,
)
from floorbroker.oms.account import AccountContext, Actor, Switches
from floorbroker.oms.book import OrderBook
from floorbroker.risk.book import RiskBook
from floorbroker.risk.gate import RiskGate
from floorbroker.risk.limits import RiskLimits, SharedLimits
from tests.support.fake_broker import FakeBroker, buy

NOON = datetime(2026, 3, 2, 15, tzinfo=UTC)
PX = Decimal(100)
TOLD_EVERY = 50_000
ACCOUNTS, SYMBOLS, STRATEGIES, TOKENS = ("a", "b", "c"), ("AAPL", "MSFT", "XOM"), ("m", "n"), ("ann", "bot")
OWN = RiskLimits(
    max_position_qty=Decimal(20_000), max_open_orders=4_500, max_open_orders_symbol=None, max_order_qty=None,
    max_order_notional=None, max_position_notional=None, max_gross_exposure=None, max_net_exposure=None, max_leverage=None,
    max_messages_s=None, max_messages_min=None, max_orders_day=None, max_notional_day=None, max_loss_day_pct=None,
    max_drawdown_pct=None, max_fills_untouched=None, self_match="off", duplicate_window_s=Decimal(0),
)  # fmt: skip
SCOPES = {
    "global": SharedLimits(max_open_orders=10_000, max_gross_exposure=Decimal(15_000_000)),
    "strategy:m": SharedLimits(max_position_qty=Decimal(25_000), max_open_orders=6_000),
    "token:bot": SharedLimits(max_gross_exposure=Decimal(9_000_000)),
    "symbol:AAPL": SharedLimits(max_position_qty=Decimal(30_000), max_open_orders=4_000),
}


SIZED = ("max_position_qty", "max_open_orders", "max_gross_exposure")


def scaled(limits: SharedLimits, share: Decimal) -> SharedLimits:
    """The same limits for a smaller crowd."""
    found = {name: getattr(limits, name) for name in SIZED}
    sized = {name: type(value)(value * share) for name, value in found.items() if value is not None}
    return limits.model_copy(update=sized)


@dataclass(slots=True)
class Placed:
    """One order that was let through, as the script goes on with it."""

    approved: Approved
    account: str
    token: str
    left: int
    stage: str = "reserved"  # then sending, doubt, presumed, working
    facts: int = 0
    fills: int = 0

    @property
    def keys(self) -> tuple[str, ...]:
        wish = self.approved.order
        return (
            "global",
            f"profile:{self.account}",
            f"strategy:{wish.strategy}",
            f"token:{self.token}",
            f"symbol:{wish.symbol}",
        )


@dataclass(slots=True)
class Truth:
    """Plain sums: units held and still open by scope, account and symbol; orders by scope."""

    limits: dict[str, SharedLimits]
    held: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    buys: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    sells: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    orders: Counter[str] = field(default_factory=Counter[str])
    overshoots: list[str] = field(default_factory=list[str])

    def open(self, placed: Placed, units: int, orders: int) -> None:
        """So many units more, or less, may still fill."""
        wish = placed.approved.order
        side = self.buys if wish.side is Side.BUY else self.sells
        for key in placed.keys:
            side[key, placed.account, wish.symbol] += units
            self.orders[key] += orders

    def fill(self, placed: Placed, units: int) -> None:
        wish = placed.approved.order
        for key in placed.keys:
            self.held[key, placed.account, wish.symbol] += wish.side.sign * units

    def look(self, placed: Placed, when: str) -> None:
        """Every scope of an order against its limits."""
        for key in placed.keys:
            limits = self.limits.get(key)
            if limits is not None:
                self._judge(key, limits, placed.approved.order.symbol, when)

    def _judge(self, key: str, limits: SharedLimits, symbol: str, when: str) -> None:
        up = sum(self.held[key, a, symbol] + self.buys[key, a, symbol] for a in ACCOUNTS)
        down = sum(self.held[key, a, symbol] - self.sells[key, a, symbol] for a in ACCOUNTS)
        if limits.max_position_qty is not None and max(up, -down) > limits.max_position_qty:
            self.overshoots.append(f"{when}: {key} may hold {max(up, -down)} {symbol}")
        if limits.max_open_orders is not None and self.orders[key] > limits.max_open_orders:
            self.overshoots.append(f"{when}: {key} has {self.orders[key]} orders")
        if limits.max_gross_exposure is not None and self.gross(key) > limits.max_gross_exposure:
            self.overshoots.append(f"{when}: {key} is exposed by {self.gross(key)}")

    def gross(self, key: str) -> Decimal:
        total = 0
        for account in ACCOUNTS:
            for symbol in SYMBOLS:
                at = (key, account, symbol)
                total += max(self.held[at] + self.buys[at], 0) - min(self.held[at] - self.sells[at], 0)
        return total * PX


class Crowd:
    """Three accounts, one risk book, and a script that is a function of its seed."""

    def __init__(self, seed: int, in_flight: int) -> None:
        self.random = Random(seed)
        self.clock = ManualClock(NOON)
        self.risk = RiskBook(self.clock)
        share = Decimal(in_flight) / 10_000
        limits = {key: scaled(limits, share) for key, limits in SCOPES.items()}
        own = scaled(OWN, share)
        self.truth = Truth(limits=limits | {f"profile:{name}": own for name in ACCOUNTS})
        self.placed: list[Placed] = []
        self.closed: list[Placed] = []
        self.in_flight = in_flight
        self.seq = 0
        self.told: Counter[str] = Counter()
        self.accounts = {name: self._account(name, number, own) for number, name in enumerate(ACCOUNTS)}
        for key, shared in limits.items():
            self.risk.limit(key, shared)

    def _account(self, name: str, number: int, limits: SharedLimits) -> AccountContext:
        broker, profile = (
            FakeBroker(self.clock),
            Profile(name=ProfileName(name), broker="FAKE", environment=Environment.SIM),
        )
        ctx = AccountContext(
            profile=profile,
            broker=broker,
            journal=cast("Any", None),
            book=OrderBook(profile=profile.name, identity=broker.identity),
            gate=RiskGate(profile, self.clock),
            writer=cast("Any", None),
            clock=self.clock,
            ids=IdSource(tag=0x5A5 + number, random=self.random),
            limits=cast("RiskLimits", limits),
            switches=Switches(blocked=str, not_ready=str, not_armed=str),
            log=NoLog(),
            meter=NoMeter(),
            arrival_bound_s=5.0,
            visibility_lag_s=1.0,
            risk_book=self.risk,
        )
        much = Decimal(10**12)
        ctx.account = Account(account=name, currency="USD", cash=much, equity=much, buying_power=much)
        for symbol in SYMBOLS:
            ctx.on_quote(Quote(symbol=symbol, bid=Price(PX), ask=Price(PX), time=NOON))
        return ctx

    # -- what the crowd does ------------------------------------------------------------------------------------------

    def submit(self) -> None:
        """One wish on one account."""
        random = self.random
        account, symbol = random.choice(ACCOUNTS), random.choice(SYMBOLS)
        side, token = random.choice((Side.BUY, Side.BUY, Side.SELL)), random.choice(TOKENS)
        wish = buy(str(random.randint(1, 60)), str(PX), side=side, symbol=symbol)
        wish = type(wish)(**{**_members(wish), "strategy": random.choice(STRATEGIES)})
        ctx = self.accounts[account]
        instrument = Instrument(
            symbol=symbol, asset_class=AssetClass.EQUITY, currency="USD", shortable=True, as_of=NOON
        )
        try:
            approved = self.decide(ctx, wish, instrument, token)
        except FloorbrokerError as error:
            self.told[getattr(error, "control", error.code)] += 1
            return
        self.let_through(approved, account, token)

    def let_through(self, approved: Approved, account: str, token: str) -> None:
        """It counts in full from here on."""
        placed = Placed(approved=approved, account=account, token=token, left=int(approved.order.order_qty or 0))
        self.placed.append(placed)
        self.truth.open(placed, placed.left, 1)
        self.truth.look(placed, "approval")
        self.told["approved"] += 1

    def decide(self, ctx: AccountContext, wish: Any, instrument: Instrument, token: str) -> Approved:
        """As `Submitter._decide`: situation, controls and reservation without an await."""
        situation = ctx.situation(wish, instrument, actor=Actor(principal=token, via="test"))
        intent_id = ctx.ids.intent(ctx.clock.now())
        approved = ctx.gate.approve(situation, intent_id=intent_id, cl_ord_id=ClOrdId(f"fb-{intent_id}"))
        ctx.reserve(intent_id, situation)
        return approved

    def go_on(self) -> None:
        """Something becomes of one order, picked at random: they are told of in any order."""
        if not self.placed:
            return
        at = self.random.randrange(len(self.placed))
        placed = self.placed[at]
        getattr(self, f"_{placed.stage}")(placed)
        self.truth.look(placed, placed.stage)
        if placed.stage in ("closed", "gone"):
            self.placed[at] = self.placed[-1]
            self.placed.pop()
            if placed.stage == "closed":
                self.closed.append(placed)

    def _reserved(self, placed: Placed) -> None:
        """It is committed, or the commit fails and the intent is gone."""
        ctx, approved = self.accounts[placed.account], placed.approved
        if self.random.random() < 0.02:
            ctx.gate.settle(approved.intent_id)
            self._end(placed, "gone")
            return
        prepared = f.Prepared(
            source=f.Source.OWN, at=NOON, cl_ord_id=approved.cl_ord_id, profile=approved.profile, order=approved.order,
            principal=placed.token,
        )  # fmt: skip
        self._tell(placed, prepared)
        self._tell(placed, f.Sending(source=f.Source.OWN, at=NOON, deadline_s=5, arrival_bound_s=5))
        ctx.gate.settle(approved.intent_id)
        placed.stage = "sending"

    def _sending(self, placed: Placed) -> None:
        drawn = self.random.random()
        if drawn < 0.55:
            self._works(placed)
        elif drawn < 0.65:
            self._tell(placed, f.Reject(source=f.Source.REPLY, at=NOON, reason="no"))
            self._end(placed, "closed")
        elif drawn < 0.70:
            self._tell(placed, f.NotSent(source=f.Source.OWN, at=NOON, reason="refused"))
            self._end(placed, "closed")
        else:
            self._tell(placed, f.InDoubt(source=f.Source.REPLY, at=NOON, reason="silence"))
            self.told["unknown"] += 1
            placed.stage = "doubt"

    def _doubt(self, placed: Placed) -> None:
        """UNKNOWN: found at the venue, or given up."""
        if self.random.random() < 0.6:
            self._works(placed)
            return
        self._tell(placed, f.HorizonPassed(source=f.Source.OWN, at=NOON, presumed=True, negatives=3))
        placed.stage = "presumed"

    def _presumed(self, placed: Placed) -> None:
        """It was given up, counts for a day, and shows up late or never: then a person's word closes it."""
        if self.random.random() < 0.5:
            self.told["late"] += 1
            self._works(placed)

    def _working(self, placed: Placed) -> None:
        if self.random.random() < 0.6:
            units = self.random.randint(1, placed.left)
            placed.fills += 1
            self._tell(placed, self._execution(placed, units))
            placed.left -= units
            self.truth.open(placed, -units, 0)
            self.truth.fill(placed, units)
            if not placed.left:
                self._end(placed, "closed")
            return
        self._tell(placed, f.Cancelled(source=f.Source.STREAM, at=NOON, order_id=_order_id(placed)))
        self._end(placed, "closed")

    def _works(self, placed: Placed) -> None:
        self._tell(placed, f.Working(source=f.Source.STREAM, at=NOON, order_id=_order_id(placed)))
        placed.stage = "working"

    def _execution(self, placed: Placed, units: int) -> f.Exec:
        wish = placed.approved.order
        return f.Exec(
            source=f.Source.STREAM, at=NOON, exec_id=ExecId(f"{placed.approved.intent_id}/{placed.fills}"),
            order_id=_order_id(placed), symbol=wish.symbol, side=wish.side, last_qty=Quantity(Decimal(units)),
            last_px=Price(PX),
        )  # fmt: skip

    def _end(self, placed: Placed, stage: str) -> None:
        self.truth.open(placed, -placed.left, -1)
        placed.left, placed.stage = 0, stage

    def _tell(self, placed: Placed, fact: f.Fact) -> None:
        """A fact becomes durable and is folded."""
        self.seq += 1
        placed.facts += 1
        ctx, intent_id = self.accounts[placed.account], placed.approved.intent_id
        entry = FactEntry(profile=placed.approved.profile, intent_id=intent_id, fact=fact)
        change = ctx.book.apply(Record(seq=self.seq, epoch=0, at=NOON, entry=entry))
        if change is not None:
            ctx.share.on_change(change)

    def tidy_up(self) -> None:
        """What is done leaves memory, as sealing would have it."""
        for ctx in self.accounts.values():
            ctx.catch_up()
            ctx._exposed.costs.settled_before(NOON + timedelta(days=1))  # noqa: SLF001 - as a look at the account does
        for placed in self.closed:
            self.accounts[placed.account].book.release(placed.approved.intent_id, placed.facts)
        self.closed.clear()
        self.risk.day.begin(datetime.combine(self.risk.day.today, NOON.timetz()) + timedelta(days=1))

    def run(self, submits: int) -> None:
        """Fills up to the bound of what is in flight, then goes on as fast as things end."""
        for number in range(submits):
            self.submit()
            full = len(self.placed) >= self.in_flight
            for _ in range(4 if full or self.random.random() < 0.25 else 0):
                self.go_on()
            if number % 2_000 == 1_999:
                self.tidy_up()
            self.told["peak"] = max(self.told["peak"], len(self.placed))


def _order_id(placed: Placed) -> OrderId:
    return OrderId(f"v-{placed.approved.intent_id}")


def _members(wish: Any) -> dict[str, Any]:
    return {name: getattr(wish, name) for name in wish.__dataclass_fields__}


def line_of(crowd: Crowd, submits: int, seconds: float) -> str:
    """The result as one line."""
    told = crowd.told
    refused = submits - told["approved"]
    return (
        f"submits {submits} approved {told['approved']} refused {refused} in_flight {told['peak']} unknown {told['unknown']} "
        f"late {told['late']} overshoots {len(crowd.truth.overshoots)} seconds {seconds:.0f}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submits", type=int, default=5_000)
    parser.add_argument("--in-flight", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began, crowd = time.monotonic(), Crowd(asked.seed, asked.in_flight)
    for done in range(0, asked.submits, TOLD_EVERY):
        crowd.run(min(TOLD_EVERY, asked.submits - done))
        if asked.submits > TOLD_EVERY:
            sys.stderr.write(line_of(crowd, done + TOLD_EVERY, time.monotonic() - began) + "\n")
    for overshoot in crowd.truth.overshoots[:5]:
        sys.stderr.write(f"{overshoot}  (seed {asked.seed})\n")
    sys.stdout.write(line_of(crowd, asked.submits, time.monotonic() - began) + "\n")
    return 1 if crowd.truth.overshoots else 0


if __name__ == "__main__":
    sys.exit(main())
