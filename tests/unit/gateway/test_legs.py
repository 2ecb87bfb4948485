"""Limits of scopes and orders of several legs: each leg counts in its own symbol, while it is wished for, open and filled."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.capability import Can
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ApiError, RiskLimitExceeded
from floorbroker.domain.instrument import Instrument, asset_class_of, usual_multiplier
from floorbroker.domain.orders import NewOrder, OrderChanges, OrderLeg
from floorbroker.domain.records import MarginRequirement, Quote
from floorbroker.domain.values import (
    ZERO,
    AssetClass,
    OrderClass,
    OrderType,
    Price,
    ProfileName,
    Quantity,
    Side,
    TimeInForce,
)
from floorbroker.gateway.limiting import Wanted
from floorbroker.gateway.routing.policy import Strategy
from floorbroker.risk.limits import RiskLimits
from tests.support.fake_broker import INFO, FakeBroker, buy
from tests.support.fleet import A, B, ruled
from tests.support.fleet import opened as fleet_opened
from tests.support.house import CALLER, NOON, Desk, opened

pytestmark = pytest.mark.asyncio

NEAR, FAR = "AAPL  260320P00180000", "AAPL  260320P00170000"
CALL = NEAR.replace("P00", "C00")
OF_OPTIONS = replace(
    INFO,
    order_classes=frozenset(OrderClass),
    order_types={kind: frozenset(OrderType) for kind in (AssetClass.EQUITY, AssetClass.OPTION)},
    tifs={kind: frozenset(TimeInForce) for kind in (AssetClass.EQUITY, AssetClass.OPTION)},
)
TELLS = replace(OF_OPTIONS, can=OF_OPTIONS.can | {Can.PREVIEW})

UNLIMITED = RiskLimits(
    max_position_qty=None, max_position_notional=None, max_gross_exposure=None, max_net_exposure=None, max_leverage=None,
    max_concentration_pct=None,
)  # fmt: skip


@dataclass(slots=True)
class Chain(FakeBroker):
    """The near put is worth 5 a share, the far one 2; what is not in `prices` has none."""

    prices: dict[str, str] = field(default_factory=lambda: {NEAR: "5", FAR: "2", "AAPL": "200"})
    stuck: set[str] = field(default_factory=set[str])

    async def get_instrument(self, symbol: str) -> Instrument:
        found = await FakeBroker.get_instrument(self, symbol)
        return replace(found, asset_class=asset_class_of(symbol), multiplier=usual_multiplier(symbol))

    async def get_market_data(self, symbol: str) -> Quote:
        found = await FakeBroker.get_market_data(self, symbol)
        if symbol in self.stuck:
            raise ApiError("no prices now")
        price = Price(Decimal(self.prices[symbol])) if symbol in self.prices else None
        return replace(found, bid=price, ask=price, last=price)


@dataclass(slots=True)
class Margins(Chain):
    """It tells what an order ties up."""

    async def get_margin_requirements(self, order: NewOrder) -> MarginRequirement:
        del order
        amount = Decimal(4_000)
        return MarginRequirement(currency="USD", initial=amount, buying_power_effect=amount, fees=ZERO, source="venue")


def _spread(qty: int = 1, *, near: Side = Side.BUY, strategy: str = "") -> NewOrder:
    legs = ((NEAR, near, 1), (FAR, Side.SELL if near is Side.BUY else Side.BUY, 2))
    return NewOrder(
        symbol="AAPL", side=Side.BUY, order_type=OrderType.LIMIT, order_qty=Quantity(Decimal(qty)), price=Price(Decimal(1)),
        order_class=OrderClass.MULTILEG, strategy=strategy, allow_duplicate=True,
        legs=tuple(OrderLeg(symbol=s, side=side, ratio_qty=Quantity(Decimal(n))) for s, side, n in legs),
    )  # fmt: skip


@asynccontextmanager
async def _desk(root: Path, limit: str, value: int, *, scope: str) -> AsyncGenerator[Desk]:
    clock = ManualClock(NOON)
    async with opened(root, broker=Chain(clock, info=OF_OPTIONS), clock=clock) as desk:
        await desk.gateway.guard.set_limit(Wanted(scope=scope, name=limit, value=value), caller=CALLER)
        yield desk


async def test_a_wish_meets_the_limit_of_a_scopes_exposure_with_every_leg(tmp_path: Path) -> None:
    """One near put long is 500, two far ones short are 400: not the hundred that they cost together."""
    async with _desk(tmp_path, "max_gross_exposure", 899, scope="global") as desk:
        with pytest.raises(RiskLimitExceeded, match="gross exposure after worst case 900 is above"):
            await desk.place(_spread())


async def test_legs_that_work_count_in_every_scope_and_are_gone_with_their_order(tmp_path: Path) -> None:
    async with _desk(tmp_path, "max_gross_exposure", 2000, scope="global") as desk:
        order = await desk.place(_spread(2))
        assert desk.gateway.guard.usage("global")["max_gross_exposure"] == 1800
        with pytest.raises(RiskLimitExceeded, match="2300 is above"):
            await desk.place(buy("1", "5", symbol=NEAR))
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        await desk.wait(1)
        assert desk.gateway.guard.usage("global")["max_gross_exposure"] == 0
        await desk.place(buy("1", "5", symbol=NEAR))


@pytest.mark.parametrize("scope", ["global", "strategy:s", f"symbol:{FAR}", "token:tester"])
async def test_the_position_of_a_scope_is_limited_leg_by_leg(tmp_path: Path, scope: str) -> None:
    async with _desk(tmp_path, "max_position_qty", 4, scope=scope) as desk:
        await desk.place(_spread(strategy="s"))
        with pytest.raises(RiskLimitExceeded, match="position after worst case 6 is above"):
            await desk.place(_spread(2, strategy="s"))
        await desk.place(_spread(strategy="s"))


async def test_a_symbols_limit_counts_the_leg_in_it_and_no_other(tmp_path: Path) -> None:
    async with _desk(tmp_path, "max_gross_exposure", 1000, scope=f"symbol:{NEAR}") as desk:
        await desk.place(_spread())
        assert desk.gateway.guard.usage(f"symbol:{NEAR}")["max_gross_exposure"] == 500
        with pytest.raises(RiskLimitExceeded, match="1500 is above"):
            await desk.place(_spread(2))


async def test_a_leg_without_a_price_meets_no_limit_of_a_scopes_exposure(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = Chain(clock, info=OF_OPTIONS)
    async with opened(tmp_path, broker=broker, clock=clock, limits=UNLIMITED) as desk:
        wanted = Wanted(scope="global", name="max_gross_exposure", value=100_000)
        await desk.gateway.guard.set_limit(wanted, caller=CALLER)
        del broker.prices[FAR]
        with pytest.raises(RiskLimitExceeded, match="gross exposure after worst case cannot be measured"):
            await desk.place(_spread())


async def test_a_day_has_an_order_of_several_legs_with_its_hundred_shares_after_a_start_too(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = Chain(clock, info=OF_OPTIONS)
    for _ in range(2):
        async with opened(tmp_path, seals=True, broker=broker, clock=clock) as desk:
            if not broker.orders:
                await desk.place(_spread(3))
            assert desk.gateway.guard.risk.day.of("global", "").told == 300


async def test_a_preview_goes_past_an_account_that_a_leg_is_too_much_for(tmp_path: Path) -> None:
    """As a submit does: the price of each leg is asked for first."""
    clock = ManualClock(NOON)
    brokers: dict[ProfileName, FakeBroker] = {name: Chain(clock, info=OF_OPTIONS) for name in (A, B)}
    small = {A: RiskLimits(max_gross_exposure=Decimal(899))}
    async with fleet_opened(tmp_path, ruled(Strategy.PRIMARY), brokers=brokers, clock=clock, limits=small) as fleet:
        seen = await fleet.gateway.preview(_spread(), profile=None)
        assert (seen.profile, seen.ok) == (B, True)
        assert (await fleet.place(_spread())).profile == B


@pytest.mark.parametrize(
    ("limit", "value"),
    [("max_gross_exposure", 100_000), ("max_net_exposure", 100_000), ("max_leverage", 4), ("max_concentration_pct", 90),
     ("max_position_notional", 100_000)],
)  # fmt: skip
async def test_a_leg_without_a_price_meets_no_limit_of_its_account_either(
    tmp_path: Path, limit: str, value: int
) -> None:
    clock = ManualClock(NOON)
    broker = Chain(clock, info=OF_OPTIONS)
    async with opened(tmp_path, broker=broker, clock=clock, limits=UNLIMITED) as desk:
        del broker.prices[FAR]
        await desk.place(_spread())
        await desk.gateway.guard.set_limit(Wanted(scope="profile:fake", name=limit, value=value), caller=CALLER)
        with pytest.raises(RiskLimitExceeded, match="cannot be measured without a price") as refused:
            await desk.place(_spread())
        assert refused.value.control in (limit, "max_position")


async def test_a_change_of_an_order_of_several_legs_is_measured_like_the_order(tmp_path: Path) -> None:
    """By the rules of its first leg, a hundred shares each, and not by those of the share behind it."""
    clock = ManualClock(NOON)
    broker = Chain(clock, info=OF_OPTIONS)
    async with opened(tmp_path, broker=broker, clock=clock, limits=UNLIMITED) as desk:
        order = await desk.place(_spread())
        await desk.gateway.guard.set_limit(
            Wanted(scope="profile:fake", name="max_order_notional", value=250), caller=CALLER
        )
        with pytest.raises(RiskLimitExceeded, match="order size 300 is above"):
            await desk.gateway.modify(order.intent_id, OrderChanges(order_qty=Quantity(Decimal(3))), caller=CALLER)
        await desk.gateway.modify(order.intent_id, OrderChanges(order_qty=Quantity(Decimal(2))), caller=CALLER)
        assert desk.gateway.guard.risk.day.of("profile", "fake").told == 200


async def test_an_order_of_several_legs_at_the_market_is_measured_by_what_they_come_to_together(tmp_path: Path) -> None:
    """One at 5 against two at 2 is a hundred, whatever the share behind them costs."""
    clock = ManualClock(NOON)
    async with opened(tmp_path, broker=Chain(clock, info=OF_OPTIONS), clock=clock) as desk:
        await desk.ctx.fresh_reference("AAPL")
        order = await desk.place(replace(_spread(), order_type=OrderType.MARKET, price=None))
        assert desk.gateway.guard.risk.day.of("profile", "fake").told == 100
        assert desk.ctx.share.asked(order) == 1, "as a start counts it, before its hundred shares"


async def test_a_leg_without_a_price_leaves_an_order_at_the_market_without_a_size(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = Chain(clock, info=OF_OPTIONS)
    async with opened(tmp_path, broker=broker, clock=clock, limits=UNLIMITED) as desk:
        del broker.prices[FAR]
        with pytest.raises(RiskLimitExceeded, match=f"no price for {FAR}"):
            await desk.place(replace(_spread(), order_type=OrderType.MARKET, price=None))


async def test_a_short_in_the_share_behind_it_pays_for_no_order_of_several_legs_in_doubt(tmp_path: Path) -> None:
    """After a start nobody remembers what such an order costs; the legs are no shares of what is held."""
    clock = ManualClock(NOON)
    broker = Chain(clock, info=OF_OPTIONS)
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        short = await desk.place(buy("9", "200", side=Side.SELL))
        broker.fill(broker.of(short.cl_ord_id), "9")
        await desk.wait(1)
        broker.next_submit.append("lose_and_hide")
        await desk.place(_spread(3))
    async with opened(tmp_path, broker=broker, clock=clock, ready=False) as desk:
        assert desk.ctx.exposure().positions["AAPL"] == -9
        assert desk.ctx.exposure().reserved == 48_300


@pytest.mark.parametrize(("at_market", "share"), [(False, "200"), (True, "200"), (True, "7")])
async def test_a_start_reserves_for_an_order_of_several_legs_in_doubt_what_it_took_before_i5(
    tmp_path: Path, *, at_market: bool, share: str
) -> None:
    """Its net price and the most that its legs can owe at expiry, whatever the share behind it costs."""
    clock = ManualClock(NOON)
    broker = Chain(clock, info=OF_OPTIONS)
    broker.prices["AAPL"] = share
    wish = replace(_spread(), order_type=OrderType.MARKET, price=None) if at_market else _spread()
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        broker.next_submit.append("lose_and_hide")
        await desk.place(wish)
        before = desk.ctx.exposure().reserved
    assert before == 16_100
    async with opened(tmp_path, broker=broker, clock=clock, ready=False) as desk:
        for symbol in (NEAR, FAR, "AAPL"):
            await desk.ctx.fresh_reference(symbol)
        assert desk.ctx.exposure().reserved == before


async def test_legs_that_nothing_bounds_are_reserved_for_like_the_share_when_they_are_in_doubt_i5(
    tmp_path: Path,
) -> None:
    """Its venue told of the margin before it was sent; after a start nobody did."""
    clock = ManualClock(NOON)
    broker = Margins(clock, info=TELLS)
    calls = tuple(leg.symbol.replace("P00", "C00") for leg in _spread().legs)
    broker.prices |= {calls[0]: "5", calls[1]: "2"}
    legs = tuple(replace(leg, symbol=symbol) for leg, symbol in zip(_spread().legs, calls, strict=True))
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        broker.next_submit.append("lose_and_hide")
        await desk.place(replace(_spread(), legs=legs))
        assert desk.ctx.exposure().reserved == 4_000
    async with opened(tmp_path, broker=broker, clock=clock, ready=False) as desk:
        await desk.ctx.fresh_reference("AAPL")
        assert desk.ctx.exposure().reserved == 20_000


async def test_a_start_reserves_for_a_written_option_in_doubt_what_it_may_owe_i5(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = Chain(clock, info=OF_OPTIONS)
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        broker.next_submit.append("lose_and_hide")
        await desk.place(buy("2", "2", side=Side.SELL, symbol=FAR))
        assert desk.ctx.exposure().reserved == 34_000
    async with opened(tmp_path, broker=broker, clock=clock, ready=False) as desk:
        assert desk.ctx.exposure().reserved == 34_000


@pytest.mark.parametrize(("shares", "reserved"), [("100", 200), ("99", 20_000)])
async def test_a_call_in_doubt_that_shares_stand_behind_owes_nothing_more(
    tmp_path: Path, shares: str, reserved: int
) -> None:
    clock = ManualClock(NOON)
    broker = Margins(clock, info=TELLS)
    broker.prices[CALL] = "2"
    async with opened(tmp_path, broker=broker, clock=clock, limits=UNLIMITED) as desk:
        held = await desk.place(buy(shares, "200"))
        broker.fill(broker.of(held.cl_ord_id), shares, "200")
        await desk.wait(1)
        broker.next_submit.append("lose_and_hide")
        await desk.place(buy("1", "2", side=Side.SELL, symbol=CALL))
    async with opened(tmp_path, broker=broker, clock=clock, ready=False, limits=UNLIMITED) as desk:
        await desk.ctx.fresh_reference("AAPL")
        assert desk.ctx.exposure().reserved == reserved


async def test_each_leg_of_an_order_at_the_market_wants_a_price_of_now(tmp_path: Path) -> None:
    """The venue is asked for each; a price of a minute ago is none for the second leg either."""
    clock = ManualClock(NOON)
    broker = Chain(clock, info=OF_OPTIONS)
    wish = replace(_spread(), order_type=OrderType.MARKET, price=None)
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        for symbol in (NEAR, FAR):
            await desk.ctx.fresh_reference(symbol)
        await desk.wait(60)
        broker.prices[FAR] = "3"
        await desk.place(wish)
        assert desk.gateway.guard.risk.day.of("profile", "fake").told == 100, "one at 5 against two at 3"
        await desk.wait(60)
        broker.stuck.add(FAR)
        with pytest.raises(RiskLimitExceeded, match=f"{FAR}: the age of the price in seconds, 60 is above"):
            await desk.place(wish)
        await desk.place(_spread())
