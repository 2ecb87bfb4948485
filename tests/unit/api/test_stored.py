"""Profiles as they are stored, behind the REST door: no value comes out, wrong members are named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from floorbroker.api import HashedToken, create_app, token_digest
from floorbroker.app.config import Config
from floorbroker.app.floor import Outside, vault_of
from floorbroker.app.home import Home
from floorbroker.app.profiles import Profiles
from floorbroker.gateway.desk import Caller
from tests.support.desk_server import TOKEN
from tests.support.vaults import PASSPHRASE, QuickDerivation
from tests.unit.api.conftest import Caller as Door

pytestmark = pytest.mark.asyncio
SECRET = "canary-5d1c99"
BODY = {"name": "mine", "broker": "ALPACA", "fields": {"BROKER_API_KEY": "PKCANARY", "BROKER_SECRET_KEY": SECRET}}
ONE = "/api/v1/paper/profiles/mine"


@pytest_asyncio.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    outside = Outside(derive=QuickDerivation())
    home = Home.at(tmp_path / "home")
    unlocking = vault_of(home, Config(), outside)
    await unlocking.init(PASSPHRASE, caller=Caller(principal="operator", via="cli"))
    app = create_app(
        desks={}, token=HashedToken(token_digest(TOKEN)), clock=outside.clock, version="0", unlocking=unlocking,
        stored_profiles=Profiles.of(home, unlocking, outside),
    )  # fmt: skip
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8750", headers=headers) as client:
        yield client


async def test_a_profile_is_made_read_changed_and_removed_and_no_value_comes_out(http: httpx2.AsyncClient) -> None:
    made = await http.post("/api/v1/paper/profiles", json=BODY)
    assert made.status_code == 201, made.text
    assert made.json()["fields"] == [
        {"name": "BROKER_API_KEY", "source": "vault"}, {"name": "BROKER_SECRET_KEY", "source": "vault"},
        {"name": "BROKER_ACCOUNT_NUMBER", "source": None},
    ]  # fmt: skip
    read = await http.get(f"{ONE}/settings")
    assert read.json() == made.json()
    changed = await http.patch(ONE, json={"enabled": False})
    rotated = await http.post(f"{ONE}/rotate", json={"fields": {"BROKER_SECRET_KEY": f"{SECRET}2"}, "test": False})
    assert (changed.json()["enabled"], rotated.json()["version"]) == (False, 2)
    assert (await http.delete(f"{ONE}?force=true")).status_code == 204
    assert (await http.get(f"{ONE}/settings")).status_code == 404
    told = "".join(reply.text for reply in (made, read, changed, rotated))
    assert "canary" not in told.lower()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (BODY | {"fields": {"BROKER_API_KEY": "PKCANARY"}}, "/fields/BROKER_SECRET_KEY"),
        (BODY | {"fields": {"BROKER_API_KEY": [SECRET]}}, "/fields/BROKER_API_KEY"),
        (BODY | {"fields": {"BROKER_API_KEI": SECRET}}, "/fields"),
        (BODY | {"broker": "NOPE"}, "/broker"),
        (BODY | {"name": "No!"}, "/name"),
        (BODY | {"environment": "live"}, "/environment"),
        (BODY | {"url": "https://api.alpaca.markets"}, "/url"),
    ],
)
async def test_a_wrong_member_is_named_and_no_secret_is_repeated(
    http: httpx2.AsyncClient, body: dict[str, Any], pointer: str
) -> None:
    reply = await http.post("/api/v1/paper/profiles", json=body)
    assert reply.status_code == 422, reply.text
    assert reply.json()["errors"][0]["pointer"].startswith(pointer)
    assert SECRET not in reply.text


async def test_a_profile_belongs_to_the_environment_in_the_path(http: httpx2.AsyncClient) -> None:
    assert (await http.post("/api/v1/paper/profiles", json=BODY)).status_code == 201
    for method, path in (("GET", "/settings"), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/test")):
        reply = await http.request(method, f"/api/v1/live/profiles/mine{path}", json={"enabled": True})
        assert reply.status_code == 404, (method, path, reply.text)
    assert (await http.delete(f"{ONE}?force=maybe")).status_code == 422


async def test_a_door_without_a_home_changes_no_profiles(door: Door) -> None:
    assert (await door.http.post("/api/v1/paper/profiles", json=BODY)).status_code == 404
