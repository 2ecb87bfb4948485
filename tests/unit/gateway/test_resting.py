"""Graceful shutdown: after API failures in a row a profile takes no new orders, goes on with everything else, and comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from floorbroker.app.listening import hear_change, hear_exchange, sight_of
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import NotReady
from floorbroker.domain.values import OrdStatus
from floorbroker.gateway.health import HealthBook
from floorbroker.gateway.session import LEAST_REST_S
from floorbroker.transport.layers.audit import Exchange
from tests.support.fake_broker import buy, silence
from tests.support.house import CALLER, NOON, PROFILE, Desk, changes_of, opened

pytestmark = pytest.mark.asyncio


def exchange(*, status: int | None = None, error: str | None = None) -> Exchange:
    return Exchange(
        at=NOON, method="GET", url="https://v.example/x", endpoint="x", status=status, error=error, elapsed_s=0.2
    )


@pytest.mark.parametrize(
    ("heard", "row"),
    [
        (exchange(status=200), 0),
        (exchange(status=404), 0),
        (exchange(status=429), 0),
        (exchange(status=500), 3),
        (exchange(status=503), 3),
        (exchange(error="timeout"), 3),
        (exchange(error="connection_failed"), 3),
        (exchange(error="api_error"), 3),
        (exchange(error="cancelled"), 2),
        (exchange(error="rate_limit_exceeded"), 2),
        (exchange(error="vault_locked"), 2),
    ],
)
async def test_silence_and_what_cannot_be_used_are_failures_a_refusal_is_an_answer_and_our_own_doing_says_nothing(
    heard: Exchange, row: int
) -> None:
    book, told = HealthBook(ManualClock(NOON)), list[int]()
    book.failed(PROFILE)
    book.failed(PROFILE)
    hear_exchange(book, PROFILE, heard, on_failures=told.append)
    assert book.failures_in_a_row(PROFILE) == row
    assert told == ([3] if row == 3 else [])


async def test_an_order_counts_once_and_a_rejection_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        book = desk.gateway.health
        heard = changes_of(desk)
        await desk.place(buy())
        desk.broker.next_submit.append("refuse")
        await desk.place(buy("2"))
        for change in heard:
            hear_change(book, change)
        rejects = next(i for i in book.health(PROFILE).ingredients if i.name == "rejects")
        assert rejects.figure == "25.0% of orders"  # 1 of 2, and 2 that everybody is credited with


def fail(desk: Desk, times: int) -> None:
    for n in range(times):
        desk.session.on_failures(n + 1)


async def test_the_third_failure_in_a_row_stops_new_orders_and_the_second_does_not(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        fail(desk, 2)
        await desk.place(buy())
        fail(desk, 3)
        with pytest.raises(NotReady, match="resting after 3 API failures in a row"):
            await desk.place(buy("2"))
        assert desk.sent("submit") == 1
        assert "session.resting" in desk.log.events


async def test_while_it_rests_cancels_pass_and_doubts_are_settled_i15(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.next_submit.append("lose")
        lost = await desk.place(buy("2"))
        fail(desk, 3)
        assert desk.session.not_ready()
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        assert desk.now(order).ord_status is OrdStatus.CANCELED
        desk.broker.failing["get_account_info"] = silence()  # so that it rests on
        await desk.until(lambda: desk.now(lost).ord_status is OrdStatus.NEW)
        assert desk.session.rests


async def test_it_comes_back_after_a_rest_a_question_that_is_answered_and_a_round_that_agrees(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        rounds = desk.broker.reads.count("get_positions")
        desk.broker.failing["get_account_info"] = silence()
        fail(desk, 3)
        await desk.wait(60)
        assert (desk.session.state.value, desk.broker.reads.count("get_positions")) == ("degraded", rounds)
        desk.broker.failing.clear()
        desk.broker.failing["get_positions"] = silence()  # the question is answered, the round does not agree
        await desk.wait(120)
        assert desk.session.rests
        desk.broker.failing.clear()
        await desk.until(lambda: desk.session.state.value == "ready")
        assert not desk.session.rests
        await desk.place(buy())


async def test_a_good_answer_at_once_does_not_end_a_rest_before_its_least_time(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        fail(desk, 3)
        await desk.wait(LEAST_REST_S - 0.5)
        assert desk.session.not_ready()
        await desk.until(lambda: desk.session.state.value == "ready", longest_s=2)


async def test_the_beginning_and_the_end_of_a_rest_are_told_with_their_tag(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        heard: list[str] = []

        async def listen() -> None:
            async for event in desk.gateway.events(channels=frozenset({"health"})):
                heard.append(event.data["event"])  # noqa: PERF401 - it is looked at while events still come

        listening = asyncio.ensure_future(listen())
        await desk.wait()
        fail(desk, 3)
        await desk.until(lambda: desk.session.state.value == "ready")
        listening.cancel()
        assert [word for word in heard if word != "reconciled"] == ["resting", "rested"]
        assert {"session.resting", "session.rested"} <= set(desk.log.events)


async def test_a_connection_that_is_lost_during_a_rest_is_told_to_be_back_as_well(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        heard: list[str] = []

        async def listen() -> None:
            async for event in desk.gateway.events(channels=frozenset({"health"})):
                heard.append(event.data["event"])  # noqa: PERF401 - it is looked at while events still come

        listening = asyncio.ensure_future(listen())
        await desk.wait()
        fail(desk, 3)
        desk.broker.stream(up=False)
        await desk.wait()
        desk.broker.stream(up=True)
        await desk.until(lambda: desk.session.state.value == "ready")
        listening.cancel()
        words = [word for word in heard if word in {"resting", "rested", "connection_lost", "connection_restored"}]
        assert words == ["resting", "connection_lost", "rested", "connection_restored"]


async def test_failures_of_a_profile_that_is_not_ready_begin_no_rest(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.stream(up=False)
        fail(desk, 9)
        desk.broker.stream(up=True)
        await desk.until(lambda: desk.session.state.value == "ready", longest_s=5)
        assert "session.resting" not in desk.log.events


async def test_a_profile_that_is_down_for_long_grows_stale_and_one_that_is_ready_is_not(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        assert sight_of(desk.session).stale_s == 0
        desk.broker.failing["get_account_info"] = silence()
        fail(desk, 3)
        await desk.wait(45)
        assert sight_of(desk.session).stale_s >= 45


async def test_a_stream_that_says_nothing_while_orders_change_is_opened_anew(tmp_path: Path) -> None:
    """RELIABILITY 4: no application data for 20 s while orders work: a look; when it finds what was not told, a new stream."""
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        subscriptions = desk.broker.reads.count("connect")
        await desk.wait(70)
        assert desk.broker.reads.count("connect") == subscriptions  # quiet, and nothing was missed
        desk.broker.muted = True
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "4")
        await desk.until(lambda: desk.now(order).cum_qty == 4, longest_s=35)
        await desk.until(lambda: desk.broker.reads.count("connect") == subscriptions + 1)
        assert "stream.deaf" in desk.log.events
        await desk.until(lambda: desk.session.state.value == "ready")
