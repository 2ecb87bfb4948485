"""The rate-limit layer: who pays, who is paid back, and what a reply teaches."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ConnectionFailed, KillSwitchOn, Outcome, RateLimitExceeded, Timeout
from floorbroker.transport.bucket import FULL_SHARES, Budget, LimitNews
from floorbroker.transport.layers.ratelimit import RateLimit, number, retry_after_s, standard_limits
from floorbroker.transport.limiter import Limiter, Limits
from floorbroker.transport.types import Lane, Response
from tests.unit.transport.fakes import START, Scripted, Step, clock, command

pytestmark = pytest.mark.asyncio


def layer(time: ManualClock, *steps: Step, capacity: int = 1) -> tuple[RateLimit, Scripted]:
    budget = Budget(name="trading", capacity=capacity, per_s=60, shares=FULL_SHARES)
    limiter = Limiter(Limits(budgets=(budget,), routes={"*": ("trading",)}), clock=time)
    inner = Scripted(steps or (Response(status=200),))
    return RateLimit(inner, limiter=limiter, read_limits=standard_limits(time), max_wait_s=4), inner


async def test_a_request_pays_and_the_next_is_refused_when_nothing_is_left() -> None:
    limit, inner = layer(clock())
    await limit.send(command())
    with pytest.raises(RateLimitExceeded) as caught:
        await limit.send(command())
    assert caught.value.outcome is Outcome.NOT_SENT
    assert len(inner.sent) == 1


@pytest.mark.parametrize("error", [ConnectionFailed("x", outcome=Outcome.NOT_SENT), KillSwitchOn("x")], ids=repr)
async def test_what_was_not_sent_costs_nothing(error: Exception) -> None:
    limit, inner = layer(clock(), error, Response(status=200))
    with pytest.raises(type(error)):
        await limit.send(command())
    assert (await limit.send(command())).status == 200
    assert len(inner.sent) == 2


async def test_what_may_have_been_sent_is_paid_for() -> None:
    limit, _ = layer(clock(), Timeout("x"), Response(status=200))
    with pytest.raises(Timeout):
        await limit.send(command())
    with pytest.raises(RateLimitExceeded):
        await limit.send(command())


async def test_weights_count() -> None:
    limit, _ = layer(clock(), capacity=10)
    await limit.send(command(weight=7))
    with pytest.raises(RateLimitExceeded):
        await limit.send(command(weight=4))
    await limit.send(command(weight=3))


async def test_a_429_pauses_for_as_long_as_it_says_and_cancels_still_pass() -> None:
    time = clock()
    limit, inner = layer(time, Response(status=429, headers={"retry-after": "30"}), Response(status=200), capacity=100)
    await limit.send(command())
    with pytest.raises(RateLimitExceeded) as caught:
        await limit.send(command())
    assert caught.value.hint.retry_after_s == pytest.approx(30)
    assert (await limit.send(command(lane=Lane.CANCEL))).status == 200
    await time.advance(30)
    assert (await limit.send(command())).status == 200
    assert len(inner.sent) == 3


async def test_the_venues_count_is_followed() -> None:
    time = clock()
    reset = str(START.timestamp() + 20)
    used_up = {"x-ratelimit-limit": "200", "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
    limit, _ = layer(time, Response(status=200, headers=used_up), Response(status=200), capacity=200)
    await limit.send(command())
    with pytest.raises(RateLimitExceeded) as caught:
        await limit.send(command())
    assert caught.value.hint.retry_after_s == pytest.approx(20)


async def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after_s("17", START) == 17
    assert retry_after_s(format_datetime(START + timedelta(seconds=90)), START) == pytest.approx(90)
    assert retry_after_s(format_datetime(START - timedelta(seconds=90)), START) == 0
    assert retry_after_s(None, START) is None
    assert retry_after_s("soon", START) is None


@pytest.mark.parametrize("text", ["", "-1", "1e400", "nan", "inf", "1.2.3", "٣", "9" * 400, "0x10", "1_000", " "])
async def test_a_number_that_is_none_says_nothing(text: str) -> None:
    assert number(text) is None


async def test_headers_that_say_nothing_are_no_news() -> None:
    assert standard_limits(clock())(Response(status=200, headers={"x-ratelimit-limit": "many"})) is None
    news = standard_limits(clock())(Response(status=200, headers={"x-ratelimit-limit": "200"}))
    assert news == LimitNews(limit=200)


async def test_a_reply_that_counts_several_budgets_teaches_all_of_them() -> None:
    time = clock()
    budgets = tuple(Budget(name=name, capacity=10, per_s=60, shares=FULL_SHARES) for name in ("weight", "orders"))
    limiter = Limiter(Limits(budgets=budgets, routes={"*": ("weight", "orders")}), clock=time)
    told = (LimitNews(budget="weight", remaining=4), LimitNews(budget="orders", remaining=1))
    limit = RateLimit(Scripted((Response(status=200),)), limiter=limiter, read_limits=lambda _: told, max_wait_s=4)
    await limit.send(command())
    assert limiter.used_share("orders.submit") == {"weight": pytest.approx(0.6), "orders": pytest.approx(0.9)}
