"""Cash and positions by example; the sums over random histories are held in `test_reference.py`."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.values import ExecId, OrderId, Quantity, Side
from floorbroker.matching import Fill, Ledger
from tests.unit.matching.venue import px, units

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)


def fill(
    number: int, side: Side, qty: str, price: str, *, fee: str = "0", symbol: str = "AAPL", summary: bool = False
) -> Fill:
    return Fill(
        order_id=OrderId("o"), at=AT, exec_id=ExecId(f"x{number}"), symbol=symbol, side=side, qty=units(qty), price=px(price),
        fee=Decimal(fee), cum_qty=units(qty), leaves_qty=Quantity(Decimal(0)), is_last=True, maker=False, is_summary=summary,
    )  # fmt: skip


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(currency="USD", cash=Decimal(1000))


def test_a_round_trip_realises_its_profit_less_fees(ledger: Ledger) -> None:
    ledger.apply(fill(1, Side.BUY, "10", "5", fee="1"))
    ledger.apply(fill(2, Side.SELL, "10", "7", fee="1"))
    assert (ledger.cash, ledger.realized, ledger.fees) == (1018, 20, 2)
    assert ledger.positions() == []


def test_a_part_is_sold_at_average_cost(ledger: Ledger) -> None:
    ledger.apply(fill(1, Side.BUY, "10", "5"))
    ledger.apply(fill(2, Side.BUY, "10", "7"))
    ledger.apply(fill(3, Side.SELL, "5", "8"))
    position = ledger.position("AAPL")
    assert (position.qty, position.avg_px, position.realized) == (15, 6, 10)


def test_a_sale_through_zero_opens_a_short_at_its_price(ledger: Ledger) -> None:
    ledger.apply(fill(1, Side.BUY, "10", "5"))
    ledger.apply(fill(2, Side.SELL, "14", "8"))
    position = ledger.position("AAPL")
    assert (position.qty, position.avg_px, position.realized) == (-4, 8, 30)
    ledger.apply(fill(3, Side.BUY, "4", "6"))
    assert ledger.realized == 38


def test_an_option_counts_a_hundredfold() -> None:
    ledger = Ledger(currency="USD", cash=Decimal(1000), multiplier=lambda _: Decimal(100))
    ledger.apply(fill(1, Side.BUY, "2", "1.50"))
    assert ledger.cash == 700
    assert ledger.position("AAPL").avg_px == Decimal("1.50")
    assert ledger.equity(lambda _: Decimal(2)) == 1100


def test_an_execution_is_booked_once(ledger: Ledger) -> None:
    ledger.apply(fill(1, Side.BUY, "1", "5"))
    with pytest.raises(ValueError, match="booked already"):
        ledger.apply(fill(1, Side.BUY, "1", "5"))


def test_the_sum_of_a_multi_leg_order_moves_no_money(ledger: Ledger) -> None:
    ledger.apply(fill(1, Side.BUY, "1", "5", summary=True))
    assert ledger.cash == 1000


def test_a_position_without_a_price_counts_at_cost(ledger: Ledger) -> None:
    ledger.apply(fill(1, Side.BUY, "10", "5"))
    assert ledger.equity(lambda _: None) == 1000


TRADES = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(1, 40), st.integers(1, 9999), st.integers(0, 99)),
    min_size=1,
    max_size=15,
)


@given(trades=TRADES, which=st.integers(0, 14))
def test_an_undone_execution_leaves_the_books_as_if_it_had_never_been(
    trades: list[tuple[Side, int, int, int]], which: int
) -> None:
    made = [
        fill(i, side, str(qty), str(Decimal(cents) / 100), fee=str(Decimal(fee) / 100))
        for i, (side, qty, cents, fee) in enumerate(trades)
    ]
    bust = made[which % len(made)]
    with_it, without = (Ledger(currency="USD", cash=Decimal(1000)) for _ in range(2))
    for one in made:
        with_it.apply(one)
        if one is not bust:
            without.apply(one)
    with_it.undo(bust)
    assert (with_it.cash, with_it.fees, with_it.realized) == (without.cash, without.fees, without.realized)
    assert with_it.positions() == without.positions()


@given(trades=TRADES)
def test_cash_is_start_plus_profit_less_fees_and_open_cost(trades: list[tuple[Side, int, int, int]]) -> None:
    ledger = Ledger(currency="USD", cash=Decimal(1000))
    for i, (side, qty, cents, fee) in enumerate(trades):
        ledger.apply(fill(i, side, str(qty), str(Decimal(cents) / 100), fee=str(Decimal(fee) / 100)))
        assert ledger.cash == 1000 + ledger.realized - ledger.fees - ledger.position("AAPL").cost
