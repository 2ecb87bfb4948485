"""Logging in at a venue, behind the REST door: a code counts with the state that was given out, for its profile, and once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from floorbroker.api import HashedToken, create_app, token_digest
from floorbroker.app.config import Config
from floorbroker.app.floor import Outside, vault_of
from floorbroker.app.home import Home
from floorbroker.app.logins import LASTS_S, code_in
from floorbroker.app.profiles import Profiles
from floorbroker.app.sources import Gathered
from floorbroker.app.trial import Tried
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import AuthenticationFailed, InvalidRequest, NotSupported
from floorbroker.domain.ports import LogIn, Profile
from floorbroker.domain.records import Check, SelfCheck
from floorbroker.domain.secret import Secret
from floorbroker.gateway.desk import Caller
from tests.support.desk_server import TOKEN
from tests.support.vaults import PASSPHRASE, QuickDerivation
from tests.unit.brokers.upstox.fakes import NOW

pytestmark = pytest.mark.asyncio
ONE, OTHER = ("/api/v1/sim/profiles/mine/login", "/api/v1/sim/profiles/other/login")
TOKEN_OF_THE_DAY = "eyJ0.canary.77"


class WayIn:
    """A venue that takes one code."""

    def page(self, state: str) -> str:
        return f"https://venue.test/?state={state}"

    async def exchange(self, code: str) -> Mapping[str, Secret]:
        if code != "good":
            raise AuthenticationFailed("the code is of no use", broker="UPSTOX")
        return {"BROKER_PASSWORD": Secret(TOKEN_OF_THE_DAY)}

    async def close(self) -> None:
        """There is no connection."""


def ways_in(profile: Profile, given: Gathered, tap: object) -> LogIn:
    del given, tap
    if profile.broker != "UPSTOX":
        raise NotSupported("nobody logs in there")
    return WayIn()


async def well(profile: Profile, given: Gathered) -> Tried:
    """The venue takes what was just made."""
    del profile
    assert given.secrets["BROKER_PASSWORD"].reveal() == TOKEN_OF_THE_DAY
    return Tried(SelfCheck(checks=(Check(name="credentials", ok=True),)))


@pytest_asyncio.fixture
async def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest_asyncio.fixture
async def http(tmp_path: Path, clock: ManualClock) -> AsyncIterator[httpx2.AsyncClient]:
    outside = Outside(derive=QuickDerivation(), clock=clock)
    home = Home.at(tmp_path / "home")
    unlocking = vault_of(home, Config(), outside)
    await unlocking.init(PASSPHRASE, caller=Caller(principal="operator", via="cli"))
    profiles = Profiles(home=home, unlocking=unlocking, trial=well, open_orders=lambda profile: 0, ways_in=ways_in)
    app = create_app(
        desks={}, token=HashedToken(token_digest(TOKEN)), clock=clock, version="0", unlocking=unlocking,
        stored_profiles=profiles,
    )  # fmt: skip
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8750", headers=headers) as client:
        for name in ("mine", "other"):
            keys = {"BROKER_API_KEY": "key", "BROKER_SECRET_KEY": "secret"}
            body = {"name": name, "broker": "UPSTOX", "url": "http://127.0.0.1:1", "fields": keys}
            made = await client.post("/api/v1/sim/profiles", json=body)
            assert made.status_code == 201, made.text
        yield client


async def begun(http: httpx2.AsyncClient, path: str = ONE) -> str:
    reply = await http.post(path)
    assert reply.status_code == 200, reply.text
    state: str = reply.json()["state"]
    assert reply.json()["url"] == f"https://venue.test/?state={state}"
    return state


async def test_a_code_with_its_state_seals_the_token_and_shows_it_to_nobody(http: httpx2.AsyncClient) -> None:
    state = await begun(http)
    reply = await http.post(
        f"{ONE}/code", json={"code": f"http://127.0.0.1:8750/?code=good&state={state}", "state": state}
    )
    assert reply.status_code == 200, reply.text
    assert {"name": "BROKER_PASSWORD", "source": "vault"} in reply.json()["fields"]
    assert "canary" not in reply.text
    again = await http.post(f"{ONE}/code", json={"code": "good", "state": state})
    assert again.status_code == 409  # a state counts once


async def test_a_state_of_nobody_of_another_profile_or_of_yesterday_changes_nothing(
    http: httpx2.AsyncClient, clock: ManualClock
) -> None:
    state = await begun(http)
    for path, said in ((ONE, "made-up"), (OTHER, state)):
        assert (await http.post(f"{path}/code", json={"code": "good", "state": said})).status_code == 409
    await clock.advance(LASTS_S)
    assert (await http.post(f"{ONE}/code", json={"code": "good", "state": state})).status_code == 409
    settings = await http.get("/api/v1/sim/profiles/mine/settings")
    assert {"name": "BROKER_PASSWORD", "source": None} in settings.json()["fields"]


async def test_a_refused_code_keeps_what_was_there_and_ends_the_log_in(http: httpx2.AsyncClient) -> None:
    state = await begun(http)
    refused = await http.post(f"{ONE}/code", json={"code": "stale-canary", "state": state})
    assert refused.json()["code"] == "authentication_failed"
    assert "canary" not in refused.text
    assert (await http.post(f"{ONE}/code", json={"code": "good", "state": state})).status_code == 409


async def test_nobody_logs_in_where_keys_hold(http: httpx2.AsyncClient) -> None:
    fields = {"BROKER_API_KEY": "PK1", "BROKER_SECRET_KEY": "s"}
    await http.post("/api/v1/paper/profiles", json={"name": "keys", "broker": "ALPACA", "fields": fields})
    reply = await http.post("/api/v1/paper/profiles/keys/login")
    assert reply.json()["code"] == "not_supported"


@pytest.mark.parametrize(
    "body", [{}, {"code": "x"}, {"code": "", "state": "s"}, {"code": "x", "state": "s", "more": 1}]
)
async def test_a_wrong_body_is_named(http: httpx2.AsyncClient, body: dict[str, object]) -> None:
    assert (await http.post(f"{ONE}/code", json=body)).status_code == 422


async def test_what_is_pasted_is_a_code_or_the_address_with_it() -> None:
    assert [code_in(text, "s") for text in (" abc ", "http://h/?code=abc&state=s", "http://h/?code=abc")] == ["abc"] * 3
    for wrong in ("http://h/?state=s", "http://h/?code=abc&state=t", "http://h/?code=a&code=b", "http://[/?code=a"):
        with pytest.raises(InvalidRequest):
            code_in(wrong, "s")
