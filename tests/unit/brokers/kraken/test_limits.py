"""The REST counter as budgets, the engine's counter as a model, and what errors say of both."""

from __future__ import annotations

import pytest

from floorbroker.brokers.kraken.limits import PairCounters, batch_points, limit_news, limits_for
from floorbroker.transport.bucket import LimitNews
from floorbroker.transport.types import Response
from tests.unit.brokers.kraken.fakes import NOW

PAIR = "BTC/USD"


@pytest.mark.parametrize(("tier", "calls", "per_s"), [("starter", 15, 45), ("intermediate", 20, 40), ("pro", 20, 20)])
def test_a_tier_sets_the_budget_of_private_calls(tier: str, calls: int, per_s: float) -> None:
    limits = limits_for(tier)
    private = next(budget for budget in limits.budgets if budget.name == "private")
    assert (private.capacity, pytest.approx(private.per_s)) == (calls, per_s)
    assert limits.routes["private"] == ("private",)
    assert "*" not in limits.routes  # orders are counted by the engine, not here


def test_a_counter_that_falls_as_documented_never_overflows_under_the_budget() -> None:
    budget = next(one for one in limits_for("starter").budgets if one.name == "private")
    level, at = 0.0, 0.0
    for window in range(
        20
    ):  # the worst there is: all of a window's calls at once, at its end and at the next one's end
        moment = (window + 1) * budget.per_s
        level = max(0.0, level - (moment - at) / 3) + budget.capacity
        at = moment
        assert level <= 15 + 1e-9


# -- the engine ---------------------------------------------------------------------------------------------------------


def test_new_orders_fill_the_counter_of_their_pair_and_time_empties_it() -> None:
    counters = PairCounters("starter")
    for _ in range(30):
        counters.count(PAIR, 1, 100.0)
    assert (counters.points(PAIR, 100.0), counters.points(PAIR, 110.0), counters.points(PAIR, 200.0)) == (30, 20, 0)
    assert counters.points("ETH/USD", 100.0) == 0


def test_a_fifth_of_the_threshold_is_left_for_cancels() -> None:
    counters = PairCounters("starter")
    counters.count(PAIR, 47, 0.0)
    assert counters.wait_s(PAIR, 1, 0.0) == 0
    counters.count(PAIR, 1, 0.0)
    assert counters.wait_s(PAIR, 1, 0.0) == pytest.approx(1.0)
    assert counters.wait_s(PAIR, 5, 2.0) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("age_s", "points"), [(0, 8), (4.9, 8), (5, 6), (12, 5), (20, 4), (60, 2), (200, 1), (300, 0), (4000, 0)]
)
def test_a_cancel_costs_by_the_age_of_its_order(age_s: float, points: int) -> None:
    counters = PairCounters("pro")
    counters.placed("a", PAIR, 1000.0)
    counters.cancelled("a", PAIR, 1000.0 + age_s)
    assert counters.points(PAIR, 1000.0 + age_s) == points


@pytest.mark.parametrize(("age_s", "points"), [(0, 4), (6, 3), (14, 2), (15, 1), (100, 1)])
def test_a_change_costs_one_and_more_for_a_young_order(age_s: float, points: int) -> None:
    counters = PairCounters("pro")
    counters.placed("a", PAIR, 0.0)
    assert counters.amend_points("a", age_s) == points
    assert counters.amend_points("another", age_s) == 1


def test_a_mass_cancel_costs_what_its_orders_cost() -> None:
    counters = PairCounters("pro")
    counters.placed("a", PAIR, 0.0)
    counters.placed("b", PAIR, 0.0)
    counters.placed("c", "ETH/USD", 0.0)
    counters.cancelled_all(6.0)
    assert (counters.points(PAIR, 6.0), counters.points("ETH/USD", 6.0)) == (12, 6)
    counters.cancelled_all(6.0)
    assert counters.points(PAIR, 6.0) == 12


def test_the_venues_word_that_it_is_full_is_believed() -> None:
    counters = PairCounters("intermediate")
    counters.filled(PAIR, 50.0)
    assert counters.points(PAIR, 50.0) == 125
    assert counters.wait_s(PAIR, 1, 50.0) == pytest.approx(26 / 2.34)


def test_points_can_be_taken_back() -> None:
    counters = PairCounters("starter")
    counters.count(PAIR, 5, 0.0)
    counters.count(PAIR, -5, 0.0)
    assert counters.points(PAIR, 0.0) == 0


@pytest.mark.parametrize(("size", "points"), [(2, 1), (3, 2), (15, 8)])
def test_a_batch_costs_half_a_point_an_order(size: int, points: int) -> None:
    assert batch_points(size) == points


def test_only_so_many_orders_are_remembered() -> None:
    counters = PairCounters("pro")
    for number in range(20_001):
        counters.placed(str(number), PAIR, 0.0)
    assert counters.amend_points("0", 0.0) == 1
    assert counters.amend_points("20000", 0.0) == 4


# -- what errors say ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "news"),
    [
        (b'{"error":["EAPI:Rate limit exceeded"]}', LimitNews(retry_after_s=5.0)),
        (b'{"error":["EGeneral:Too many requests"]}', LimitNews(retry_after_s=5.0)),
        (b'{"error":["EGeneral:Temporary lockout"]}', LimitNews(ban_s=900.0)),
        (b'{"error":["EService: Throttled: 1772463910"]}', LimitNews(retry_after_s=60.0)),
        (b'{"error":["EService:Throttled: 1772463000"]}', LimitNews(retry_after_s=1.0)),
        (b'{"error":["EOrder:Rate limit exceeded"]}', None),
        (b'{"error":["EOrder:Insufficient funds"]}', None),
        (b'{"error":[],"result":{"x":"EAPI:Rate limit exceeded"}}', None),
        (b"", None),
        (b"<html>", None),
    ],
)
def test_errors_tell_of_limits_as_headers_do_elsewhere(body: bytes, news: LimitNews | None) -> None:
    assert limit_news(Response(status=200, body=body), NOW) == news
