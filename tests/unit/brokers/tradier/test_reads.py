"""Polls and listings: what cannot be read hides nothing in a poll, and makes a snapshot an error."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from floorbroker.brokers.tradier.info import origins_for
from floorbroker.brokers.tradier.mapping.families import Families
from floorbroker.brokers.tradier.rest.calls import Calls
from floorbroker.brokers.tradier.rest.reads import Reads
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ApiError
from floorbroker.domain.ports import NoLog
from floorbroker.domain.values import Environment
from floorbroker.transport.types import Lane, Request, Response
from tests.unit.brokers.tradier.fakes import ACCOUNT, NOW, FakeTransport, payload, reply

ORDER = json.loads(payload("orders_one"))["orders"]["order"]
pytestmark = pytest.mark.asyncio


class Noted(NoLog):
    """What was warned of."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def warning(self, event: str, **members: object) -> None:
        self.lines.append((event, members))


def order(number: Any, **members: Any) -> dict[str, Any]:
    return {**ORDER, "id": number, "status": "open", **members}


def listing(orders: Iterable[dict[str, Any]]) -> Response:
    return reply({"orders": {"order": list(orders)}})


def reads_on(
    transport: FakeTransport, *, known: Iterable[int] = (), log: Noted | None = None, families: Families | None = None
) -> Reads:
    families = families or Families()
    for number in known:
        families.placed(str(number), is_net=False)
    calls = Calls(origins=origins_for(Environment.PAPER), account=lambda: ACCOUNT)
    return Reads(transport, calls, families, clock=ManualClock(NOW), log=log or NoLog())


async def test_an_order_that_cannot_be_asked_for_by_name_hides_no_other_and_is_named_once() -> None:
    def by_name(request: Request) -> Response:
        number = int(request.path.rpartition("/")[2])
        return reply({"order": order(number)}) if number != 2 else reply(raw=b"gone", status=404)

    paths = {f"/v1/accounts/{ACCOUNT}/orders/{number}": by_name for number in (1, 2, 3)}
    transport = FakeTransport(reply({"orders": None}), reply({"orders": None}), by_path=dict(paths))
    log = Noted()
    reads = reads_on(transport, known=(1, 2, 3), log=log)
    for _ in range(2):
        bodies = await reads.poll()
        assert len(bodies) == 4  # one for each request
        assert [json.loads(body)["order"]["id"] for body in bodies if b'order"' in body] == [1, 3]
    assert [(event, members["order"]) for event, members in log.lines] == [("order.unreadable", "2")]


@pytest.mark.parametrize("odd", [order("x/y"), {"id": 7}, order(8, leg=[{"id": "z"}])])
async def test_an_order_that_cannot_be_read_in_a_listing_hides_none_in_a_poll_and_spoils_a_snapshot_i8(
    odd: dict[str, Any],
) -> None:
    log = Noted()
    reads = reads_on(FakeTransport(*[listing([order(1), odd, order(2)])] * 3), log=log)
    (body,) = await reads.poll()
    assert len(log.lines) == 1
    assert body
    for snapshot in (reads.open_orders(), reads.orders_since(NOW - timedelta(days=1))):
        with pytest.raises(ApiError, match="cannot be read"):
            await snapshot


async def test_more_open_orders_of_earlier_days_than_fit_in_one_look_have_their_turns() -> None:
    asked: list[int] = []

    def by_name(request: Request) -> Response:
        asked.append(int(request.path.rpartition("/")[2]))
        return reply({"order": order(asked[-1])})

    paths = {f"/v1/accounts/{ACCOUNT}/orders/{number}": by_name for number in range(1, 121)}
    transport = FakeTransport(*[reply({"orders": None})] * 3, by_path=dict(paths))
    reads = reads_on(transport, known=range(1, 121))
    for _ in range(3):
        await reads.poll()
    assert len(asked) == 150
    assert set(asked) == set(range(1, 121))
    assert {request.lane for request in transport.requests} == {Lane.RECONCILE}


async def test_when_too_many_are_missing_from_today_everything_is_listed() -> None:
    everything = [listing([order(number) for number in range(first, first + 25)]) for first in (1, 26, 51)]
    transport = FakeTransport(reply({"orders": None}), reply({"orders": None}), *everything, reply({"orders": None}))
    families = Families()
    reads = reads_on(transport, families=families)
    await reads.open_orders()
    for number in range(1, 76):
        families.placed(str(number), is_net=False)
    assert len(await reads.open_orders()) == 75
    assert ("filter", "all") in transport.requests[-1].query
