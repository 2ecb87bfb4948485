"""Places for connections that stand: nobody fills them up, and whoever waits to say who they are holds none of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from floorbroker.api.auth import Doorkeeper, HashedToken, token_digest
from floorbroker.api.metrics import PrometheusMeter
from floorbroker.api.places import Place, Places
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import RateLimitExceeded
from floorbroker.people.identity import OPERATOR, Identity, Kind
from tests.support.desk_server import TOKEN, Served, app_over, desk_server
from tests.support.fake_desk import FakeDesk
from tests.support.house import NOON

pytestmark = pytest.mark.asyncio


def somebody(name: str, user_id: str = "") -> Identity:
    return Identity(principal=name, kind=Kind.TOKEN, user_id=user_id)


def taken(places: Places, identity: Identity, address: str = "", *, tries: int = 20) -> int:
    """How many of so many tries find a place."""
    count = 0
    for _ in range(tries):
        with suppress(RateLimitExceeded):
            places.take(identity, address)
            count += 1
    return count


async def test_one_takes_half_the_next_half_of_the_rest_and_something_is_left() -> None:
    places = Places(most=16)
    assert [taken(places, somebody(name)) for name in ("a", "b", "c", "d")] == [8, 4, 2, 1]


async def test_a_person_and_their_tokens_are_one_and_a_place_given_back_is_free() -> None:
    places = Places(most=4)
    first = places.take(somebody("bot-1", "ada"))
    assert taken(places, somebody("bot-2", "ada")) == 1
    places.give_back(first)
    assert taken(places, somebody("bot-3", "ada")) == 1
    assert (places.open, places.held.total()) == (2, 2)


async def test_a_token_and_an_address_have_bounds_of_their_own_and_a_session_counts_for_its_person() -> None:
    meter = PrometheusMeter()
    places = Places(most=100, at_a_token=2, at_an_address=3, meter=meter)
    token = Identity(principal="token:a", kind=Kind.TOKEN, user_id="ada", token_id="a")
    assert taken(places, token, "192.0.2.1") == 2
    with pytest.raises(RateLimitExceeded, match="this token follows 2 streams"):
        places.take(token, "192.0.2.2")
    person = Identity(principal="ada", kind=Kind.PERSON, user_id="ada")
    assert taken(places, person, "192.0.2.1") == 1
    with pytest.raises(RateLimitExceeded, match="3 streams go to your address"):
        places.take(person, "192.0.2.1")
    assert taken(places, person, "192.0.2.2") == 3
    told = meter.render().decode()
    assert "floorbroker_streams 6.0" in told
    assert 'floorbroker_streams_refused_total{why="token"} 19.0' in told


async def test_the_operators_token_is_bounded_as_every_token_and_leaves_room_for_the_operators_page() -> None:
    places = Places(most=100, at_a_token=2, at_an_address=3)
    keeper = Doorkeeper.of(HashedToken(token_digest(TOKEN)), ManualClock(NOON))
    script = keeper.by_token(TOKEN, address="127.0.0.1", host="127.0.0.1")
    page = keeper.by_cookie(keeper.sessions.open("operator"))
    assert isinstance(script, Identity)
    assert page is not None
    assert taken(places, script, "127.0.0.1") == 2
    with pytest.raises(RateLimitExceeded, match="this token follows 2 streams"):
        places.take(script, "127.0.0.1")
    assert taken(places, page, "127.0.0.1") == 1, "the last place of the address is the page's"


async def test_strangers_wait_in_a_room_of_their_own_a_few_from_each_address() -> None:
    places = Places(most=2, strangers=3, strangers_at_an_address=2)
    assert [places.wait("192.0.2.7") for _ in range(3)] == [True, True, False]
    assert [places.wait("192.0.2.8") for _ in range(2)] == [True, False]
    assert places.take(OPERATOR).keys
    places.waited("192.0.2.7")
    assert places.wait("192.0.2.8")


@pytest_asyncio.fixture
async def served() -> AsyncGenerator[Served]:
    async with desk_server() as running:
        yield running


async def test_who_waits_to_say_who_they_are_keeps_nobody_out(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("floorbroker.api.places.Places.wait", lambda places, _: places.waiting.total() < 1)
    url = served.origin.replace("http", "ws") + "/api/v1/paper/stream"
    known = {"Authorization": f"Bearer {TOKEN}"}
    async with connect(url, proxy=None), connect(url, proxy=None, additional_headers=known) as line:
        await line.send('{"op":"ping","id":"p"}')
        async with asyncio.timeout(30):
            assert '"p"' in str(await line.recv())


async def events_of(app: FastAPI) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8750", headers=headers) as http:
        return await http.get("/api/v1/paper/events?after=0")


async def test_events_hold_a_place_while_they_last(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock(NOON)
    desk = FakeDesk(clock=clock)
    desk.ends_after_replay = True
    app = app_over(desk, clock=clock)
    places: Places = app.state.door.places
    for _ in range(3):
        places.most = 2
        assert (await events_of(app)).status_code == 200
        places.most = 0
        refused = await events_of(app)
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limit_exceeded")
    held = list[int]()
    told = places.give_back

    def noted(place: Place) -> None:
        held.append(places.open)
        told(place)

    monkeypatch.setattr(places.__class__, "give_back", lambda _, place: noted(place))
    places.most = 2
    await events_of(app)
    assert (held, places.open, places.held.total()) == ([1], 0, 0)


async def test_a_socket_too_many_is_closed_with_the_reason_and_one_that_went_makes_room(served: Served) -> None:
    url = served.origin.replace("http", "ws") + "/api/v1/paper/stream"
    known = {"Authorization": f"Bearer {TOKEN}"}
    places: Places = served.app.state.door.places
    places.at_an_address = 1
    async with connect(url, proxy=None, additional_headers=known) as line:
        await line.send('{"op":"ping","id":"p"}')
        assert '"p"' in str(await line.recv())
        async with connect(url, proxy=None, additional_headers=known) as other:
            with pytest.raises(ConnectionClosedError):
                await other.recv()
        assert (other.close_code, other.close_reason) == (
            4429,
            "1 streams go to your address, as many as may: close some",
        )
    for _ in range(1000):  # the server hears of it in its own time
        if places.open:
            await asyncio.sleep(0.02)
    async with connect(url, proxy=None, additional_headers=known) as line:
        await line.send('{"op":"ping","id":"q"}')
        assert '"q"' in str(await line.recv())
