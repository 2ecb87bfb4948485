"""How a quantity is split: the cheapest units first, whole steps, every minimum kept, and why not where it is not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import (
    AssetClass,
    OrderClass,
    OrderType,
    Price,
    ProfileName,
    Quantity,
    Side,
    TimeInForce,
    is_multiple,
)
from floorbroker.gateway.routing.cost import Offer
from floorbroker.gateway.routing.policy import VenueTerms
from floorbroker.gateway.routing.splitting import Plan, Pool, split, whole_because
from tests.support.fake_broker import buy

A, B, C = (ProfileName(name) for name in ("alpha", "beta", "gamma"))
FREE = VenueTerms(latency_ms=Decimal(0))


def pool(name: ProfileName, *levels: tuple[str, str], terms: VenueTerms = FREE, **rules: Decimal) -> Pool:
    most = rules.pop("most", None)
    instrument = replace(Instrument(symbol="AAPL", asset_class=AssetClass.EQUITY, currency="USD"), **rules)
    shown = tuple((Decimal(price), Decimal(size)) for price, size in levels)
    return Pool(
        profile=name,
        offer=Offer(levels=shown, age_s=0.0, source="book"),
        terms=terms,
        instrument=instrument,
        most=most,
    )


def planned(wish: NewOrder, *pools: Pool, most: int = 8, gain: str = "0", reference: str = "100") -> Plan | str:
    return split(
        wish,
        pools,
        reference=Decimal(reference),
        latency_bps_s=Decimal(1),
        most=most,
        gain_bps=Decimal(gain),
    )


def shares(found: Plan | str) -> dict[ProfileName, Decimal]:
    assert isinstance(found, Plan), found
    return {part.profile: part.qty for part in found.parts}


def test_the_cheapest_units_are_taken_wherever_they_are_shown() -> None:
    found = planned(buy("10", None), pool(A, ("100", "4"), ("102", "9")), pool(B, ("101", "5"), ("103", "9")))
    assert shares(found) == {A: Decimal(5), B: Decimal(5)}  # 4 at 100, 5 at 101, 1 at 102
    assert isinstance(found, Plan)
    assert found.total_bps == Decimal("70.000")  # (4 x 0 + 5 x 100 + 1 x 200) / 10
    assert (found.best, found.whole_bps) == (A, Decimal("120.000"))  # (4 x 0 + 6 x 200) / 10


def test_a_share_is_worth_no_more_than_at_the_limit_where_a_venue_wants_a_least_value() -> None:
    """1 at a limit of 90 is worth 90 to the venue that wants 95, whatever it would fill at."""
    pools = pool(A, ("100", "1"), min_notional=Decimal(95)), pool(B, ("100", "8"), ("99", "9")), pool(C, ("100", "1"))
    assert shares(planned(buy("10", "90", side=Side.SELL), *pools)) == {B: Decimal(9), C: Decimal(1)}


def test_a_fee_for_each_contract_does_not_send_options_where_they_are_dearer() -> None:
    """A contract at 1.30 with 0.65 of fees costs 130.65, one at 1.32 without costs 132."""
    fees, shares_of = VenueTerms(fee_per_unit=Decimal("0.65"), latency_ms=Decimal(0)), Decimal(100)
    first = pool(A, ("1.30", "6"), terms=fees, multiplier=shares_of)
    second = pool(B, ("1.32", "9"), multiplier=shares_of)
    wish = buy("10", None, symbol="AAPL260320P00150000")
    assert shares(planned(wish, first, second, reference="1.30")) == {A: Decimal(6), B: Decimal(4)}


def test_fees_decide_between_equal_prices() -> None:
    dear = VenueTerms(fee_bps=Decimal(50), latency_ms=Decimal(0))
    found = planned(buy("10", None), pool(A, ("100", "9"), terms=dear), pool(B, ("100", "6"), ("100.40", "9")))
    assert found == "one venue is the cheapest for all of it"  # 40 bps further is cheaper than 50 bps of fees


def test_a_limit_bounds_what_is_taken_and_the_rest_waits_at_one_venue() -> None:
    found = planned(buy("10", "100"), pool(A, ("99", "3"), ("101", "50")), pool(B, ("100", "2")), reference="99")
    assert shares(found) == {A: Decimal(8), B: Decimal(2)}  # 3 + 5 that wait; A comes first where both cost the same


def test_what_nobody_shows_goes_where_the_next_unit_is_cheapest() -> None:
    found = planned(buy("10", None), pool(A, ("100", "3"), ("104", "1")), pool(B, ("101", "2"), ("102", "1")))
    assert shares(found) == {A: Decimal(4), B: Decimal(6)}


def test_a_split_has_to_pay_off() -> None:
    pools = (pool(A, ("100", "5"), ("100.01", "5")), pool(B, ("100", "5")))
    assert shares(planned(buy("10", None), *pools, gain="0.5")) == {A: Decimal(5), B: Decimal(5)}
    assert planned(buy("10", None), *pools, gain="1") == "a split would save 0.5 bps, less than 1"


def test_a_venue_that_shows_too_little_alone_is_reason_enough() -> None:
    found = planned(buy("10", None), pool(A, ("100", "6")), pool(B, ("100", "4")), gain="5")
    assert shares(found) == {A: Decimal(6), B: Decimal(4)}


def test_shares_are_whole_steps_and_the_largest_takes_the_rest() -> None:
    found = planned(
        buy("10", None),
        pool(A, ("100", "6.7"), lot=Decimal("0.1")),
        pool(B, ("100", "3.3"), lot=Decimal(1)),
    )
    assert shares(found) == {A: Decimal(7), B: Decimal(3)}


def test_a_share_below_a_minimum_goes_back_to_the_others() -> None:
    small = pool(B, ("100", "2"), min_qty=Decimal(3))
    assert planned(buy("10", None), pool(A, ("101", "9")), small) == "one venue is the cheapest for all of it"
    found = planned(buy("10", None), pool(A, ("101", "4")), small, pool(C, ("101", "6")))
    assert shares(found) == {A: Decimal(4), C: Decimal(6)}
    cheap = pool(B, ("100", "2"), min_notional=Decimal(201))
    assert B not in shares(planned(buy("10", None), pool(A, ("101", "4")), cheap, pool(C, ("101", "6"))))


def test_no_more_venues_than_allowed() -> None:
    found = planned(buy("10", None), pool(A, ("100", "5")), pool(B, ("100", "3")), pool(C, ("100", "2")), most=2)
    assert set(shares(found)) == {A, B}
    assert sum(shares(found).values()) == 10


def test_what_is_held_bounds_what_is_closed_there() -> None:
    sell = replace(buy("10", None), side=Side.SELL)
    found = planned(
        sell, pool(A, ("100", "50"), most=Decimal(6)), pool(B, ("99", "50"), most=Decimal(4)), gain="1000"
    )  # it saves nothing, and neither can have all of it
    assert shares(found) == {A: Decimal(6), B: Decimal(4)}


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        (replace(buy(), order_class=OrderClass.BRACKET), "a group of orders stays together"),
        (replace(buy(), order_type=OrderType.STOP, stop_px=Price(Decimal(1))), "a stop order waits"),
        (replace(buy(), order_qty=None, notional=Decimal(5)), "an amount of money"),
        (replace(buy(), tif=TimeInForce.FOK), "fok is a word about the whole"),
        (replace(buy(), post_only=True), "it wants to rest"),
        (replace(buy(), display_qty=Quantity(Decimal(1))), "it wants to rest"),
        (buy(), ""),
    ],
)
def test_some_orders_stay_whole(wish: NewOrder, why: str) -> None:
    assert whole_because(wish).startswith(why)
    assert bool(whole_because(wish)) is bool(why)


LEVELS = st.lists(
    st.tuples(st.integers(9_900, 10_100), st.integers(0, 40)).map(lambda at: (str(Decimal(at[0]) / 100), str(at[1]))),
    min_size=1,
    max_size=4,
)


@given(
    books=st.lists(LEVELS, min_size=2, max_size=4),
    lots=st.lists(st.sampled_from(["0.1", "1", "5"]), min_size=4, max_size=4),
    least=st.lists(st.integers(0, 12), min_size=4, max_size=4),
    wanted=st.integers(1, 120),
    bounds=st.tuples(st.integers(2, 4), st.sampled_from([None, "99.50", "100"])),
)
def test_a_split_is_all_of_it_in_steps_and_above_every_minimum(
    books: list[list[tuple[str, str]]], lots: list[str], least: list[int], wanted: int, bounds: tuple[int, str | None]
) -> None:
    most, limit = bounds
    pools = [
        pool(
            ProfileName(f"v{place}"),
            *sorted(levels, key=lambda level: Decimal(level[0])),
            lot=Decimal(lots[place]),
            min_qty=Decimal(least[place]),
        )
        for place, levels in enumerate(books)
    ]
    found = planned(buy(str(wanted), limit), *pools, most=most)
    if isinstance(found, str):
        return
    assert sum(part.qty for part in found.parts) == wanted
    assert 2 <= len(found.parts) <= most
    assert len({part.profile for part in found.parts}) == len(found.parts)
    for part in found.parts:
        rules = next(one for one in pools if one.profile == part.profile).instrument
        assert part.qty > 0
        assert part.qty >= rules.min_qty
        assert is_multiple(part.qty, rules.lot)
