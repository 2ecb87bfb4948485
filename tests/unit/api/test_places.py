"""Places for connections that stand: nobody fills them up, and whoever waits to say who they are holds none of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI
from websockets.asyncio.client import connect

from floorbroker.api.places import Places
from floorbroker.domain.clock import ManualClock
from floorbroker.people.identity import OPERATOR, Identity, Kind
from tests.support.desk_server import TOKEN, Served, app_over, desk_server
from tests.support.fake_desk import FakeDesk
from tests.support.house import NOON

pytestmark = pytest.mark.asyncio


def somebody(name: str, user_id: str = "") -> Identity:
    return Identity(principal=name, kind=Kind.TOKEN, user_id=user_id)


async def test_one_takes_half_the_next_half_of_the_rest_and_something_is_left() -> None:
    places = Places(most=16)
    taken = [sum(1 for _ in range(20) if places.take(somebody(name))) for name in ("a", "b", "c", "d")]
    assert taken == [8, 4, 2, 1]


async def test_a_person_and_their_tokens_are_one_and_a_place_given_back_is_free() -> None:
    places = Places(most=4)
    keys = [places.take(somebody(name, "ada")) for name in ("bot-1", "bot-2", "bot-3")]
    assert keys == ["ada", "ada", ""]
    places.give_back("ada")
    places.give_back("")
    assert places.take(somebody("bot-3", "ada")) == "ada"


async def test_strangers_wait_in_a_room_of_their_own_a_few_from_each_address() -> None:
    places = Places(most=2, strangers=3, at_an_address=2)
    assert [places.wait("192.0.2.7") for _ in range(3)] == [True, True, False]
    assert [places.wait("192.0.2.8") for _ in range(2)] == [True, False]
    assert places.take(OPERATOR)
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
        async with asyncio.timeout(5):
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

    def noted(key: str) -> None:
        held.append(places.held[key])
        told(key)

    monkeypatch.setattr(places.__class__, "give_back", lambda _, key: noted(key))
    places.most = 2
    await events_of(app)
    assert (held, places.held.total()) == ([1], 0)
