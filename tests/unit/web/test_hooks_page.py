"""The page Webhooks and alerts in a real browser, over a whole desk: made, tried, switched off, removed."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from floorbroker.api.auth import COOKIE
from floorbroker.domain.values import Environment
from tests.support.browser import browser, chromium
from tests.support.desk_server import Served
from tests.support.desk_visit import Visit
from tests.support.fake_desk import FakeDesk
from tests.support.house import NOON, ManualClock
from tests.support.real_floor import TOKEN, served_in_a_thread

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="there is no Chromium on this machine"),
]


async def cookie_of(address: str) -> dict[str, str]:
    async with httpx2.AsyncClient(base_url=address, timeout=30.0) as http:
        await http.post("/login", data={"token": TOKEN})
        return {"url": address, "name": COOKIE, "value": http.cookies[COOKIE]}


async def test_a_hook_is_made_tried_switched_off_and_removed(tmp_path: Path) -> None:
    with served_in_a_thread(tmp_path) as address:
        async with browser() as running, running.tab() as tab:
            await tab.command("Network.setCookie", **await cookie_of(address))
            nobody = FakeDesk(clock=ManualClock(NOON), environment=Environment.PAPER)
            visit = Visit(tab, Served(address, nobody, FastAPI()))
            await visit.open("/webhooks")
            await tab.type("#in-name", "tv")
            await tab.type("#in-most", "10")
            await visit.click("#add-in button")
            await visit.shows("#hook-told", "Its secret, shown this once: fbhook_")
            await tab.until("document.querySelector('[data-hook=tv]') !== null")
            assert "10 units" in await visit.text("[data-hook=tv]")
            assert await visit.findings() == []
            await visit.click("[data-try=tv]")
            await visit.answer("symbol=AAPL side=buy quantity=2")
            await visit.shows("#hook-told", "tv would place: symbol AAPL, side buy, type market, quantity 2")
            await visit.click("[data-try=tv]")
            await visit.answer("symbol=AAPL side=buy quantity=11")
            await visit.shows("#hook-told", "this hook trades at most 10 at a time")
            await visit.click("[data-switch=tv]")
            await visit.shows("#hook-told", "tv is off.")
            await tab.until("document.querySelector('[data-hook=tv]').classList.contains('off')")
            await visit.click("[data-drop=tv]")
            await tab.until("document.querySelector('#ask-dialog').open")
            await visit.click("#ask-yes")
            await visit.shows("#hook-told", "tv is removed.")
            await tab.until("document.querySelector('[data-hook=tv]') === null")
            assert tab.errors == []
