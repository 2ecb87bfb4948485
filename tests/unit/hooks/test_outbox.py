"""Events of a whole desk on their way to others: signed, tried again, given up, sent again, never lost at a crash."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from floorbroker.domain.errors import ConnectionFailed
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import Caller
from floorbroker.hooks.carriers import Apprise
from floorbroker.hooks.carriers import Caller as People
from floorbroker.hooks.outbox import wants
from floorbroker.hooks.records import Kind, Target
from floorbroker.hooks.signing import objection
from floorbroker.oms.schema import OrderSchema
from floorbroker.transport.types import ByteStream, Request, Response
from tests.support.real_floor import House, Somewhere, real_floor

CALLER = Caller(principal="tester", via="test")
PAPER = Environment.PAPER


@dataclass(slots=True)
class Receiver:
    """Somebody's server; `answers` are given in turn, 200 once they are used up."""

    requests: list[Request] = field(default_factory=list[Request])
    answers: deque[int | Exception] = field(default_factory=deque["int | Exception"])

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        answer = self.answers.popleft() if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return Response(status=answer)

    async def open_stream(self, request: Request) -> ByteStream:
        raise NotImplementedError

    async def close(self) -> None: ...

    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.requests]


async def until(holds: Callable[[], Awaitable[bool]] | Callable[[], bool]) -> None:
    """Until the outbox's own tasks have come so far."""
    for _ in range(12_000):
        found = holds()
        if found if isinstance(found, bool) else await found:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not happen within a minute")


async def place(house: House, quantity: int) -> str:
    wish = OrderSchema.model_validate({"symbol": "AAPL", "side": "buy", "type": "market", "quantity": str(quantity)})
    return (await house.desk.submit(wish, profile=None, caller=CALLER)).order.intent_id


async def added(house: House, name: str, *events: str) -> dict[str, Any]:
    body = {"name": name, "direction": "out", "url": f"https://{name}.example/desk?key=canary", "events": list(events)}
    reply = await house.http.post("/api/v1/paper/webhooks", json=body)
    assert reply.status_code == 201, reply.text
    return reply.json()


async def log_of(house: House, name: str) -> list[dict[str, Any]]:
    return (await house.http.get(f"/api/v1/paper/webhooks/{name}/deliveries")).json()["items"]


@pytest.mark.asyncio
async def test_an_event_is_posted_signed_and_shown_in_the_log(tmp_path: Path) -> None:
    receiver = Receiver()
    async with real_floor(tmp_path, told=receiver) as house:
        hook = await added(house, "ledger", "order_filled", "fill")
        order = await place(house, 3)
        await until(lambda: len(receiver.requests) == 2)
        request = receiver.requests[0]
        assert (request.method, request.origin, request.path) == ("POST", "https://ledger.example", "/desk")
        assert request.query == (("key", "canary"),)
        header = request.headers["X-Floorbroker-Signature"]
        assert objection(header, request.body, Secret(hook["secret"]), now=datetime.now(UTC)) == ""
        first, second = receiver.documents()
        assert {first["event"], second["event"]} == {"order_filled", "fill"}
        assert first["id"] != second["id"]
        assert (first["environment"], first["profile"], first["data"]["order"]["id"]) == ("paper", "paper", order)
        await until(lambda: is_ended(house, "ledger", "delivered", 2))
        shown = (await house.http.get("/api/v1/paper/webhooks/ledger")).text
        assert "canary" not in shown
        assert hook["secret"] not in shown
        assert '"url":"https://ledger.example"' in shown


async def is_ended(house: House, name: str, state: str, count: int) -> bool:
    return [entry["state"] for entry in await log_of(house, name)] == [state] * count


@pytest.mark.asyncio
async def test_a_receiver_that_is_down_is_tried_again_with_the_same_event_and_the_desk_trades_on(
    tmp_path: Path,
) -> None:
    receiver = Receiver(answers=deque([500, ConnectionFailed("no route to https://down.example/desk?key=canary")]))
    async with real_floor(tmp_path, told=receiver) as house:
        await added(house, "down", "order_filled")
        await place(house, 3)
        await until(lambda: has_tried(house, "down", 1))
        (entry,) = await log_of(house, "down")
        assert (entry["state"], entry["attempts"], entry["status"]) == ("waiting", 1, 500)
        await place(house, 4)  # nobody waits for the receiver
        troubles: list[str] = []

        async def is_through() -> bool:
            await due_now(house)
            troubles.extend(entry["trouble"] for entry in await log_of(house, "down"))
            return await is_ended(house, "down", "delivered", 2)

        await until(is_through)
        assert "canary" not in "".join(troubles)
        ids = [document["id"] for document in receiver.documents()]
        assert len(set(ids)) == 2
        assert ids.count(ids[0]) >= 2
        assert len(ids) >= 4


