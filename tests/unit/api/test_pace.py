"""How much may be asked: units by caller and address, told in headers, and never in the way of stopping."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from floorbroker.api import HashedToken, create_app, token_digest
from floorbroker.api.access import ACCESS
from floorbroker.api.pace import COSTS, Pace, Rates, assert_known, stops
from floorbroker.app.people import NewToken
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.values import Environment
from floorbroker.people.identity import OPERATOR as OPERATOR_ID
from floorbroker.people.identity import Identity, Kind, Scope
from tests.support.desk_server import TOKEN
from tests.support.fake_desk import FakeDesk
from tests.support.house import NOON
from tests.support.people import OPERATOR, WORDS, Town, town

pytestmark = pytest.mark.asyncio
ORDERS = "/api/v1/paper/orders"
ORDER = {"symbol": "AAPL", "side": "buy", "type": "limit", "limit_price": "1", "quantity": "1"}
OPERATOR_HEADERS = {"Authorization": f"Bearer {TOKEN}"}


class Paced:
    """An application with people in it and little room, asked from any address."""

    def __init__(self, found: Town, clock: ManualClock, rates: Rates) -> None:
        self.town, self.clock = found, clock
        self.desk = FakeDesk(clock=clock)
        self.app = create_app(
            desks={Environment.PAPER: self.desk},
            token=HashedToken(token_digest(TOKEN)),
            clock=clock,
            version="0.1.0",
            people=found.people,
            rates=rates,
        )

    async def ask(self, method: str, path: str, *, address: str = "127.0.0.1", **more: object) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=False, client=(address, 9))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8750") as http:
            return await http.request(method, path, **more)  # pyright: ignore[reportArgumentType] - handed on as it came

    async def token(self, name: str, per_minute: int | None = None) -> dict[str, str]:
        new = NewToken(name=name, environment=Environment.PAPER, scopes=frozenset(Scope), per_minute=per_minute)
        _, secret = await self.town.people.passes.create(new, owner=OPERATOR_ID, caller=OPERATOR)
        return {"Authorization": f"Bearer {secret.reveal()}"}


@pytest_asyncio.fixture
async def paced(tmp_path: Path) -> AsyncIterator[Paced]:
    clock = ManualClock(NOON)
    async with town(tmp_path, clock) as found:
        await found.add("ada")
        yield Paced(found, clock, Rates(caller=60, address=600, stranger=60))


async def test_every_cost_is_that_of_a_route() -> None:
    assert_known(ACCESS)
    assert all(units > 1 for units in COSTS.values())
    with pytest.raises(LookupError, match="log_in"):
        assert_known(ACCESS.keys() - {"log_in"})


async def test_a_caller_is_told_what_is_left_refused_and_let_ask_again(paced: Paced) -> None:
    bot = await paced.token("bot")
    first = await paced.ask("GET", "/api/v1/auth", headers=bot)
    assert first.headers["ratelimit-policy"] == '"caller";q=60;w=60, "address";q=600;w=60'
    assert first.headers["ratelimit"] == '"caller";r=59;t=1, "address";r=599;t=1'
    for _ in range(59):
        assert (await paced.ask("GET", "/api/v1/auth", headers=bot)).status_code == 200
    refused = await paced.ask("GET", "/api/v1/auth", headers=bot)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limit_exceeded")
    assert (refused.headers["retry-after"], refused.headers["ratelimit"].partition(",")[0]) == (
        "1",
        '"caller";r=0;t=60',
    )
    assert (await paced.ask("GET", "/api/v1/auth", headers=await paced.token("other"))).status_code == 200
    await paced.clock.advance(1)
    assert (await paced.ask("GET", "/api/v1/auth", headers=bot)).status_code == 200


async def test_what_takes_long_takes_more_and_what_takes_more_than_all_waits_for_all(paced: Paced) -> None:
    bot = await paced.token("bot")
    assert (await paced.ask("GET", ORDERS, headers=bot)).headers["ratelimit"].startswith('"caller";r=55;')
    dear = await paced.ask("POST", "/api/v1/audit/verify?environment=paper", headers=bot)
    assert (dear.status_code, dear.headers["retry-after"]) == (429, "6")
    await paced.clock.advance(60)
    refused = await paced.ask("POST", "/api/v1/audit/verify?environment=paper", headers=bot)
    assert refused.status_code == 429, "its request alone takes one, so that the rest is not whole"


async def test_stopping_is_never_refused_for_what_was_asked_before_it(paced: Paced) -> None:
    bot = await paced.token("bot", per_minute=70)
    placed = (await paced.ask("POST", ORDERS, headers=bot, json=ORDER)).json()["id"]
    while (await paced.ask("GET", "/api/v1/auth", headers=bot)).status_code == 200:
        pass
    assert (await paced.ask("DELETE", f"{ORDERS}/{placed}", headers=bot)).status_code == 200
    trip = {"level": 1, "reason": "prices"}
    assert (await paced.ask("PUT", "/api/v1/paper/kill-switch", headers=bot, json=trip)).status_code == 200
    assert (await paced.ask("POST", ORDERS, headers=bot, json=ORDER)).status_code == 429


async def test_a_rate_of_a_token_s_own_is_told_and_keeps_it_from_no_cancel(paced: Paced) -> None:
    bot = await paced.token("bot", per_minute=2)
    told = (await paced.ask("GET", "/api/v1/auth", headers=bot)).headers
    assert told["ratelimit-policy"].startswith('"token";q=2;w=60, "caller"')
    assert told["ratelimit"].startswith('"token";r=1;t=60, "caller"')
    await paced.ask("GET", "/api/v1/auth", headers=bot)
    assert (await paced.ask("GET", "/api/v1/auth", headers=bot)).status_code == 429
    assert (await paced.ask("DELETE", ORDERS, headers=bot)).status_code == 200


async def test_strangers_share_a_bucket_of_their_address_which_is_nobody_else_s(paced: Paced) -> None:
    for _ in range(10):
        wrong = await paced.ask("GET", ORDERS, address="192.0.2.7", headers={"Authorization": "Bearer guess"})
        assert wrong.status_code == 401
    assert wrong.headers["ratelimit"].startswith('"stranger";r=0;')
    assert (await paced.ask("GET", ORDERS, address="192.0.2.7")).status_code == 429
    assert (await paced.ask("GET", ORDERS, address="192.0.2.8")).status_code == 401
    for path in ("/healthz", "/readyz"):  # whoever watches the desk sees that it lives
        watched = await paced.ask("GET", path, address="192.0.2.7")
        assert (watched.status_code, "ratelimit" in watched.headers) == (200, False)
    assert (await paced.ask("GET", ORDERS, address="192.0.2.7", headers=await paced.token("bot"))).status_code == 200


async def test_a_sign_in_takes_more_and_one_network_of_ipv6_is_one_address(paced: Paced) -> None:
    words = {"name": "ada", "password": WORDS}
    statuses = [
        (await paced.ask("POST", "/api/v1/auth/login", address=f"2001:db8::{n}", json=words)).status_code
        for n in range(4)
    ]
    assert statuses == [200, 200, 200, 429]
    assert (await paced.ask("POST", "/api/v1/auth/login", address="2001:db8:0:1::1", json=words)).status_code == 200


async def test_an_address_has_a_bucket_for_all_who_come_from_it() -> None:
    clock = ManualClock(NOON)
    pace = Pace(clock, Rates(caller=10, address=15, stranger=0))
    one, two = (Identity(principal=name, kind=Kind.TOKEN, token_id=name) for name in ("one", "two"))
    assert pace.take(pace.parts(one, "192.0.2.7", only_stops=False), 10) == 0
    assert pace.take(pace.parts(two, "192.0.2.7", only_stops=False), 10) == 20
    assert pace.take(pace.parts(two, "192.0.2.8", only_stops=False), 10) == 0
    assert pace.headers(pace.parts(None, "192.0.2.9", only_stops=False)).keys() == {"RateLimit", "RateLimit-Policy"}


@pytest.mark.parametrize(
    ("asked", "only"),
    [
        ("DELETE /api/v1/live/orders/abc", True),
        ("DELETE /api/v1/paper/orders", True),
        ("PUT /api/v1/live/kill-switch", True),
        ("DELETE /api/v1/live/arming", True),
        ("POST /api/v1/paper/profiles/p/disconnect", True),
        ("POST /api/v1/paper/orders", False),
        ("DELETE /api/v1/tokens/bot", False),
        ("PATCH /api/v1/paper/orders/abc", False),
        ("DELETE /api/v1/paper/orders/a/b", False),
    ],
)
async def test_what_only_stops_is_known_by_its_path(asked: str, only: bool) -> None:
    assert stops(*asked.split(" ")) is only
