"""The stream over a real server: who may listen, snapshots then changes, resuming without loss, prices, slow readers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from floorbroker.api.auth import COOKIE
from floorbroker.api.stream import outbox, socket
from floorbroker.domain.records import DataKind, Trade
from floorbroker.domain.values import Price
from floorbroker.gateway.desk import Caller
from floorbroker.oms.schema import parse_order
from tests.support.desk_server import TOKEN, Served, desk_server

pytestmark = pytest.mark.asyncio
CALLER = Caller(principal="tester", via="test")
WISH = {"symbol": "AAPL", "side": "buy", "type": "limit", "quantity": "10", "limit_price": "50", "time_in_force": "day"}


class Listener:
    """A client that hears one envelope after the other."""

    def __init__(self, line: ClientConnection) -> None:
        self.line = line
        self._waiting: list[dict[str, Any]] = []

    async def say(self, **said: Any) -> None:
        await self.line.send(json.dumps(said))

    async def hear(self) -> dict[str, Any]:
        while not self._waiting:
            async with asyncio.timeout(5):
                frame = json.loads(await self.line.recv())
            self._waiting += frame if isinstance(frame, list) else [frame]
        return self._waiting.pop(0)

    async def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while not holds(told := await self.hear()):
            pass
        return told

    async def subscribe(self, *channels: str, **more: Any) -> dict[str, Any]:
        await self.say(op="subscribe", id="s", channels=list(channels), **more)
        return await self.until(lambda told: told.get("id") == "s")

    async def closed(self) -> tuple[int, str]:
        """The code and the reason."""
        async with asyncio.timeout(5):
            with suppress(ConnectionClosed):
                async for _ in self.line:
                    pass
        return self.line.close_code or 0, self.line.close_reason or ""


@pytest_asyncio.fixture
async def served() -> AsyncGenerator[Served]:
    async with desk_server() as running:
        yield running


@asynccontextmanager
async def listening(served: Served, *, token: str | None = TOKEN, **options: Any) -> AsyncGenerator[Listener]:
    url = served.origin.replace("http", "ws") + "/api/v1/paper/stream"
    async with connect(url, compression=None, proxy=None, **options) as line:
        listener = Listener(line)
        if token is not None:
            await listener.say(op="auth", token=token)
        yield listener


async def place(served: Served, **terms: str) -> str:
    wish = parse_order({**WISH, **terms})
    return (await served.desk.submit(wish, profile=None, caller=CALLER)).order.intent_id


async def test_a_program_says_its_token_and_hears_how_things_stand_and_then_what_changes(served: Served) -> None:
    first = await place(served)
    async with listening(served) as listener:
        ack = await listener.subscribe("orders", "fills", "positions", "health", "risk")
        assert (ack["v"], ack["type"], ack["channels"][0]) == (1, "ack", "orders")
        stands = {told["channel"]: told for told in [await listener.hear() for _ in range(4)]}
        assert {told["type"] for told in stands.values()} == {"snapshot"}
        assert [order["id"] for order in stands["orders"]["data"]["items"]] == [first]
        assert stands["health"]["data"]["items"][0]["name"] == "paper"
        assert stands["risk"]["data"]["level"] == 0
        second = await place(served)
        told = await listener.until(lambda told: told["type"] == "event" and told["key"] == second)
        assert (told["channel"], told["seq"] > stands["orders"]["seq"]) == ("orders", True)
        await listener.say(op="unsubscribe", id="u", channels=["orders"])
        await listener.until(lambda told: told.get("id") == "u")
        await place(served)
        await listener.say(op="ping", id="p")
        assert (await listener.hear())["id"] == "p"  # and nothing of the order before it


async def test_how_things_stand_has_the_number_of_the_newest_event_though_the_journal_is_further(
    served: Served,
) -> None:
    await place(served)
    served.desk.untold = 1
    async with listening(served) as listener:
        ack = await listener.subscribe("orders")
        stands = await listener.hear()
        assert [stands["type"], ack["seq"], stands["seq"]] == ["snapshot", *[served.desk.last_seq() - 1] * 2]


async def test_who_comes_back_after_a_number_misses_nothing_and_hears_nothing_twice(served: Served) -> None:
    await place(served)
    async with listening(served) as listener:
        last = (await listener.subscribe("orders"))["seq"]
    expected = [await place(served) for _ in range(3)]
    async with listening(served) as listener:
        await listener.subscribe("orders", after=last)
        expected.append(await place(served))
        heard: list[tuple[int, str]] = []
        while not heard or heard[-1][1] != expected[-1]:
            told = await listener.hear()
            assert told["type"] == "event"
            heard.append((told["seq"], told["key"]))
        assert list(dict.fromkeys(key for _, key in heard)) == expected
        assert [seq for seq, _ in heard] == sorted({seq for seq, _ in heard})


async def test_who_listens_hears_that_the_desk_stops_and_where_to_come_back(served: Served) -> None:
    async with listening(served) as listener:
        await listener.subscribe("orders")
        await place(served)
        last = (await listener.until(lambda told: told["type"] == "event"))["seq"]
        while last < served.desk.last_seq():
            last = (await listener.hear())["seq"]
        await served.app.state.door.farewell.say()
        assert await listener.closed() == (1012, f"the desk stops: come back after {last}")


async def test_a_number_from_the_future_and_channels_that_are_none_are_refused_and_the_connection_stands(
    served: Served,
) -> None:
    async with listening(served) as listener:
        assert "in the future" in (await listener.subscribe("orders", after=10**9))["detail"]
        assert "is no channel" in (await listener.subscribe("orders", "nonsense"))["detail"]
        assert "there is no profile 'other'" in (await listener.subscribe("quotes:other:AAPL"))["detail"]
        refused = await listener.subscribe("quotes:paper:NOPE")
        assert (refused["type"], refused["code"]) == ("error", "symbol_not_found")
        assert (await listener.subscribe("quotes:paper:AAPL", "quotes:paper:NOPE"))["type"] == "error"
        assert served.desk.feeds == []  # all of a message, or none
        assert (await listener.subscribe("fills"))["type"] == "ack"


async def test_prices_come_from_one_subscription_that_ends_with_its_last_reader(served: Served) -> None:
    async with listening(served) as one, listening(served) as other:
        for listener in (one, other):
            assert (await listener.subscribe("quotes:paper:AAPL", "trades:paper:AAPL"))["type"] == "ack"
        assert sorted(kind.value for feed in served.desk.feeds for kind in feed.kinds) == ["quotes", "trades"]
        quotes = next(feed for feed in served.desk.feeds if DataKind.QUOTES in feed.kinds)
        quotes.tell(await served.desk.quote("AAPL"), skipped=2)
        for listener in (one, other):
            told = await listener.hear()
            assert (told["channel"], told["key"], told["conflated"]) == ("quotes:paper:AAPL", "AAPL", 2)
            assert told["data"]["bid"] is not None
        trades = next(feed for feed in served.desk.feeds if DataKind.TRADES in feed.kinds)
        now = served.desk.clock.now()
        trades.tell(Trade(symbol="AAPL", price=Price(Decimal("150.25")), size=Decimal(3), time=now))
        traded = (await one.hear())["data"]
        assert (traded["price"], traded["size"], traded["side"]) == ("150.25", "3", None)
        await one.say(op="unsubscribe", id="u", channels=["quotes:paper:AAPL"])
        await one.until(lambda told: told.get("id") == "u")
        assert len(served.desk.feeds) == 2
    async with asyncio.timeout(5):
        while served.desk.feeds:  # noqa: ASYNC110 - the server tells nobody that a client left
            await asyncio.sleep(0.01)


async def test_a_book_comes_whole_and_a_second_reader_sees_it_too(served: Served) -> None:
    async with listening(served) as one, listening(served) as other:
        for listener in (one, other):
            await listener.subscribe("book:paper:AAPL")
            told = await listener.hear()
            assert (told["type"], told["data"]["symbol"], len(told["data"]["bids"])) == ("event", "AAPL", 1)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (json.dumps({"op": "auth", "token": "wrong"}), 4401),
        (json.dumps({"op": "subscribe", "channels": ["orders"]}), 4401),
        ("no json", 4400),
        (b"bytes", 4400),
    ],
)
async def test_who_does_not_say_a_token_first_hears_nothing(served: Served, said: str | bytes, code: int) -> None:
    async with listening(served, token=None) as listener:
        await listener.line.send(said)
        assert (await listener.closed())[0] == code


async def test_a_browser_comes_by_its_session_and_another_site_does_not(served: Served) -> None:
    cookie = await served.cookie()
    headers = {"Cookie": f"{COOKIE}={cookie['value']}"}
    async with listening(served, token=None, additional_headers=headers, origin=served.origin) as listener:
        assert (await listener.subscribe("orders"))["type"] == "ack"
    with pytest.raises(InvalidStatus):
        async with listening(served, token=None, additional_headers=headers, origin="http://evil.example"):
            pass


async def test_a_session_that_ends_takes_its_connections_along(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "LOOK_AGAIN_S", 0.05)
    cookie = await served.cookie()
    headers = {"Cookie": f"{COOKIE}={cookie['value']}", "X-Floorbroker-Request": "1"}
    async with listening(served, token=None, additional_headers=headers) as listener:
        assert (await listener.subscribe("orders"))["type"] == "ack"
        async with httpx2.AsyncClient(base_url=served.origin, headers=headers) as http:
            await http.post("/logout")
        assert (await listener.closed())[0] == 4401


async def test_what_nobody_should_send_closes_with_a_word(served: Served) -> None:
    async with listening(served) as listener:
        await listener.say(op="order", symbol="AAPL")
        code, reason = await listener.closed()
        assert (code, "auth, subscribe" in reason) == (4400, True)
    async with listening(served) as listener:
        for _ in range(30):
            await listener.say(op="ping")
        assert (await listener.closed())[0] == 4429


async def test_a_reader_that_cannot_keep_up_is_cut_with_the_number_to_come_back_after(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "FACTS_MAX", 20)
    async with listening(served) as listener:
        start = (await listener.subscribe("orders"))["seq"]
        for _ in range(60):
            await place(served)
        code, reason = await listener.closed()
        assert code == 4408
        last = int(reason.rsplit(" ", 1)[1])
        assert last >= start
    monkeypatch.undo()
    async with listening(served) as listener:
        await listener.subscribe("orders", after=last)
        missing = {event.seq for event in served.desk.past(last) if event.channel == "orders"}
        heard = set[int]()
        while heard != missing:
            heard.add((await listener.hear())["seq"])


async def test_an_environment_that_is_not_here_is_refused(served: Served) -> None:
    url = served.origin.replace("http", "ws") + "/api/v1/live/stream"
    with pytest.raises(InvalidStatus):
        async with connect(url, proxy=None):
            pass
