"""The controls of options: when they end, what writing them ties up, and whose money pays for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from floorbroker.domain.capability import Can
from floorbroker.domain.instrument import Instrument, TickRule
from floorbroker.domain.options import OptionContract
from floorbroker.domain.orders import NewOrder, OrderLeg
from floorbroker.domain.records import Account, MarginRequirement
from floorbroker.domain.values import (
    AssetClass,
    IntentId,
    OrderClass,
    OrderType,
    PositionIntent,
    Price,
    Quantity,
    Side,
    TimeInForce,
)
from floorbroker.risk import controls, positions
from floorbroker.risk.limits import RiskLimits
from floorbroker.risk.options import is_over, last_close, may_have_ended
from floorbroker.risk.situation import Exposure, Situation
from floorbroker.risk.verdict import Verdict
from floorbroker.risk.workload import Workload, part_of
from tests.unit.risk.test_controls import CALM, INFO, NOW

SELL_TO_CLOSE = PositionIntent.SELL_TO_CLOSE
PUT, CALL = "AAPL  260320P00150000", "AAPL  260320C00150000"
ONE = Quantity(Decimal(1))


def wish(symbol: str = PUT, side: Side = Side.SELL, qty: int = 1, price: str = "2.50") -> NewOrder:
    return NewOrder(
        symbol=symbol, side=side, order_type=OrderType.LIMIT, order_qty=Quantity(Decimal(qty)), price=Price(Decimal(price))
    )  # fmt: skip


def option(symbol: str) -> Instrument:
    return Instrument(symbol=symbol, asset_class=AssetClass.OPTION, currency="USD", multiplier=Decimal(100), as_of=NOW)


def spread(*legs: tuple[str, Side], price: str | None) -> NewOrder:
    return NewOrder(
        symbol="AAPL", side=Side.BUY, order_type=OrderType.MARKET if price is None else OrderType.LIMIT, order_qty=ONE,
        price=None if price is None else Price(Decimal(price)), order_class=OrderClass.MULTILEG,
        legs=tuple(OrderLeg(symbol=symbol, side=side, ratio_qty=ONE) for symbol, side in legs),
    )  # fmt: skip


def situation(order: NewOrder, **changes: object) -> Situation:
    symbol = order.legs[0].symbol if order.legs else order.symbol
    held = changes.pop("held", {})
    assert isinstance(held, dict)
    exposure = Exposure(positions={name: Decimal(qty) for name, qty in held.items()})
    info = replace(
        INFO, order_types={AssetClass.OPTION: frozenset(OrderType)}, tifs={AssetClass.OPTION: frozenset(TimeInForce)}
    )
    return replace(CALM, wish=order, instrument=option(symbol), exposure=exposure, info=info, **changes)


def verdict(order: NewOrder, control: controls.Control, **changes: object) -> Verdict:
    return control(situation(order, **changes))


COVERED = spread((CALL, Side.SELL), ("AAPL", Side.BUY), price="180.00")
SHORT = spread((CALL, Side.SELL), ("AAPL", Side.SELL), price="180.00")
MIXED = spread((CALL, Side.SELL), ("SPY   260320C00500000", Side.BUY), price="1.00")


@pytest.mark.parametrize(
    ("order", "lists", "said"),
    [
        (COVERED, {"deny_symbols": frozenset({CALL})}, f"symbol {CALL}"),
        (COVERED, {"deny_symbols": frozenset({"AAPL"})}, f"symbol {CALL}"),
        (COVERED, {"allow_symbols": frozenset({"AAPL"})}, ""),
        (COVERED, {"allow_symbols": frozenset({"AAPL", CALL})}, ""),
        (COVERED, {"allow_symbols": frozenset({CALL})}, "symbol AAPL"),
        (COVERED, {"allow_assets": frozenset({AssetClass.OPTION})}, "asset class equity"),
        (COVERED, {"allow_assets": frozenset({AssetClass.OPTION, AssetClass.EQUITY})}, ""),
        (MIXED, {"allow_symbols": frozenset({"AAPL"})}, "symbol SPY   260320C00500000"),
        (COVERED, {"allow_sides": frozenset({Side.BUY})}, "side sell"),
        (SHORT, {"allow_sides": frozenset({Side.SELL})}, ""),
    ],
)
def test_lists_of_what_may_be_traded_hold_for_each_leg_by_its_own_name_or_by_what_it_is_an_option_on(
    order: NewOrder, lists: dict[str, frozenset[str]], said: str
) -> None:
    found = verdict(order, controls.permission, limits=RiskLimits.model_validate(lists))
    assert (found.ok, found.detail) == (not said, f"{said} is not permitted on this profile" if said else "")


@pytest.mark.parametrize(("held", "allowed", "ok"), [(1, False, True), (0, False, False), (0, True, True)])
def test_a_leg_that_sells_shares_that_are_not_held_is_a_short_sale(held: int, *, allowed: bool, ok: bool) -> None:
    found = verdict(
        SHORT,
        controls.short_sale,
        limits=RiskLimits(allow_short=allowed),
        held={"AAPL": held},
    )
    assert (found.ok, found.detail) == (
        ok,
        "" if ok else "selling short is not permitted on this profile: 1 AAPL more than held",
    )


def test_the_legs_of_an_open_spread_take_what_they_close_and_its_head_takes_nothing() -> None:
    """Two orders to close the same contracts would leave the account short of them."""
    near, far = "AAPL  260320C00180000", "AAPL  260320C00190000"
    close = spread((near, Side.SELL), (far, Side.BUY), price="1.03")
    close = replace(
        close,
        order_qty=Quantity(Decimal(5)),
        legs=tuple(
            replace(leg, position_intent=PositionIntent.BUY_TO_CLOSE if leg.side is Side.BUY else SELL_TO_CLOSE)
            for leg in close.legs
        ),
    )
    work = Workload()
    held = {near: Decimal(8), far: Decimal(-8), "AAPL": Decimal(-5)}
    work.put(IntentId("i1"), part_of(close, Decimal(5)))
    exposure = Exposure(positions=held, workload=work)
    assert [exposure.free(near, Side.SELL), exposure.free(far, Side.BUY), exposure.free("AAPL", Side.BUY)] == [3, 3, 5]
    info = replace(INFO, can=INFO.can - {Can.REDUCE_ONLY})
    again = controls.reduce_only(replace(situation(close), exposure=exposure, info=info))
    assert (again.ok, again.limit, again.value) == (False, 3, 5)
    alone = situation(replace(close, symbol=near, side=Side.SELL, order_class=OrderClass.SIMPLE, legs=()))
    assert not controls.written(replace(alone, exposure=exposure, limits=RiskLimits(allow_short=False))).ok
    work.put(IntentId("i1"), None)
    assert (work.loads, work.total) == ({}, 0)


def test_the_net_price_of_a_spread_is_not_held_to_the_steps_of_a_leg() -> None:
    nickels = replace(option("AAPL"), ticks=(TickRule(from_price=Decimal(0), tick=Decimal("0.05")),))
    net = spread(("AAPL  260320C00180000", Side.BUY), ("AAPL  260320C00190000", Side.SELL), price="1.03")
    alone = replace(net, order_class=OrderClass.SIMPLE, legs=())
    assert controls.tick(replace(situation(net), instrument=nickels)).ok
    assert not controls.tick(replace(situation(alone), instrument=nickels)).ok


def test_a_long_option_costs_premium_times_multiplier() -> None:
    assert situation(wish(side=Side.BUY, qty=3)).cost == 750
    assert situation(wish(side=Side.BUY, qty=3), held={PUT: -1}).cost == 500  # one of them closes


def test_a_written_put_ties_up_its_shares_price_and_one_that_closes_nothing() -> None:
    assert situation(wish()).cost == 15_000
    assert situation(wish(), held={PUT: 1}).cost == 0
    assert verdict(wish(), controls.written).ok


def test_a_written_call_wants_its_shares_and_no_shares_stand_behind_two() -> None:
    assert verdict(wish(CALL), controls.written, held={"AAPL": 100}).ok
    assert situation(wish(CALL), held={"AAPL": 100}).cost == 0
    refused = verdict(wish(CALL), controls.written, held={"AAPL": 100, CALL: -1})
    assert (refused.ok, refused.detail.startswith("nothing bounds what 2 uncovered calls")) == (False, True)
    assert verdict(wish(CALL), controls.written, held={"AAPL": 199}).ok is not False
    assert not verdict(wish(CALL, qty=2), controls.written, held={"AAPL": 199}).ok


def test_the_venues_word_on_margin_goes_before_ours() -> None:
    margin = MarginRequirement(currency="USD", initial=Decimal(4321), buying_power_effect=Decimal(4321), source="venue")
    assert verdict(wish(CALL), controls.written, margin=margin).ok
    assert situation(wish(CALL), margin=margin).cost == 4321


def test_a_written_option_whose_symbol_tells_no_strike_is_bounded_by_the_venues_word_alone() -> None:
    put = "NIFTY260310P25000.NFO"
    margin = MarginRequirement(currency="INR", initial=Decimal(900), buying_power_effect=Decimal(900), source="venue")
    assert (situation(wish(put)).cost, verdict(wish(put), controls.written).ok) == (None, False)
    assert verdict(wish(put), controls.written, margin=margin).ok
    assert verdict(wish(put), controls.written, held={put: 1}).ok
    assert situation(wish(put, side=Side.BUY)).cost == 250


def test_where_writing_is_not_permitted_only_what_is_held_is_sold() -> None:
    limits = RiskLimits(allow_short=False)
    assert not verdict(wish(), controls.written, limits=limits).ok
    assert verdict(wish(), controls.written, limits=limits, held={PUT: 1}).ok


def test_a_spread_ties_up_what_it_can_lose() -> None:
    low = "AAPL  260320P00140000"
    credit = spread((PUT, Side.SELL), (low, Side.BUY), price="-3")
    assert situation(credit).cost == 700  # ten dollars apart, three of them received
    assert situation(spread((PUT, Side.BUY), (low, Side.SELL), price="3")).cost == 300
    naked = spread((CALL, Side.SELL), (low, Side.BUY), price="-3")
    assert not verdict(naked, controls.written).ok
    assert situation(naked).cost is None


def test_legs_that_close_owe_nothing_more() -> None:
    legs = (
        OrderLeg(symbol=CALL, side=Side.SELL, ratio_qty=ONE, position_intent=PositionIntent.SELL_TO_CLOSE),
        OrderLeg(symbol=PUT, side=Side.SELL, ratio_qty=ONE, position_intent=PositionIntent.SELL_TO_CLOSE),
    )
    closing = replace(spread((CALL, Side.SELL), (PUT, Side.SELL), price="-5"), legs=legs)
    assert (verdict(closing, controls.written).ok, situation(closing).cost) == (True, 0)


def test_options_are_paid_from_the_buying_power_for_options_where_it_is_told() -> None:
    assert CALM.account is not None
    account = replace(CALM.account, buying_power=Decimal(1000), option_buying_power=Decimal(249))
    assert isinstance(account, Account)
    refused = verdict(wish(side=Side.BUY), controls.buying_power, account=account)
    assert (refused.ok, "buying power for options" in refused.detail) == (False, True)
    assert verdict(
        wish(side=Side.BUY), controls.buying_power, account=replace(account, option_buying_power=Decimal(250))
    ).ok
    assert verdict(wish(side=Side.BUY), controls.buying_power, account=replace(account, option_buying_power=None)).ok


@pytest.mark.parametrize(
    ("at", "ok"),
    [
        (datetime(2026, 3, 20, 20, 14, tzinfo=UTC), True),
        (datetime(2026, 3, 20, 20, 15, tzinfo=UTC), False),
        (datetime(2026, 3, 23, 14, 0, tzinfo=UTC), False),
    ],
)
def test_an_expired_option_takes_no_order_neither_alone_nor_as_a_leg(at: datetime, *, ok: bool) -> None:
    assert verdict(wish(), controls.expiry, now=at).ok is ok
    later = "AAPL  260417P00150000"
    assert verdict(spread((later, Side.BUY), (PUT, Side.SELL), price="1"), controls.expiry, now=at).ok is ok


def test_an_expiry_on_a_day_without_a_market_ends_with_the_trading_day_before() -> None:
    saturday = OptionContract(root="AAPL", expiry=date(2014, 6, 21), right="P", strike=Decimal(650))
    friday = datetime(2014, 6, 20, 20, 0, tzinfo=UTC)
    assert last_close(saturday) == friday
    assert (may_have_ended(saturday, friday), is_over(saturday, friday)) == (True, False)


def test_puts_that_are_not_held_are_not_sold_to_close() -> None:
    close = replace(wish(qty=2), position_intent=PositionIntent.SELL_TO_CLOSE)
    held = {PUT: 1}
    alone = replace(INFO, can=INFO.can - {Can.REDUCE_ONLY})
    assert not controls.reduce_only(replace(situation(close), info=alone)).ok
    assert not controls.reduce_only(replace(situation(close, held=held), info=alone)).ok
    assert controls.reduce_only(replace(situation(close, held={PUT: 2}), info=alone)).ok


def test_legs_that_close_are_covered_by_what_is_held_of_each() -> None:
    legs = ((PUT, Side.SELL), (CALL, Side.BUY))
    roll = spread(*legs, price="3")
    closing = replace(roll.legs[0], position_intent=PositionIntent.SELL_TO_CLOSE)
    roll = replace(roll, legs=(closing, roll.legs[1]), order_qty=Quantity(Decimal(2)))
    alone = replace(INFO, can=INFO.can - {Can.REDUCE_ONLY})
    short = controls.reduce_only(replace(situation(roll, held={PUT: 1}), info=alone))
    assert (short.ok, PUT in short.detail) == (False, True)
    assert controls.reduce_only(replace(situation(roll, held={PUT: 2}), info=alone)).ok


NEAR, FAR = "AAPL  260320C00180000", "AAPL  260320C00190000"


def _legged(order: NewOrder, *, held: dict[str, int] | None = None, **limits: object) -> Situation:
    """A wish for a spread, of which the near leg is worth 5 a share and the far one 2."""
    positions = {symbol: Decimal(qty) for symbol, qty in (held or {}).items()}
    marks = {NEAR: Decimal(5), FAR: Decimal(2), "AAPL": Decimal(200)}
    exposure = Exposure(positions=positions, marks=marks)
    return replace(situation(order), exposure=exposure, limits=RiskLimits().model_copy(update=limits))


def test_a_spread_reduces_what_its_legs_close_and_nothing_of_the_share_behind_them() -> None:
    close = spread((NEAR, Side.SELL), (FAR, Side.BUY), price="1.03")
    assert not _legged(close, held={"AAPL": -100}).reduces
    assert not _legged(close, held={NEAR: 1}).reduces
    assert _legged(close, held={NEAR: 1, FAR: -1}).reduces


def test_a_position_is_limited_leg_by_leg() -> None:
    order = spread((NEAR, Side.BUY), (FAR, Side.SELL), price="3.00")
    tight = _legged(order, held={NEAR: 4}, max_position_qty=Decimal(4))
    said = positions.max_position(tight)
    assert (said.ok, said.value) == (False, 5)
    assert positions.max_position(_legged(order, held={NEAR: -4}, max_position_qty=Decimal(4))).ok
    dear = positions.max_position(_legged(order, held={FAR: -4}, max_position_notional=Decimal(999)))
    assert (dear.ok, dear.value) == (False, 1000)


def test_the_exposure_of_a_spread_is_that_of_its_legs_beside_what_is_held() -> None:
    """A hundred shares are not worth the net price of a spread, and a spread is not worth its net price alone."""
    order = spread((NEAR, Side.BUY), (FAR, Side.SELL), price="3.00")
    one = positions.exposure(_legged(order, held={"AAPL": 100}, max_gross_exposure=Decimal(1)))
    assert (one.ok, one.value) == (False, 20_000 + 500 + 200)
    net = positions.exposure(_legged(order, held={FAR: 3}, max_gross_exposure=None, max_net_exposure=Decimal(1)))
    assert (net.ok, net.value) == (False, 500 + 600)
