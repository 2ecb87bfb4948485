"""Reads repeat, within bounds; commands never do, even here."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from floorbroker.domain.errors import ApiError, CircuitBreakerError, ConnectionFailed, Timeout
from floorbroker.transport.layers.retry import Retry
from floorbroker.transport.types import Lane, Response
from tests.unit.transport.fakes import Scripted, Step, clock, read

pytestmark = pytest.mark.asyncio

OK = Response(status=200)


async def outcome(
    steps: list[Step], *, retries: int = 3, lane: Lane = Lane.QUERY, total_s: float = 30
) -> tuple[object, int]:
    time, inner = clock(), Scripted(steps)
    retry = Retry(inner, retries=retries, clock=time, random=Random(7), total_s=total_s)
    task = asyncio.create_task(retry.send(read(lane=lane)))
    await time.advance(120)
    return task.exception() or task.result(), len(inner.sent)


@pytest.mark.parametrize(
    "failure",
    [ConnectionFailed("x"), Timeout("x"), *(Response(status=code) for code in (429, 502, 503, 504, 520, 522))],
    ids=repr,
)
async def test_what_may_pass_is_tried_again(failure: Step) -> None:
    assert await outcome([failure, failure, OK]) == (OK, 3)


@pytest.mark.parametrize("answer", [200, 201, 301, 400, 401, 403, 404, 409, 418, 422, 500, 501])
async def test_an_answer_is_an_answer(answer: int) -> None:
    assert await outcome([Response(status=answer)]) == (Response(status=answer), 1)


@pytest.mark.parametrize("error", [ApiError("x"), CircuitBreakerError("x")])
async def test_what_waiting_does_not_mend_is_raised_at_once(error: ApiError) -> None:
    assert await outcome([error]) == (error, 1)


async def test_tries_are_capped_and_the_last_outcome_is_kept() -> None:
    lost = ConnectionFailed("x")
    assert await outcome([lost], retries=4) == (lost, 5)
    assert await outcome([Response(status=503)], retries=2) == (Response(status=503), 3)
    assert await outcome([lost], retries=0) == (lost, 1)


async def test_retry_after_is_a_lower_bound() -> None:
    time, inner = clock(), Scripted([Response(status=429, headers={"retry-after": "12"}), OK])
    task = asyncio.create_task(Retry(inner, retries=1, clock=time, random=Random(1)).send(read()))
    await time.advance(11.9)
    assert len(inner.sent) == 1
    await time.advance(0.2)
    assert await task == OK


async def test_a_retry_after_beyond_the_deadline_gives_the_reply_at_once() -> None:
    busy = Response(status=429, headers={"retry-after": "86400"})
    assert await outcome([busy, OK]) == (busy, 1)


async def test_all_tries_end_before_the_deadline() -> None:
    lost = ConnectionFailed("x")
    found, tries = await outcome([lost], retries=1000, total_s=5)
    assert found is lost
    assert 2 < tries < 100


@pytest.mark.parametrize("lane", [Lane.CANCEL, Lane.REDUCE, Lane.NEW])
async def test_i4_a_command_that_strays_in_here_is_sent_once(lane: Lane) -> None:
    lost = ConnectionFailed("x")
    assert await outcome([lost, OK], lane=lane) == (lost, 1)