async def has_tried(house: House, name: str, times: int) -> bool:
    return [entry["attempts"] for entry in await log_of(house, name)] == [times]


async def due_now(house: House) -> None:
    """As if the time until the next try had passed."""
    async with house.hooks.rows.cold.begin() as connection:
        await connection.exec_driver_sql("UPDATE deliveries SET due_at = 0 WHERE state = 'waiting'")
    house.hooks.outbox._resting.clear()  # noqa: SLF001
    house.hooks.outbox._wake.set()  # noqa: SLF001


@pytest.mark.asyncio
async def test_a_dead_letter_is_kept_and_sent_again_when_a_person_says_so(tmp_path: Path) -> None:
    receiver = Receiver(answers=deque([410]))
    async with real_floor(tmp_path, told=receiver) as house:
        await added(house, "gone", "order_filled")
        await place(house, 3)
        await until(lambda: is_ended(house, "gone", "dead", 1))
        (entry,) = await log_of(house, "gone")
        again = await house.http.post(f"/api/v1/paper/webhooks/gone/deliveries/{entry['id']}/retry")
        assert (again.status_code, again.json()["state"]) == (202, "waiting")
        await until(lambda: is_ended(house, "gone", "delivered", 1))
        first, second = receiver.documents()
        assert first == second


@pytest.mark.asyncio
async def test_events_of_a_crash_are_collected_after_it_and_none_is_kept_twice(tmp_path: Path) -> None:
    receiver = Receiver()
    async with real_floor(tmp_path, told=receiver) as house:
        await added(house, "ledger", "order_filled", "fill")
        await place(house, 3)
        await until(lambda: is_ended(house, "ledger", "delivered", 2))
        await house.hooks.close()  # from here on nobody collects: as after a kill, the journal alone knows
        missed = await place(house, 4)
    assert len(receiver.requests) == 2
    async with real_floor(tmp_path, told=receiver) as house:
        await until(lambda: len(receiver.requests) == 4)
        await asyncio.sleep(0.05)
        told = receiver.documents()
        assert [d["data"]["order"]["id"] for d in told[2:]] == [missed] * 2
        assert len({d["id"] for d in told}) == 4  # the first order was read again, and is the same event


@pytest.mark.asyncio
async def test_how_far_the_stream_was_read_is_known_though_nobody_wanted_anything(tmp_path: Path) -> None:
    receiver = Receiver()
    async with real_floor(tmp_path, told=receiver) as house:
        begun = await house.hooks.rows.cursor(PAPER)
        assert begun is not None  # an event between the first start and a crash is collected after it
        for quantity in range(3, 20):
            await place(house, quantity)
        read = house.desk.last_seq()
    async with real_floor(tmp_path) as house:
        seen = await house.hooks.rows.cursor(PAPER)
    assert seen is not None
    assert begun < seen < read
    assert receiver.requests == []


@pytest.mark.asyncio
async def test_a_test_posts_one_event_now_and_says_what_came_back(tmp_path: Path) -> None:
    receiver = Receiver(answers=deque([200, 503]))
    async with real_floor(tmp_path, told=receiver) as house:
        await added(house, "ledger")
        replies = [(await house.http.post("/api/v1/paper/webhooks/ledger/test", json={})).json() for _ in range(2)]
        assert [(reply["ok"], reply["status"]) for reply in replies] == [(True, 200), (False, 503)]
        assert [document["event"] for document in receiver.documents()] == ["test", "test"]
        assert await log_of(house, "ledger") == []


@pytest.mark.asyncio
async def test_a_url_inside_this_network_is_refused(tmp_path: Path) -> None:
    async with real_floor(tmp_path, told=Receiver()) as house:
        for url in ("https://127.0.0.1/x", "https://localhost/x", "https://169.254.169.254/latest"):
            wish = {"name": "inside", "direction": "out", "url": url}
            refused = await house.http.post("/api/v1/paper/webhooks", json=wish)
            assert refused.status_code == 403, url


