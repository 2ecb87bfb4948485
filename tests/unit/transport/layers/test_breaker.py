"""When the breaker opens, who passes it, and how it closes."""

from __future__ import annotations

import asyncio

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import (
    ApiError,
    CircuitBreakerError,
    ConnectionFailed,
    FloorbrokerError,
    KillSwitchOn,
    Outcome,
    RateLimitExceeded,
    Timeout,
)
from floorbroker.transport.breakers import Breakers
from floorbroker.transport.circuit import CircuitState
from floorbroker.transport.endpoints import EndpointClass
from floorbroker.transport.layers.breaker import Breaker
from floorbroker.transport.types import Lane, Request, Response
from tests.unit.transport.fakes import Scripted, Step, clock, command, read

pytestmark = pytest.mark.asyncio

OK, BROKEN = Response(status=200), Response(status=500)


def breaker(steps: list[Step]) -> tuple[Breaker, Scripted, ManualClock]:
    time, inner = clock(), Scripted(steps)
    return Breaker(inner, clock=time, breakers=Breakers(clock=time, failure_threshold=3)), inner, time


def state(layer: Breaker, kind: EndpointClass = EndpointClass.ACCOUNT) -> CircuitState:
    return CircuitState(layer.breakers.states()[kind.value])


async def knock(layer: Breaker, request: Request | None = None) -> object:
    try:
        return await layer.send(read() if request is None else request)
    except FloorbrokerError as error:
        return error


@pytest.mark.parametrize("failure", [ConnectionFailed("x"), Timeout("x"), ApiError("x"), BROKEN], ids=repr)
async def test_failures_in_a_row_open_it_and_nothing_is_sent_then(failure: Step) -> None:
    layer, inner, _ = breaker([failure])
    for _ in range(3):
        await knock(layer)
    refused = await knock(layer)
    assert isinstance(refused, CircuitBreakerError)
    assert refused.outcome is Outcome.NOT_SENT
    assert refused.hint.retry_after_s == pytest.approx(30)
    assert len(inner.sent) == 3


@pytest.mark.parametrize(
    ("failure", "cause"),
    [(ConnectionFailed("nobody answers at v.example"), "nobody answers at v.example"), (BROKEN, "HTTP 500")],
    ids=repr,
)
async def test_an_open_breaker_tells_what_opened_it(failure: Step, cause: str) -> None:
    layer, _, _ = breaker([Timeout("an earlier one"), failure])
    for _ in range(3):
        await knock(layer)
    refused = await knock(layer)
    assert isinstance(refused, CircuitBreakerError)
    assert f"the requests before it failed ({cause})" in refused.detail


@pytest.mark.parametrize(
    "answer",
    [Response(status=400), Response(status=404), Response(status=429), RateLimitExceeded("x"), KillSwitchOn("x")],
    ids=repr,
)
async def test_refusals_and_waits_are_no_failures(answer: Step) -> None:
    layer, inner, _ = breaker([answer])
    for _ in range(10):
        await knock(layer)
    assert state(layer) is CircuitState.CLOSED
    assert len(inner.sent) == 10


async def test_an_answer_between_failures_starts_the_count_anew() -> None:
    layer, _, _ = breaker([BROKEN, BROKEN, OK, BROKEN, BROKEN, OK])
    for _ in range(6):
        await knock(layer)
    assert state(layer) is CircuitState.CLOSED


async def test_i15_cancels_pass_an_open_breaker() -> None:
    layer, inner, _ = breaker([BROKEN, BROKEN, BROKEN, BROKEN, OK])
    for _ in range(3):
        await knock(layer, command())
    cancel = command(method="DELETE", lane=Lane.CANCEL)
    assert await knock(layer, cancel) == BROKEN
    assert isinstance(await knock(layer, command()), CircuitBreakerError)
    assert await knock(layer, cancel) == OK
    assert len(inner.sent) == 5


async def test_each_class_of_endpoints_has_a_breaker_of_its_own() -> None:
    layer, inner, _ = breaker([BROKEN])
    for _ in range(3):
        await knock(layer, read(endpoint="market.ticker"))
    assert state(layer, EndpointClass.MARKET) is CircuitState.OPEN
    assert isinstance(await knock(layer, read(endpoint="data.get")), CircuitBreakerError)
    assert await knock(layer, read(endpoint="account.get")) == BROKEN
    assert await knock(layer, command()) == BROKEN
    assert state(layer, EndpointClass.ORDERS) is CircuitState.CLOSED
    assert len(inner.sent) == 5


async def test_half_open_lets_one_probe_through_at_a_time() -> None:
    layer, inner, time = breaker([BROKEN, BROKEN, BROKEN, OK])
    for _ in range(3):
        await knock(layer)
    await time.advance(30)
    assert state(layer) is CircuitState.HALF_OPEN
    others = list[object]()

    async def while_probing(request: Request) -> Response:
        others.append(await knock(layer))
        return await Scripted.send(inner, request)

    inner.send = while_probing
    assert await knock(layer) == OK
    assert isinstance(others[0], CircuitBreakerError)
    assert state(layer) is CircuitState.CLOSED


async def test_a_failed_probe_opens_it_for_another_period() -> None:
    layer, inner, time = breaker([BROKEN])
    for _ in range(3):
        await knock(layer)
    await time.advance(30)
    assert await knock(layer) == BROKEN
    await time.advance(29)
    assert isinstance(await knock(layer), CircuitBreakerError)
    assert len(inner.sent) == 4


@pytest.mark.parametrize("end", [KillSwitchOn("x"), asyncio.CancelledError()], ids=repr)
async def test_a_probe_that_says_nothing_leaves_room_for_the_next(end: BaseException) -> None:
    layer, _, time = breaker([BROKEN, BROKEN, BROKEN, end, OK])
    for _ in range(3):
        await knock(layer)
    await time.advance(30)
    with pytest.raises(type(end)):
        await layer.send(read())
    assert await knock(layer) == OK


async def test_a_late_success_of_the_old_days_does_not_close_it() -> None:
    release = asyncio.Event()
    layer, inner, _ = breaker([BROKEN])

    async def slow_first(request: Request) -> Response:
        if request.path == "/slow":
            await release.wait()
            return OK
        return await Scripted.send(inner, request)

    inner.send = slow_first
    early = asyncio.create_task(layer.send(read(path="/slow")))
    await asyncio.sleep(0)
    for _ in range(3):
        await knock(layer)
    release.set()
    assert await early == OK
    assert state(layer) is CircuitState.OPEN
