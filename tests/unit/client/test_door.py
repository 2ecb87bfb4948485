"""The client says exactly what is known when something goes wrong, and reads what the desk answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import httpx2
import pytest

from floorbroker.api import create_app
from floorbroker.client import DeskClient, Door, NoAnswer, Refused, Unreachable
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import InvalidRequest
from floorbroker.domain.values import Environment
from tests.support.fake_desk import FakeDesk

pytestmark = pytest.mark.asyncio

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
MARKET = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "10"}
RESTING = {**MARKET, "type": "limit", "limit_price": "1"}


def client_of(desk: FakeDesk) -> DeskClient:
    app = create_app(
        desks={Environment.PAPER: desk},
        token=lambda token: "t" if token == "right" else None,
        clock=desk.clock,
        version="1",
    )
    http = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://localhost", headers={"Authorization": "Bearer right"}
    )
    return DeskClient(Door(http))


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk(clock=ManualClock(NOW))


def failing(error: Callable[[httpx2.Request], Exception]) -> tuple[DeskClient, list[httpx2.Request]]:
    seen: list[httpx2.Request] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        raise error(request)

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(handle), base_url="http://desk.invalid")
    return DeskClient(Door(http)), seen


async def test_an_order_is_read_exactly(desk: FakeDesk) -> None:
    order = await client_of(desk).submit(MARKET)
    assert (order.ord_status, order.cum_qty, order.quantity) == ("filled", Decimal(10), Decimal(10))
    assert order.created_at == NOW
    assert order.fills[0].price == order.avg_px


async def test_the_same_key_returns_the_same_order(desk: FakeDesk) -> None:
    client = client_of(desk)
    first, second = await client.submit(MARKET, key="one"), await client.submit(MARKET, key="one")
    assert first.id == second.id
    assert (await client.submit_answer(MARKET, key="one")).replayed
    assert len(await client.orders()) == 1


async def test_every_submit_carries_a_key_of_its_own() -> None:
    client, seen = failing(lambda request: httpx2.ConnectError("refused", request=request))
    for _ in range(2):
        with pytest.raises(Unreachable):
            await client.submit(MARKET)
    keys = [request.headers["Idempotency-Key"] for request in seen]
    assert len(set(keys)) == 2


@pytest.mark.parametrize("kind", [httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout])
async def test_what_never_left_may_be_sent_again(kind: type[httpx2.TransportError]) -> None:
    client, seen = failing(lambda request: kind("no", request=request))
    with pytest.raises(Unreachable) as lost:
        await client.submit(MARKET)
    assert (lost.value.problem.outcome, lost.value.problem.retryable) == ("not_sent", True)
    assert len(seen) == 1, "one wish is one request"


@pytest.mark.parametrize("kind", [httpx2.ReadTimeout, httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError])
async def test_a_submit_without_an_answer_is_unknown_and_names_its_key(kind: type[httpx2.TransportError]) -> None:
    client, seen = failing(lambda request: kind("no", request=request))
    with pytest.raises(NoAnswer) as lost:
        await client.submit(MARKET, key="my-key")
    assert (lost.value.problem.outcome, lost.value.problem.idempotency_key) == ("unknown", "my-key")
    assert len(seen) == 1, "nothing is sent twice"


async def test_a_read_without_an_answer_may_be_repeated() -> None:
    client, _ = failing(lambda request: httpx2.ReadTimeout("no", request=request))
    with pytest.raises(NoAnswer) as lost:
        await client.positions()
    assert (lost.value.problem.outcome, lost.value.problem.retryable) == ("not_sent", True)


async def test_a_refusal_brings_the_whole_problem(desk: FakeDesk) -> None:
    with pytest.raises(Refused) as refused:
        await client_of(desk).submit({**MARKET, "quantity": "much"})
    assert refused.value.problem.code == "invalid_request"
    assert refused.value.problem.errors[0].pointer == "/quantity"


async def test_a_server_that_is_no_desk_is_told_apart() -> None:
    http = httpx2.AsyncClient(
        transport=httpx2.MockTransport(lambda _: httpx2.Response(502, text="<html>")), base_url="http://desk.invalid"
    )
    with pytest.raises(Refused, match="is it a Floorbroker"):
        await DeskClient(Door(http)).positions()


async def test_the_life_of_an_order_by_its_verbs(desk: FakeDesk) -> None:
    client = client_of(desk)
    placed = await client.submit(RESTING)
    assert [order.id for order in await client.orders(status="open")] == [placed.id]
    assert (await client.modify(placed.id, {"limit_price": "2"})).limit_price == Decimal(2)
    assert (await client.cancel(placed.id)).ord_status == "canceled"
    assert (await client.order(placed.cl_ord_id)).id == placed.id
    assert await client.cancel_all() == []


async def test_a_long_list_is_read_page_after_page(desk: FakeDesk) -> None:
    client = client_of(desk)
    ids = {(await client.submit({**RESTING, "client_tag": str(n)}, key=str(n))).id for n in range(5)}
    found = [order.id async for order in client.all_of("/orders", {"limit": 2}, type(await client.order(min(ids))))]
    assert (len(found), set(found)) == (5, ids)


async def test_the_kill_switch_and_the_account_are_typed(desk: FakeDesk) -> None:
    client = client_of(desk)
    assert (await client.kill(1, reason="test")).level == 1
    assert (await client.kill(0, reason="fine")).level == 0
    assert (await client.account("paper")).equity > 0
    assert (await client.profiles())[0].name == "paper"
    assert (await client.preview(MARKET)).ok
    assert (await client.audit())[0].action


@pytest.mark.parametrize("id", ["", ".", "..", "..."])
async def test_an_id_that_a_path_would_swallow_is_refused_before_anything_is_sent(id: str) -> None:
    desk = FakeDesk(clock=ManualClock(NOW))
    client = client_of(desk)
    placed = await client.submit(RESTING)
    for ask in (client.order(id), client.cancel(id), client.modify(id, {"quantity": "5"})):
        with pytest.raises(InvalidRequest, match="is no id"):
            await ask
    assert (await client.order(placed.id)).ord_status == placed.ord_status
