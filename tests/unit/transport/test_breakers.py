"""The breaker of orders is closed by a safe read and by nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import CircuitBreakerError, FloorbrokerError
from floorbroker.transport.breakers import Breakers, SafeRead
from floorbroker.transport.endpoints import EndpointClass, class_of
from floorbroker.transport.layers.breaker import Breaker
from floorbroker.transport.types import Lane, Request, Response
from tests.unit.transport.fakes import Scripted, clock, command, read

pytestmark = pytest.mark.asyncio

OK, BROKEN = Response(status=200), Response(status=503)
TIME = read(endpoint="clock.get", path="/clock", lane=Lane.RESOLVE)


class Gauges:
    """The last value of each gauge, and how often each counter went up, by name and class of endpoints."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], float] = {}

    def count(self, name: str, value: float = 1.0, **labels: str) -> None:
        key = (name, labels["endpoints"])
        self.values[key] = self.values.get(key, 0.0) + value

    def gauge(self, name: str, value: float, **labels: str) -> None:
        self.values[name, labels["endpoints"]] = value

    def observe(self, name: str, value: float, **labels: str) -> None:
        raise AssertionError(name)


class House:
    """Breakers with a threshold of three, a command line behind them, and the line of the probe."""

    def __init__(self) -> None:
        self.time: ManualClock = clock()
        self.meter = Gauges()
        self.breakers = Breakers(
            clock=self.time, safe_read=SafeRead(TIME), failure_threshold=3, recovery_s=30, meter=self.meter
        )
        self.venue, self.probed = Scripted([BROKEN]), Scripted([OK])
        self.layer = Breaker(self.venue, clock=self.time, breakers=self.breakers)
        self.breakers.probe_by(self.probed)

    async def knock(self, request: Request | None = None) -> object:
        try:
            return await self.layer.send(command() if request is None else request)
        except FloorbrokerError as error:
            return error

    async def open(self) -> None:
        for _ in range(3):
            await self.knock()
        assert self.orders == "open"

    @property
    def orders(self) -> str:
        return self.breakers.states()["orders"]


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    await made.breakers.close()


async def test_no_order_is_the_probe_however_long_the_breaker_is_open(house: House) -> None:
    house.probed.before = lambda: pytest.fail("too soon")
    await house.open()
    await house.time.advance(29)
    assert isinstance(await house.knock(), CircuitBreakerError)
    house.probed.before = lambda: None
    stuck = asyncio.Event()

    async def never(request: Request) -> Response:
        await stuck.wait()
        return OK

    house.probed.send = never
    await house.time.advance(31)
    refused = await house.knock()
    assert isinstance(refused, CircuitBreakerError)
    assert refused.hint.retry_after_s == 0
    assert len(house.venue.sent) == 3


async def test_the_answer_to_a_safe_read_admits_orders_again(house: House) -> None:
    await house.open()
    await house.time.advance(30)
    assert [request.endpoint for request in house.probed.sent] == ["clock.get"]
    assert house.orders == "closed"
    assert await house.knock() == BROKEN


async def test_the_first_failure_after_a_probe_opens_it_again_and_an_answer_does_not(house: House) -> None:
    await house.open()
    await house.time.advance(30)
    await house.knock()
    assert house.orders == "open"
    await house.time.advance(30)
    house.venue.send = Scripted([OK, BROKEN, BROKEN, OK]).send
    for _ in range(4):
        await house.knock()
    assert house.orders == "closed"


@pytest.mark.parametrize(
    "answer", [BROKEN, Response(status=401), Response(status=429), RuntimeError("a bug")], ids=repr
)
async def test_a_probe_that_is_not_answered_well_is_sent_again(house: House, answer: Response | Exception) -> None:
    house.probed.send = (probed := Scripted([answer, answer, OK])).send
    await house.open()
    for number in (1, 2):
        await house.time.advance(30)
        assert house.orders == "open"
        assert len(probed.sent) == number
    await house.time.advance(30)
    assert house.orders == "closed"


async def test_i15_cancels_pass_and_their_answers_close_nothing(house: House) -> None:
    await house.open()
    house.venue.send = (venue := Scripted([OK])).send
    assert await house.knock(command(method="DELETE", lane=Lane.CANCEL)) == OK
    assert len(venue.sent) == 1
    assert house.orders == "open"


async def test_reads_are_probes_of_their_own_and_never_open_the_breaker_of_orders(house: House) -> None:
    for _ in range(3):
        await house.knock(read(endpoint="data.get"))
    assert house.breakers.states() == {
        "orders": "closed", "account": "closed", "history": "closed", "market": "open", "access": "closed",
    }  # fmt: skip
    house.venue.send = Scripted([OK]).send
    assert await house.knock() == OK
    await house.time.advance(30)
    assert house.breakers.states()["market"] == "half_open"
    assert await house.knock(read(endpoint="data.get")) == OK
    assert house.breakers.states()["market"] == "closed"
    assert house.probed.sent == []


async def test_each_state_is_measured(house: House) -> None:
    values = house.meter.values
    assert {values["breaker_state", kind.value] for kind in EndpointClass} == {0}
    await house.open()
    assert (values["breaker_state", "orders"], values["breaker_opened", "orders"]) == (2, 1)
    house.probed.before = lambda: seen.append(values["breaker_state", "orders"])
    seen: list[float] = []
    await house.time.advance(30)
    assert seen == [1]
    assert values["breaker_state", "orders"] == 0


async def test_nothing_is_probed_once_it_is_closed_down(house: House) -> None:
    await house.open()
    await house.breakers.close()
    await house.time.advance(90)
    assert house.probed.sent == []


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (command(endpoint="private.dead_man", lane=Lane.CANCEL), EndpointClass.ORDERS),
        (command(endpoint="batches.submit"), EndpointClass.ORDERS),
        (read(endpoint="orders.get"), EndpointClass.ACCOUNT),
        (read(endpoint="check.order"), EndpointClass.ACCOUNT),
        (read(endpoint="positions.list"), EndpointClass.ACCOUNT),
        (read(endpoint="orders.history"), EndpointClass.HISTORY),
        (read(endpoint="private.trades"), EndpointClass.HISTORY),
        (read(endpoint="public.ohlc"), EndpointClass.MARKET),
        (read(endpoint="markets.get"), EndpointClass.MARKET),
        (read(endpoint="markets.clock"), EndpointClass.ACCESS),
        (read(endpoint="public.time"), EndpointClass.ACCESS),
        (read(endpoint="account.key"), EndpointClass.ACCESS),
    ],
    ids=lambda value: getattr(value, "endpoint", None) or str(value),
)
async def test_what_a_request_is_about(request_: Request, kind: EndpointClass) -> None:
    assert class_of(request_) is kind
