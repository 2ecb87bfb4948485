"""The vault behind the REST door: every act, and not a word of any passphrase in what comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from floorbroker.api import HashedToken, create_app, token_digest
from floorbroker.app.home import Home
from floorbroker.app.redactor import SecretFilter
from floorbroker.app.unlocking import Unlocking
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.ports import NO_STEPS, NoLog
from floorbroker.domain.values import Environment
from floorbroker.vault import SessionLimits, Vault
from tests.support.desk_server import TOKEN
from tests.support.fake_desk import FakeDesk
from tests.support.vaults import OTHER, PAPER, PASSPHRASE, QuickDerivation, secrets
from tests.unit.api.conftest import NOON, Caller

pytestmark = pytest.mark.asyncio
GOOD, NEW, WRONG = PASSPHRASE.reveal(), OTHER.reveal(), "certainly-not-this-one"


@dataclass
class Safe:
    http: httpx2.AsyncClient
    vault: Unlocking
    clock: ManualClock

    async def post(self, path: str, **body: Any) -> httpx2.Response:
        reply = await self.http.post(f"/api/v1/vault{path}", json=body)
        for word in (GOOD, NEW, WRONG, "canary"):
            assert word not in reply.text
        return reply

    async def stands(self) -> str:
        return (await self.http.get("/api/v1/vault")).json()["standing"]


@pytest_asyncio.fixture
async def safe(tmp_path: Path) -> AsyncIterator[Safe]:
    clock = ManualClock(NOON)
    vault = Unlocking.of(
        Home.at(tmp_path / "home"),
        limits=SessionLimits(idle_s=100, absolute_s=1_000, cancel_grace_s=50),
        clock=clock,
        redactor=SecretFilter(),
        derive=QuickDerivation(),
        log=NoLog(),
        steps=NO_STEPS,
    )
    app = create_app(
        desks={Environment.PAPER: FakeDesk(clock=clock)},
        token=HashedToken(token_digest(TOKEN)),
        clock=clock,
        version="0.1.0",
        unlocking=vault,
    )
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8750", headers=headers) as http:
        yield Safe(http, vault, clock)


async def test_a_vault_is_made_locked_unlocked_and_given_another_passphrase(safe: Safe) -> None:
    assert await safe.stands() == "absent"
    made = await safe.post("", passphrase=GOOD)
    assert (made.status_code, made.json()["standing"], made.json()["log2n"]) == (201, "unlocked", 18)
    assert (await safe.post("", passphrase=GOOD)).status_code == 409
    assert (await safe.post("/lock")).json()["standing"] == "locked"
    assert (await safe.post("/unlock", passphrase=GOOD)).json()["changes_in_s"] == 100
    assert (await safe.post("/rotate", passphrase=GOOD, new_passphrase=NEW)).json()["generation"] == 2
    await safe.post("/lock", at_once=True)
    assert (await safe.post("/unlock", passphrase=NEW)).status_code == 200


async def test_a_wrong_passphrase_is_refused_and_the_next_one_waits(safe: Safe) -> None:
    await safe.post("", passphrase=GOOD)
    await safe.post("/lock")
    wrong = await safe.post("/unlock", passphrase=WRONG)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "vault_refused")
    soon = await safe.post("/unlock", passphrase=GOOD)
    assert (soon.status_code, soon.headers["Retry-After"]) == (429, "1")
    await safe.clock.advance(1)
    assert (await safe.post("/unlock", passphrase=GOOD)).status_code == 200


async def test_an_older_file_is_accepted_only_when_it_is_said(safe: Safe) -> None:
    await safe.post("", passphrase=GOOD)
    old = safe.vault.home.vault.read_bytes()
    await safe.post("/rotate", passphrase=GOOD, new_passphrase=NEW)
    safe.vault.home.vault.write_bytes(old)
    assert (await safe.post("/unlock", passphrase=GOOD, accept_older=True)).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("", {"passphrase": ""}, "/passphrase"),
        ("", {"passphrase": 5}, "/passphrase"),
        ("", {"passphrase": GOOD, "log2n": 17}, "/log2n"),
        ("", {"passphrase": GOOD, "log2n": 21}, "/log2n"),
        ("", {}, "/passphrase"),
        ("/unlock", {"passphrase": GOOD, "accept_older": "yes"}, "/accept_older"),
        ("/unlock", {"passphrase": GOOD, "force": True}, "/force"),
        ("/lock", {"at_once": 1}, "/at_once"),
        ("/rotate", {"passphrase": GOOD}, "/new_passphrase"),
    ],
)
async def test_a_wrong_member_is_named_and_no_value_is_repeated(
    safe: Safe, path: str, body: dict[str, Any], pointer: str
) -> None:
    reply = await safe.post(path, **body)
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, pointer)
    assert not safe.vault.home.vault.exists()


async def test_a_short_passphrase_is_refused(safe: Safe) -> None:
    reply = await safe.post("", passphrase="too short")
    assert (reply.status_code, "15 characters" in reply.json()["detail"]) == (422, True)


async def test_records_are_told_without_their_values(safe: Safe) -> None:
    vault = Vault.create(safe.vault.home.vault, PASSPHRASE, derive=QuickDerivation())
    vault.write("a", broker="ALPACA", environment=PAPER, fields=secrets(BROKER_API_KEY="canary"))
    shown = await safe.http.get("/api/v1/vault")
    assert shown.json()["records"][0]["fields"] == ["BROKER_API_KEY"]
    assert "canary" not in shown.text


async def test_somebody_who_acts_at_the_door_keeps_it_open_and_looking_does_not(safe: Safe) -> None:
    await safe.post("", passphrase=GOOD)
    await safe.clock.advance(90)
    await safe.http.put("/api/v1/paper/kill-switch", json={"level": 1, "reason": "test"})
    await safe.clock.advance(90)
    assert await safe.stands() == "unlocked"
    await safe.http.get("/api/v1/paper/orders")
    await safe.clock.advance(10)
    assert await safe.stands() == "locked"


async def test_a_door_without_a_vault_says_so(door: Caller) -> None:
    assert (await door.http.get("/api/v1/vault")).status_code == 404
    assert (await door.http.post("/api/v1/vault/lock", json={})).status_code == 404
