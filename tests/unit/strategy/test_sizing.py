"""Quantities: down to the lot, never more than the risk."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from floorbroker.domain.orders import NewOrder, OrderLeg
from floorbroker.domain.values import OrderClass, OrderType, Price, Quantity, Side
from floorbroker.strategy.budget import Budget, Standing, refusal
from floorbroker.strategy.sizing import for_money, for_risk, for_share, for_volatility, targets

D = Decimal


def test_money_and_shares_of_equity_buy_whole_lots() -> None:
    assert for_money(D(1000), Price(D("333.4"))) == 2
    assert for_share(D(100_000), D("0.1"), Price(D(33)), lot=D(100)) == 300
    assert for_money(D(-5), Price(D(1))) == 0


def test_a_stop_bounds_the_loss() -> None:
    assert for_risk(D(100_000), D("0.01"), entry=Price(D(50)), stop=Price(D(48))) == 500
    assert for_risk(D(100_000), D("0.01"), entry=Price(D(50)), stop=Price(D(50))) == 0


def test_a_wild_price_gets_fewer_units() -> None:
    calm = for_volatility(D(100_000), D("0.01"), deviation=D(1), price=Price(D(100)))
    wild = for_volatility(D(100_000), D("0.01"), deviation=D(10), price=Price(D(100)))
    assert (calm, wild) == (1000, 100)


def test_weights_become_signed_units() -> None:
    found = targets(D(1000), {"A": D("0.5"), "B": D("-0.25")}, {"A": Price(D(30)), "B": Price(D(60))})
    assert found == {"A": 16, "B": -4}


def order(side: Side, qty: int) -> NewOrder:
    return NewOrder(symbol="SPY", side=side, order_type=OrderType.MARKET, order_qty=Quantity(D(qty)))


STANDING = Standing(
    equity=D(9_000), day_start=D(10_000), positions={"SPY": D(50), "IBM": D(10)},
    prices={"SPY": D(100), "IBM": D(200)}, orders_today=3, scales={"SPY": D(1), "IBM": D(1)},
)  # fmt: skip


def test_a_budget_says_which_bound_stands_in_the_way() -> None:
    asked = order(Side.BUY, 10)
    assert "position_max 5500" in refusal(Budget(position_max=D(5_500)), asked, STANDING)
    assert "gross_max 7000" in refusal(Budget(gross_max=D(7_000)), asked, STANDING)
    assert "orders_day_max is 3" in refusal(Budget(orders_day_max=3), asked, STANDING)
    assert "loss_day_max is 1000" in refusal(Budget(loss_day_max=D(1_000)), asked, STANDING)
    assert not refusal(Budget(position_max=D(6_000), gross_max=D(8_000), orders_day_max=4), asked, STANDING)


def test_an_order_that_makes_a_position_smaller_always_passes() -> None:
    tight = Budget(position_max=D(1), gross_max=D(1), orders_day_max=0, loss_day_max=D(0))
    assert not refusal(tight, order(Side.SELL, 50), STANDING)
    assert refusal(tight, order(Side.SELL, 120), STANDING)  # through zero, into a short


YEN = replace(STANDING, scales={"SPY": D("0.01"), "IBM": D(1)})


def test_a_budget_counts_in_the_currency_of_the_account() -> None:
    """60 at a hundred yen each are 60 dollars, not six thousand."""
    asked = order(Side.BUY, 10)
    assert not refusal(Budget(position_max=D(60), gross_max=D(2_060)), asked, YEN)
    assert "SPY would be worth 60, above position_max 59" in refusal(Budget(position_max=D(59)), asked, YEN)
    assert "worth 2060, above gross_max 2059" in refusal(Budget(gross_max=D(2_059)), asked, YEN)


@pytest.mark.parametrize("member", ["prices", "scales"])
def test_what_nobody_can_measure_passes_no_bound_of_money_but_what_makes_it_smaller_does(member: str) -> None:
    without = replace(STANDING, **{member: {"IBM": D(200)}})
    asked, others = order(Side.BUY, 10), replace(order(Side.BUY, 1), symbol="IBM")
    for budget, name in ((Budget(position_max=D(9_999)), "position_max"), (Budget(gross_max=D(999_999)), "gross_max")):
        assert f"{name} cannot be held to without a price and a rate of exchange for SPY" in refusal(
            budget, asked, without
        )
        assert not refusal(budget, order(Side.SELL, 10), without)
    assert "gross_max cannot be held to" in refusal(Budget(gross_max=D(999_999)), others, without)
    assert not refusal(Budget(position_max=D(9_999)), others, replace(without, scales=STANDING.scales))
    assert not refusal(Budget(orders_day_max=4), asked, without)


def test_an_order_of_several_legs_is_held_to_a_budget_leg_by_leg() -> None:
    legs = tuple(
        OrderLeg(symbol=symbol, side=side, ratio_qty=Quantity(D(1)))
        for symbol, side in (("SPY", Side.BUY), ("IBM", Side.SELL))
    )
    spread = replace(order(Side.BUY, 30), symbol="QQQ", order_class=OrderClass.MULTILEG, legs=legs)
    assert "SPY would be worth 8000" in refusal(Budget(position_max=D(7_999)), spread, STANDING)
    assert "all positions would be worth 12000" in refusal(Budget(gross_max=D(11_999)), spread, STANDING)
    assert not refusal(Budget(position_max=D(8_000), gross_max=D(12_000)), spread, STANDING)


def test_a_stop_counts_at_its_trigger() -> None:
    stop = replace(order(Side.BUY, 10), order_type=OrderType.STOP, stop_px=Price(D(110)))
    assert "SPY would be worth 6600" in refusal(Budget(position_max=D(6_599)), stop, STANDING)
