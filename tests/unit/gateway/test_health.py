"""The health score: its formula, its fading, and that nothing which happened to one profile touches another."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.health import (
    HALF_LIFE_S,
    INGREDIENTS,
    KEPT_S,
    NOTHING_SEEN,
    HealthBook,
    Sight,
    Vitals,
    ingredients_of,
    score_of,
)
from tests.support.house import NOON

A, B = ProfileName("a"), ProfileName("b")


def mark(vitals: Vitals, name: str, sight: Sight = NOTHING_SEEN) -> float:
    return next(found.mark for found in ingredients_of(vitals, sight) if found.name == name)


def score(vitals: Vitals, sight: Sight = NOTHING_SEEN) -> int:
    return score_of(ingredients_of(vitals, sight))


def test_a_profile_of_which_nothing_was_heard_is_perfect() -> None:
    assert HealthBook(ManualClock(NOON)).score(A) == 100


def test_the_example_of_the_page_on_health_is_right() -> None:
    """18 answers of 400 ms and 2 failures, one lost connection, a budget used to 90 %."""
    vitals = Vitals(at_s=0.0, exchanges=20, failures=2, latency_s=18 * 0.4, orders=8, rejects=1, reconnects=1)
    assert mark(vitals, "errors") == pytest.approx(1 - (2 / 22) / 0.5)
    assert mark(vitals, "latency") == pytest.approx((2.0 - 0.4) / 1.75)
    assert mark(vitals, "rejects") == pytest.approx(0.8)
    assert mark(vitals, "reconnects") == pytest.approx(0.75)
    assert mark(vitals, "budget", Sight(budget_used=0.9)) == pytest.approx(0.5)
    assert score(vitals, Sight(budget_used=0.9)) == 57


@pytest.mark.parametrize(
    ("vitals", "sight", "name"),
    [
        (Vitals(at_s=0, exchanges=1e6, failures=1e6), NOTHING_SEEN, "errors"),
        (Vitals(at_s=0, exchanges=1, latency_s=60), NOTHING_SEEN, "latency"),
        (Vitals(at_s=0, orders=1e6, rejects=1e6), NOTHING_SEEN, "rejects"),
        (Vitals(at_s=0, reconnects=99), NOTHING_SEEN, "reconnects"),
        (Vitals(at_s=0), Sight(stale_s=1e9), "staleness"),
        (Vitals(at_s=0), Sight(budget_used=1.2), "budget"),
    ],
)
def test_an_ingredient_alone_takes_its_share_and_no_more(vitals: Vitals, sight: Sight, name: str) -> None:
    assert score(vitals, sight) == pytest.approx(100 * (1 - INGREDIENTS[name]), abs=1)


def test_a_venue_that_never_answers_has_no_health_at_all() -> None:
    book = HealthBook(ManualClock(NOON))
    for _ in range(10):
        book.failed(A)
    assert book.score(A) == 0
    assert book.failures_in_a_row(A) == 10


def test_one_failure_of_one_says_little() -> None:
    book = HealthBook(ManualClock(NOON))
    book.failed(A)
    assert 20 < book.score(A) < 60


@pytest.mark.asyncio
async def test_old_trouble_fades_by_half_each_half_life() -> None:
    clock = ManualClock(NOON)
    book = HealthBook(clock)
    for _ in range(4):
        book.reconnected(A)
    marks = []
    for _ in range(3):
        marks.append(1 - next(i.mark for i in book.health(A).ingredients if i.name == "reconnects"))
        await clock.advance(HALF_LIFE_S)
    assert marks == pytest.approx([1.0, 0.5, 0.25])
    await clock.advance(HALF_LIFE_S * 12)
    assert book.score(A) == 100


@pytest.mark.asyncio
async def test_fading_does_not_depend_on_how_often_somebody_looks() -> None:
    seldom, often = ManualClock(NOON), ManualClock(NOON)
    one, other = HealthBook(seldom), HealthBook(often)
    for book in (one, other):
        for _ in range(3):
            book.failed(A)
    await seldom.advance(300)
    for _ in range(600):
        await often.advance(0.5)
        other.score(A)
    await seldom.advance(KEPT_S)
    await often.advance(KEPT_S)
    assert one.score(A) == other.score(A)


def test_an_answer_ends_the_row_of_failures_and_a_refusal_is_an_answer() -> None:
    book = HealthBook(ManualClock(NOON))
    assert [book.failed(A), book.failed(A)] == [1, 2]
    book.answered(A, 0.1)
    assert book.failures_in_a_row(A) == 0
    assert book.failed(A) == 1


def test_profiles_do_not_touch_each_other() -> None:
    book = HealthBook(ManualClock(NOON))
    for _ in range(9):
        book.failed(A)
    assert (book.score(B), book.failures_in_a_row(B)) == (100, 0)


@pytest.mark.asyncio
async def test_a_score_is_at_most_a_second_old() -> None:
    clock = ManualClock(NOON)
    book = HealthBook(clock)
    looks: list[int] = []
    book.sights[A] = lambda: (looks.append(1), NOTHING_SEEN)[1]
    assert [book.score(A) for _ in range(50)] == [100] * 50
    assert len(looks) == 1
    for _ in range(9):
        book.failed(A)
    await clock.advance(KEPT_S)
    assert book.score(A) == 0


@given(
    sums=st.lists(st.floats(0, 1e6), min_size=6, max_size=6),
    stale_s=st.floats(0, 1e9),
    used=st.none() | st.floats(0, 5),
)
def test_a_score_is_a_whole_number_from_0_to_100_whatever_is_counted(
    sums: list[float], stale_s: float, used: float | None
) -> None:
    exchanges, failures, latency_s, orders, rejects, reconnects = sums
    vitals = Vitals(
        at_s=0.0,
        exchanges=exchanges + failures,
        failures=failures,
        latency_s=latency_s,
        orders=orders + rejects,
        rejects=rejects,
        reconnects=reconnects,
    )
    assert 0 <= score(vitals, Sight(stale_s=stale_s, budget_used=used)) <= 100


@given(seed=st.integers(0, 10_000), worse=st.sampled_from(["failed", "rejected", "reconnected"]))
def test_trouble_never_makes_a_score_better(seed: int, worse: str) -> None:
    random, one, other = Random(seed), HealthBook(ManualClock(NOON)), HealthBook(ManualClock(NOON))
    for _ in range(random.randrange(40)):
        what = random.choice(["answered", "failed", "ordered", "reconnected"])
        for book in (one, other):
            book.answered(A, 0.3) if what == "answered" else getattr(book, what)(A)
    getattr(other, worse)(A)
    assert other.score(A) <= one.score(A)
