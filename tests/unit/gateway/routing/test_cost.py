"""The arithmetic of best execution, done again by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import OrderType, Price, Quantity, Side
from floorbroker.gateway.routing.cost import Cost, Offer, cost_at, reference_of
from floorbroker.gateway.routing.policy import VenueTerms

FREE = VenueTerms(latency_ms=Decimal(0))
MARKET = NewOrder(symbol="AAPL", side=Side.BUY, order_type=OrderType.MARKET, order_qty=Quantity(Decimal(10)))


def limited(price: str) -> NewOrder:
    return replace(MARKET, order_type=OrderType.LIMIT, price=Price(Decimal(price)))


def offer(*levels: tuple[str, str], other: str | None = None) -> Offer:
    found = tuple((Decimal(price), Decimal(size)) for price, size in levels)
    return Offer(levels=found, age_s=0.25, source="book", other=None if other is None else Decimal(other))


def cost(wish: NewOrder, shown: Offer, terms: VenueTerms = FREE, *, reference: str = "100") -> Cost:
    return cost_at(wish, shown, terms, reference=Decimal(reference), latency_bps_s=Decimal(2))


def test_a_buy_is_measured_against_the_lowest_ask_and_a_sell_against_the_highest_bid() -> None:
    both = [offer(("100", "1")), offer(("101", "1"))]
    assert (reference_of(Side.BUY, both), reference_of(Side.SELL, both)) == (Decimal(100), Decimal(101))
    assert reference_of(Side.BUY, []) is None


def test_a_quantity_is_walked_through_the_book() -> None:
    """4 at 100 and 6 at 101: 1006 for 10, an average of 100.6, 60 basis points above the touch."""
    found = cost(MARKET, offer(("100", "4"), ("101", "20"), other="99"))
    assert (found.average, found.price_bps, found.depth_bps) == (Decimal("100.6"), 0, 60)
    assert (found.spread_bps, found.total_bps, found.missing) == (100, 60, "")


def test_a_dearer_touch_costs_its_distance() -> None:
    assert cost(MARKET, offer(("100.5", "10"))).price_bps == 50
    sell = replace(MARKET, side=Side.SELL)
    assert cost(sell, offer(("99.5", "10"))).price_bps == 50


def test_fees_and_latency_are_added() -> None:
    terms = VenueTerms(fee_bps=Decimal(10), fee_per_unit=Decimal("0.05"), latency_ms=Decimal(250))
    found = cost(MARKET, offer(("100", "10")), terms)
    assert (found.fee_bps, found.latency_bps, found.total_bps) == (15, Decimal("0.5"), Decimal("15.5"))
    assert found.told()["total_bps"] == "15.5"


def test_a_fee_for_each_contract_is_measured_by_the_shares_that_the_option_is_about() -> None:
    """0.65 for a contract at 1.30, which costs 130: 50 basis points, and not 5,000."""
    contract = replace(MARKET, symbol="AAPL260320P00150000")
    found = cost(contract, offer(("1.30", "10")), replace(FREE, fee_per_unit=Decimal("0.65")), reference="1.30")
    assert (found.fee_bps, found.total_bps) == (50, 50)


def test_a_limit_takes_nothing_beyond_itself_and_rests() -> None:
    found = cost(limited("100"), offer(("100", "4"), ("101", "20")))
    assert (found.taken, found.resting, found.average, found.depth_bps, found.missing) == (4, 6, 100, 0, "")


def test_a_limit_below_the_market_costs_the_same_wherever_it_rests() -> None:
    near, far = cost(limited("95"), offer(("100", "4"))), cost(limited("95"), offer(("103", "4")))
    assert near.total_bps == far.total_bps
    assert (near.resting, near.missing) == (10, "")


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        (offer(("100", "4")), "only 4 of 10 are shown; the rest is counted at the last price shown"),
        (offer(("100", "0")), "the venue does not tell how much stands at its price"),
    ],
)
def test_what_is_not_shown_is_said_and_not_guessed(shown: Offer, missing: str) -> None:
    assert cost(MARKET, shown).missing == missing


def test_an_amount_of_money_is_measured_at_the_touch() -> None:
    wish = replace(MARKET, order_qty=None, notional=Decimal(500))
    assert cost(wish, offer(("100", "10"))).taken == 5


levels = st.lists(
    st.tuples(st.integers(1, 500), st.integers(1, 50)), min_size=1, max_size=6, unique_by=lambda level: level[0]
)


@given(levels, st.integers(1, 100), st.sampled_from(list(Side)))
def test_the_average_lies_between_the_best_and_the_worst_price_shown(
    raw: list[tuple[int, int]], qty: int, side: Side
) -> None:
    ordered = sorted(raw, reverse=side is Side.SELL)
    shown = Offer(levels=tuple((Decimal(price), Decimal(size)) for price, size in ordered), age_s=0.0, source="book")
    wish = replace(MARKET, side=side, order_qty=Quantity(Decimal(qty)))
    found = cost(wish, shown, reference=str(shown.touch))
    low, high = sorted((shown.levels[0][0], shown.levels[-1][0]))
    assert low <= round(found.average, 20) <= high
    assert found.taken == min(qty, sum(size for _, size in ordered))
    assert found.depth_bps >= 0


def test_prices_absurdly_far_apart_have_a_cost() -> None:
    """I24: one venue's absurd quote must not keep orders from all the others."""
    found = cost(MARKET, offer(("50000", "10")), replace(FREE, fee_per_unit=Decimal(1)), reference="1e-20")
    assert found.total_bps > Decimal("1e28")
    dear = replace(FREE, fee_per_unit=Decimal(1_000_000))
    assert cost(MARKET, offer(("1e-20", "10")), dear, reference="1e-20").fee_bps == Decimal("1e30")
