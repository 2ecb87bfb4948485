"""Sums that are kept are those that would be made anew, whatever was ordered, filled, read, rated or let go of before.

A desk of two accounts in two currencies trades shares, options with legs, and pairs in currencies that have a rate, get one
later or have none.  The measure knows no change of anything: it adds up what is there.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, cast

import pytest

from floorbroker.domain import facts as f
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.ids import IdSource
from floorbroker.domain.instrument import Instrument, asset_class_of, usual_multiplier
from floorbroker.domain.orders import OrderLeg
from floorbroker.domain.ports import NoLog, NoMeter, Profile
from floorbroker.domain.records import Account, Quote
from floorbroker.domain.values import (
    WIDE,
    ZERO,
    AssetClass,
    Environment,
    ExecId,
    OrderClass,
    OrderType,
    Price,
    ProfileName,
    Quantity,
    Side,
    TimeInForce,
    total_of,
)
from floorbroker.oms.account import AccountContext, Switches
from floorbroker.oms.book import OrderBook
from floorbroker.risk.book import RiskBook
from floorbroker.risk.day import Sum
from floorbroker.risk.gate import RiskGate
from floorbroker.risk.limits import SharedLimits
from floorbroker.risk.scope import ScopeKind
from floorbroker.risk.watch import Cell, Watch
from floorbroker.risk.workload import Workload
from tests.properties.crowd import NOON, OWN, Crowd, Placed, Truth
from tests.support.fake_broker import INFO, FakeBroker, buy

NEAR, FAR = "AAPL  260320P00180000", "AAPL  260320P00170000"
SYMBOLS = ("AAPL", NEAR, "BTC/USDT", "ETH/BTC", "EUR/JPY")
CURRENCIES = {"a": "USD", "b": "EUR"}
RATES: tuple[dict[str, Decimal], ...] = (
    {},
    {"EUR": Decimal("1.1")},
    {"EUR": Decimal("1.2"), "BTC": Decimal(50_000), "JPY": Decimal("0.007")},
)
SCOPES = (
    "global",
    "profile:a",
    "account:A-1",
    "account:B-1",
    "strategy:m",
    "token:ann",
    "symbol:AAPL",
    f"symbol:{FAR}",
)
HUGE = Decimal(10**15)
COUNTED = SharedLimits(max_open_orders=10**6)
ANY = replace(
    INFO,
    order_classes=frozenset(OrderClass),
    order_types=dict.fromkeys(AssetClass, frozenset(OrderType)),
    tifs=dict.fromkeys(AssetClass, frozenset(TimeInForce)),
    priced_in="USD",
)


class Venue(FakeBroker):
    """Its rules say more than the spelling of a symbol: contracts of ten coins, and shares that are priced in euros."""

    async def get_instrument(self, symbol: str) -> Instrument:
        found = await FakeBroker.get_instrument(self, symbol)
        multiplier = Decimal(10) if symbol == "BTC/USDT" else usual_multiplier(symbol)
        currency = "EUR" if symbol == "AAPL" else symbol.partition("/")[2] or "USD"
        return replace(
            found, asset_class=asset_class_of(symbol), multiplier=multiplier, currency=currency, shortable=True
        )


class Desk(Crowd):
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.clock = ManualClock(NOON)
        self.risk = RiskBook(self.clock)
        self.truth = Truth(limits={})
        self.placed: list[Placed] = []
        self.closed: list[Placed] = []
        self.in_flight, self.seq = 60, 0
        self.told: Counter[str] = Counter()
        self.accounts = {name: self.seated(name, number) for number, name in enumerate(CURRENCIES)}
        for key in SCOPES:
            self.risk.limit(key, COUNTED)

    def seated(self, name: str, number: int) -> AccountContext:
        profile = Profile(name=ProfileName(name), broker="FAKE", environment=Environment.SIM)
        broker = Venue(self.clock, info=ANY)
        return AccountContext(
            profile=profile, broker=broker, journal=cast("Any", None), gate=RiskGate(profile, self.clock),
            book=OrderBook(profile=profile.name, identity=broker.identity), writer=cast("Any", None), clock=self.clock,
            ids=IdSource(tag=0x5A5 + number, random=self.random), limits=OWN.model_copy(update=dict.fromkeys(
                ("max_position_qty", "max_open_orders", "collar_bps", "max_concentration_pct"))),
            switches=Switches(blocked=str, not_ready=str, not_armed=str), log=NoLog(), meter=NoMeter(),
            arrival_bound_s=5.0, visibility_lag_s=1.0, risk_book=self.risk,
        )  # fmt: skip

    # -- what happens -------------------------------------------------------------------------------------------------

    def step(self) -> None:
        deeds = (self.wish, self.wish, self.wish, self.go_on, self.go_on, self.go_on, self.rate, self.read, self.meet,
                 self.price, self.limited, self.settled)  # fmt: skip
        self.random.choice(deeds)()

    def any_account(self) -> tuple[str, AccountContext]:
        name = self.random.choice(tuple(CURRENCIES))
        return name, self.accounts[name]

    def wish(self) -> None:
        random, (name, ctx) = self.random, self.any_account()
        symbol, side = random.choice(SYMBOLS), random.choice(tuple(Side))
        wish = replace(
            buy(str(random.randint(1, 9)), str(random.randint(1, 9)), side=side, symbol=symbol),
            strategy=random.choice("mn"),
        )
        if symbol == NEAR and random.random() < 0.6:
            legs = ((NEAR, side, 1), (FAR, Side.SELL if side is Side.BUY else Side.BUY, 2))
            members = tuple(OrderLeg(symbol=s, side=at, ratio_qty=Quantity(Decimal(n))) for s, at, n in legs)
            wish = replace(wish, symbol=random.choice(("AAPL", NEAR)), order_class=OrderClass.MULTILEG, legs=members)
        instrument = asyncio.run(ctx.instrument(symbol))
        token = random.choice(("ann", "bot"))
        try:
            approved = self.decide(ctx, wish, replace(instrument, lot=Decimal(1)), token)
        except FloorbrokerError as error:
            self.told[getattr(error, "control", error.code)] += 1
        else:
            self.let_through(approved, name, token)

    def rate(self) -> None:
        self.risk.rates = self.random.choice(RATES)

    def read(self) -> None:
        _, ctx = self.any_account()
        ctx._instruments.pop(symbol := self.random.choice((*SYMBOLS, FAR)), None)  # noqa: SLF001 - as a day later
        self.risk.rescale(ctx.profile.name, symbol)
        if self.random.random() < 0.7:
            asyncio.run(ctx.instrument(symbol))

    def meet(self) -> None:
        """The venue tells of the account, which it does not at first."""
        name, ctx = self.any_account()
        ctx.account = Account(
            account=f"{name.upper()}-1", currency=CURRENCIES[name], cash=HUGE, equity=HUGE, buying_power=HUGE
        )
        self.risk.recognise(ctx.profile.name)

    def price(self) -> None:
        _, ctx = self.any_account()
        price = Price(Decimal(self.random.randint(1, 20)))
        ctx.on_quote(Quote(symbol=self.random.choice((*SYMBOLS, FAR)), bid=price, ask=price, time=NOON))

    def limited(self) -> None:
        """A scope has no limits for a while, and is counted anew then."""
        key = self.random.choice(SCOPES)
        self.risk.limit(key, SharedLimits())
        self.risk.limit(key, COUNTED)

    def settled(self) -> None:
        """The venue's own figure holds all that was settled, and now and then a day ends."""
        for ctx in self.accounts.values():
            ctx._exposed.costs.settled_before(NOON)  # noqa: SLF001 - as a look at the account does
        if self.random.random() < 0.1:
            self.risk.day.begin(datetime.combine(self.risk.day.today, NOON.timetz()) + timedelta(days=1))

    def _working(self, placed: Placed) -> None:
        """Legs fill leg by leg, all at once."""
        wish = placed.approved.order
        if not wish.legs:
            super()._working(placed)
            return
        for leg in wish.legs if self.random.random() < 0.5 else ():
            placed.fills += 1
            told = self._execution(placed, placed.left)
            qty = Quantity(leg.ratio_qty * placed.left)
            name = ExecId(f"{placed.approved.intent_id}/{placed.fills}")
            self._tell(placed, replace(told, exec_id=name, symbol=leg.symbol, side=leg.side, last_qty=qty))
        self._tell(placed, f.Cancelled(source=f.Source.STREAM, at=NOON, order_id=told_id(placed)))
        self._end(placed, "closed")

    # -- what holds ---------------------------------------------------------------------------------------------------

    def assert_same(self) -> None:
        self.risk.catch_up()
        for (kind, name), kept in list(self.risk.watches.items()):
            anew = self.risk._made(kept.key, ScopeKind(kind), name, kept.limits)  # noqa: SLF001 - what a start makes
            assert figures(kept) == figures(anew), kept.key
        for ctx in self.accounts.values():
            self.assert_account(ctx)
        self.assert_day()

    def assert_account(self, ctx: AccountContext) -> None:
        exposed, anew = ctx._exposed, Workload()  # noqa: SLF001 - what is kept
        for intent_id, part in exposed.work.parts():
            anew.put(intent_id, part)
        assert {s: (load.orders, load.units, load.money) for s, load in exposed.work.loads.items()} == {
            s: (load.orders, load.units, load.money) for s, load in anew.loads.items()
        }
        assert exposed.costs.total == total_of(exposed.costs._by_intent.values())  # noqa: SLF001

    def assert_day(self) -> None:
        """Each order of today at the account, the scale and the rates of now."""
        expected: dict[tuple[str, str], Sum] = {}
        for counted in self.risk.day.orders.values():
            ctx, owner = self.accounts[counted.owner.profile], counted.owner
            own, rate = (
                ctx.scales(counted.symbol),
                None if ctx.account is None else self.risk.rate_of(ctx.account.currency),
            )
            number = "" if ctx.account is None else ctx.account.account
            here = times(counted.amount, own)
            base = times(here, Decimal(1) if ctx.account is None else rate)
            symbols: Iterable[str] = dict.fromkeys((owner.symbol, *owner.legs))
            places = [(("profile", owner.profile), here), (("account", number), here), (("global", ""), base),
                      (("strategy", owner.strategy), base), (("token", owner.token), base)]  # fmt: skip
            for place, amount in (*places, *((("symbol", symbol), base) for symbol in symbols)):
                expected.setdefault(place, Sum()).add(amount)
        for kind, _, name in (key.partition(":") for key in (*SCOPES, "profile:b", f"symbol:{NEAR}")):
            place = (kind, name)
            assert self.risk.day.of(*place) == expected.get(place, Sum()), place


def told_id(placed: Placed) -> Any:
    return f"v-{placed.approved.intent_id}"


def times(amount: Decimal | None, rate: Decimal | None) -> Decimal | None:
    return ZERO if amount == 0 else None if amount is None or rate is None else WIDE.multiply(amount, rate)


def figures(watch: Watch) -> dict[str, Any]:
    """All that a limit is held against; what is empty is as good as not there."""
    cells = {place: cell_of(cell) for place, cell in watch.cells.items()}
    return {
        "sums": (watch.open_total, watch.longs, watch.shorts, watch.net, watch.lacks()),
        "cells": {place: told for place, told in cells.items() if any(told[:3]) or told[3].orders},
    }


def cell_of(cell: Cell) -> tuple[Any, ...]:
    loaded = replace(cell.load, groups={place: group.claimed for place, group in cell.load.groups.items()})
    return cell.held, cell.longs, cell.shorts, loaded


@pytest.mark.parametrize("seed", range(3))
def test_kept_sums_are_those_that_would_be_made_anew(seed: int) -> None:
    desk = Desk(seed)
    for _ in range(250):
        desk.step()
        desk.assert_same()
    assert desk.told["approved"] > 25, desk.told
