"""How a connection stands: what opens it, what breaks it, what a self-check begins with."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import cast

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ApiError, AuthenticationFailed, FloorbrokerError, Forbidden
from floorbroker.domain.ports import NoLog, NoMeter
from floorbroker.domain.records import Account, LinkState
from floorbroker.transport.feeds import FeedPlan, Feeds
from floorbroker.transport.link import Link, first_checks
from floorbroker.transport.offset import ClockOffset
from floorbroker.transport.private import OrderStream, Surroundings
from floorbroker.transport.types import Socket, SocketTarget
from tests.unit.transport.fakes import START

pytestmark = pytest.mark.asyncio
ACCOUNT = Account(account="A-1", currency="USD", cash=Decimal(1), equity=Decimal(1), buying_power=Decimal(1))


async def _nowhere(target: SocketTarget) -> Socket:
    raise AssertionError(f"nothing here opens {target.url}")


class House:
    """A link over an order stream and feeds that nobody subscribed to."""

    def __init__(self) -> None:
        self.closed: list[str] = []
        clock = ManualClock(START)
        around = Surroundings(broker="X", clock=clock, random=Random(1), log=NoLog(), meter=NoMeter())
        self.orders = OrderStream([], around)
        feeds = Feeds(cast("FeedPlan", None), connect=_nowhere, around=around)
        self.link = Link(
            self.orders, feeds, clock=clock, offset=ClockOffset(clock), breakers=lambda: {"orders": "open"},
            closing=[self._close],
        )  # fmt: skip

    async def _close(self) -> None:
        self.closed.append("http")


async def _well() -> None:
    pass


async def test_what_proves_itself_is_connected_until_it_is_closed() -> None:
    house = House()
    assert (house.link.is_connected, house.link.status().state) == (False, LinkState.OFFLINE)
    await house.link.open(_well)
    status = house.link.status()
    assert (house.link.is_connected, status.state, status.since) == (True, LinkState.CONNECTED, START)
    assert (status.stream_up, status.detail, status.breakers) == (False, "not subscribed", {"orders": "open"})
    await house.link.close()
    assert (house.link.is_connected, house.link.status().detail, house.closed) == (False, "disconnected", ["http"])


@pytest.mark.parametrize(
    ("error", "state"), [(ApiError("down"), LinkState.OFFLINE), (Forbidden("another account"), LinkState.DEGRADED)]
)
async def test_what_cannot_be_proved_is_raised_and_kept(error: FloorbrokerError, state: LinkState) -> None:
    async def fails() -> None:
        raise error

    link = House().link
    with pytest.raises(type(error)):
        await link.open(fails)
    assert (link.is_connected, link.status().state, link.status().detail) == (False, state, error.detail)


async def test_a_stream_that_the_venue_denies_leaves_it_degraded() -> None:
    house = House()
    await house.link.open(_well)
    house.orders.denied = True
    assert (house.link.is_connected, house.link.status().state) == (False, LinkState.DEGRADED)


@pytest.mark.parametrize(
    ("offset", "account", "told"),
    [
        (0.2, ACCOUNT, [("connectivity", True), ("clock", True), ("credentials", True)]),
        (-9.0, ACCOUNT, [("connectivity", True), ("clock", False), ("credentials", True)]),
        (0.0, ApiError("no"), [("connectivity", True), ("clock", True), ("credentials", False)]),
        (AuthenticationFailed("no"), ACCOUNT, [("connectivity", True), ("credentials", False)]),
        (ApiError("no"), ACCOUNT, [("connectivity", False)]),
    ],
)
async def test_a_self_check_begins_with_the_line_the_clock_and_the_key(
    offset: float | FloorbrokerError, account: Account | FloorbrokerError, told: list[tuple[str, bool]]
) -> None:
    async def measure() -> float:
        if isinstance(offset, FloorbrokerError):
            raise offset
        return offset

    async def ask() -> Account:
        if isinstance(account, FloorbrokerError):
            raise account
        return account

    checks, found = await first_checks(origin="https://a.example", measure_s=measure, near_s=1.0, account=ask)
    assert [(check.name, check.ok) for check in checks] == told
    assert (found is not None) is (len(told) == 3 and told[-1][1])
