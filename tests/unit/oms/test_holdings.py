"""Positions are the sum of fills, and profit is booked by average cost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.facts import Prepared
from floorbroker.domain.fold import fold
from floorbroker.domain.orders import Execution, Order
from floorbroker.domain.values import ExecId, Money, OrderClass, OrderId, Price, Quantity, Side
from floorbroker.oms.holdings import Holdings, realized_pl, signed
from tests.unit.store import making

START = datetime(2026, 3, 2, tzinfo=UTC)


def _fills(*steps: tuple[str, str]) -> list[Execution]:
    return [
        Execution(
            exec_id=ExecId(str(n)),
            order_id=None,
            symbol="AAPL",
            side=Side.BUY if Decimal(qty) > 0 else Side.SELL,
            last_qty=Quantity(abs(Decimal(qty))),
            last_px=Price(Decimal(price)),
            transact_time=START + timedelta(seconds=n),
        )
        for n, (qty, price) in enumerate(steps)
    ]


@pytest.mark.parametrize(
    ("steps", "profit"),
    [
        ((("10", "100"),), "0"),
        ((("10", "100"), ("-10", "110")), "100"),
        ((("10", "100"), ("10", "120"), ("-10", "115")), "50"),
        ((("-5", "50"), ("5", "40")), "50"),
        ((("10", "100"), ("-15", "110"), ("5", "100")), "150"),
    ],
)
def test_profit_follows_average_cost(steps: tuple[tuple[str, str], ...], profit: str) -> None:
    assert realized_pl(_fills(*steps)) == Decimal(profit)


@given(st.lists(st.tuples(st.integers(-50, 50).filter(bool), st.integers(1, 500)), max_size=12))
def test_a_flat_position_has_realised_exactly_its_cash_flow(steps: list[tuple[int, int]]) -> None:
    rest = -sum(qty for qty, _ in steps)
    path = [*steps, (rest, 77)] if rest else steps
    cash = sum((Decimal(-qty * price) for qty, price in path), Decimal(0))
    found = realized_pl(_fills(*((str(qty), str(price)) for qty, price in path)))
    assert abs(found - cash) < Decimal("1e-15")


# --- Whatever way led there ------------------------------------------------------------------------------------------


def _order(number: int, *executions: Execution, symbol: str = "AAPL", legs: bool = False) -> Order:
    terms = replace(making.ORDER, symbol=symbol, order_class=OrderClass.MULTILEG if legs else OrderClass.SIMPLE)
    prepared = making.prepared(number).fact
    assert isinstance(prepared, Prepared)
    fact = replace(prepared, order=terms)
    return replace(fold(making.intent(number), [fact]), executions=executions)


def test_a_bust_leaves_neither_units_nor_decimal_places_behind_i26() -> None:
    whole, broken = _fills(("3", "100"), ("0.125", "100"))
    holdings = Holdings()
    holdings.update(_order(1, whole, broken))
    assert str(holdings.qty("AAPL")) == "3.125"
    holdings.update(_order(1, whole))
    assert str(holdings.qty("AAPL")) == "3"


def test_a_corrected_fill_takes_the_place_of_the_one_it_corrects() -> None:
    first, second = _fills(("3", "100"), ("-2", "100"))
    holdings = Holdings()
    holdings.adjust("AAPL", Decimal("0.5"))
    holdings.update(_order(1, first))
    holdings.update(_order(2, second))
    holdings.update(_order(1, replace(first, last_qty=Quantity(Decimal(4)), version=1)))
    assert holdings.all() == {"AAPL": Decimal("2.5")}


def test_a_fill_without_a_symbol_moves_with_the_terms_of_its_order_i26() -> None:
    """An order adopted as one thing may turn out to be ours, and another."""
    (told,) = _fills(("3", "100"))
    unnamed = replace(told, symbol="")
    holdings = Holdings()
    holdings.update(_order(1, unnamed, symbol="AAPL"))
    holdings.update(_order(1, unnamed, symbol="SPY"))
    assert holdings.all() == {"SPY": Decimal(3)}
    holdings.update(_order(1, unnamed, symbol="SPY", legs=True))
    assert holdings.all() == {}


def test_profit_does_not_depend_on_which_of_two_simultaneous_fills_was_told_first_i26() -> None:
    (bought,) = _fills(("3", "100"))
    one = replace(bought, order_id=OrderId("v1"))
    other = replace(
        bought, order_id=OrderId("v2"), side=Side.SELL, last_qty=Quantity(Decimal(5)), last_px=Price(Decimal(90))
    )
    (closing,) = _fills(("1", "80"))
    profits: set[Decimal] = set()
    for first, second in ((one, other), (other, one)):
        holdings = Holdings()
        for number, fill in enumerate((first, second, replace(closing, exec_id=ExecId("9"))), 1):
            holdings.update(_order(number, fill))
        profits.add(holdings.realized("AAPL"))
    assert len(profits) == 1


def _coin(side: Side, fee: Money | None, symbol: str = "SOL/USDT") -> Execution:
    return Execution(
        exec_id=ExecId("x"), order_id=None, symbol=symbol, side=side, last_qty=Quantity(Decimal(10)),
        last_px=Price(Decimal(200)), transact_time=START, fee=fee,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("execution", "units"),
    [
        (_coin(Side.BUY, Money(Decimal("0.01"), "SOL")), "9.99"),
        (_coin(Side.SELL, Money(Decimal("0.01"), "SOL")), "-10.01"),
        (_coin(Side.BUY, Money(Decimal(2), "USDT")), "10"),
        (_coin(Side.BUY, Money(Decimal("0.001"), "BNB")), "10"),
        (_coin(Side.BUY, None), "10"),
        (_coin(Side.BUY, Money(Decimal("0.01"), "SOL"), "SOL/USDT:USDT"), "10"),
        (_coin(Side.BUY, Money(Decimal(1), "EUR"), "EUR/USD"), "10"),
    ],
)
def test_a_fee_taken_out_of_the_coins_is_not_held(execution: Execution, units: str) -> None:
    assert signed(execution) == Decimal(units)
