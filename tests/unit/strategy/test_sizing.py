"""Quantities: down to the lot, never more than the risk."""

from __future__ import annotations

from decimal import Decimal

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import OrderType, Price, Quantity, Side
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
    prices={"SPY": D(100), "IBM": D(200)}, orders_today=3,
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