@pytest.mark.asyncio
async def test_several_alerts_are_one_message_and_a_service_that_fails_is_tried_again(tmp_path: Path) -> None:
    sent: list[tuple[str, str]] = []
    takes = deque([False])

    class Service:
        def add(self, url: str) -> bool:
            return url.startswith("json://")

        def __iter__(self) -> Iterator[Somewhere]:
            return iter([Somewhere()])

        def notify(self, *, title: str, body: str) -> bool:
            sent.append((title, body))
            return takes.popleft() if takes else True

    def service() -> Apprise:
        return Service()

    async with real_floor(tmp_path, told=Receiver()) as house:
        carriers = dict(house.hooks.outbox.carriers) | {Kind.ALERT: People(house.hooks.clock, service)}
        house.hooks.outbox.carriers = carriers
        wish = {"name": "phone", "url": "json://user:canary@x.example", "events": ["order_filled"], "group_s": 60}
        made = await house.http.post("/api/v1/notifications", json=wish)
        assert made.status_code == 201, made.text
        assert "canary" not in made.text
        for quantity in (3, 4):
            await place(house, quantity)
        await until(lambda: waiting(house, 2))
        assert sent == []
        await due_now(house)
        await until(lambda: has_failed(house, 2))
        assert len(sent) == 1
        await due_now(house)
        await until(lambda: len(sent) == 2)
        assert sent[0] == sent[1]
        title, text = sent[0]
        assert title.startswith("Floorbroker: 2 events; the first: order filled paper paper buy")
        assert len(text.splitlines()) == 2
        tested = (await house.http.post("/api/v1/notifications/phone/test")).json()
        assert tested["ok"]


async def has_failed(house: House, count: int) -> bool:
    """Whether so many wait after their first try, all of them for one moment."""
    async with house.hooks.rows.cold.reading() as connection:
        query = "SELECT due_at FROM deliveries WHERE state = 'waiting' AND attempts = 1"
        moments = [moment for (moment,) in await connection.exec_driver_sql(query)]
    return len(moments) == count and len(set(moments)) == 1


async def waiting(house: House, count: int) -> bool:
    return await house.hooks.rows.waiting() == count


@pytest.mark.asyncio
async def test_an_alert_url_that_apprise_does_not_know_is_refused_and_not_repeated(tmp_path: Path) -> None:
    async with real_floor(tmp_path) as house:
        refused = await house.http.post("/api/v1/notifications", json={"name": "x", "url": "nothing://canary"})
        assert refused.status_code == 422
        assert "canary" not in refused.text
        made = await house.http.post("/api/v1/notifications", json={"name": "x", "url": "json://x.example/canary"})
        assert made.status_code == 201
        assert made.json()["service"] == "json"
        assert "order_unknown" in made.json()["events"]
        assert (await house.http.get("/api/v1/notifications")).json()["items"][0]["name"] == "x"
        assert (await house.http.delete("/api/v1/notifications/x")).status_code == 204


TARGET = Target(
    id="t", name="t", kind=Kind.WEBHOOK, url=Secret("https://x.example"), events=("fill",), environments=(PAPER,),
    created_at=datetime(2026, 3, 2, tzinfo=UTC),
)  # fmt: skip


@pytest.mark.parametrize(
    ("target", "event", "environment", "expected"),
    [
        (TARGET, "fill", PAPER, True),
        (TARGET, "order_filled", PAPER, False),
        (TARGET, "fill", Environment.LIVE, False),
        (replace(TARGET, enabled=False), "fill", PAPER, False),
        (replace(TARGET, events=("*",)), "kill_tripped", PAPER, True),
        (replace(TARGET, events=("*",)), "connection_status", PAPER, False),
        (replace(TARGET, events=("*", "connection_status")), "connection_status", PAPER, True),
    ],
)
def test_a_target_is_told_of_what_it_asked_for(
    target: Target, event: str, environment: Environment, expected: bool
) -> None:
    assert wants(target, event, environment) is expected


def test_the_names_of_default_alerts_are_names_of_events() -> None:
    from floorbroker.app.hooks import ALERTS, EVENTS
    from floorbroker.gateway.happenings import kind_of

    assert all(kind_of(name) for name in (*ALERTS, *EVENTS))
