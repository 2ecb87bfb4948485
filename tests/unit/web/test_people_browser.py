"""Set-up, the account and the dialog that asks for a proof, in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from floorbroker.domain.clock import SystemClock
from tests.support.browser import Browser, Tab, browser, chromium
from tests.support.desk_server import TOKEN, Served, desk_server
from tests.support.desk_visit import READY, Visit
from tests.support.people import WORDS, Town, town

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="there is no Chromium on this machine"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Browser]:
    async with browser() as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def place(tmp_path: Path, running: Browser) -> AsyncIterator[tuple[Town, Served, Tab]]:
    async with town(tmp_path, SystemClock()) as found, desk_server(people=found.people) as served, running.tab() as tab:
        yield found, served, tab
        assert [text for text in tab.errors if "401" not in text and "403" not in text] == []


async def at(tab: Tab, path: str) -> None:
    await tab.until(f"location.pathname === {path!r} && document.readyState === 'complete'")


async def looks_well(tab: Tab) -> None:
    """Nothing for axe to find, in both themes and on a telephone."""
    visit = Visit(tab, None)  # type: ignore[arg-type] - only the tab is looked at
    for width, dark in ((1280, False), (1280, True), (360, False)):
        await tab.size(width, 800, dark=dark)
        assert await visit.findings() == []
        assert await tab.run("document.documentElement.scrollWidth <= innerWidth"), width
        assert await tab.run("[...document.querySelectorAll('tbody tr')].every(row => row.offsetHeight < 200)"), width
    await tab.size(1280, 800)


async def test_from_the_token_to_an_account_in_three_steps(place: tuple[Town, Served, Tab]) -> None:
    _, served, tab = place
    await tab.open(f"{served.origin}/login")
    await looks_well(tab)
    await tab.type("#token", TOKEN)
    await tab.press("Enter")
    await at(tab, "/setup")
    await looks_well(tab)
    await tab.type("#name", "ada")
    await tab.type("#password", WORDS)
    await tab.type("#again", WORDS)
    await tab.press("Enter")
    await at(tab, "/account")
    await looks_well(tab)
    await tab.run("document.querySelector('[action=\"/account/second-factor\"] button').click()")
    await tab.until("document.querySelector('img.code')?.naturalWidth > 100")
    await looks_well(tab)
    await tab.run("document.querySelector('.bar [action=\"/logout\"] button').click()")
    await at(tab, "/login")
    await tab.type("#name", "ada")
    await tab.type("#password", WORDS)
    await tab.press("Enter")
    await at(tab, "/overview")


async def test_a_reset_asks_for_a_proof_and_goes_on_by_itself(place: tuple[Town, Served, Tab]) -> None:
    found, served, tab = place
    await found.add("ada")
    await tab.open(f"{served.origin}/login")
    await tab.type("#name", "ada")
    await tab.type("#password", WORDS)
    await tab.press("Enter")
    await at(tab, "/overview")
    await tab.until(READY)
    sessions = found.people.memory.sessions
    sessions.update({key: replace(one, proved_at=None) for key, one in sessions.items()})
    for level, word in (("1", "level 1"), ("0", "off")):
        await tab.run("document.querySelector('#kill-open').click()")
        await tab.run(f"document.querySelector('#kill-level').value = '{level}'")
        await tab.type("#kill-reason", "a drill")
        await tab.run("document.querySelector('#kill-do').click()")
        if level == "0":
            await tab.until("document.querySelector('#proof-dialog')?.open")
            assert await Visit(tab, served).findings() == []
            await tab.type("#proof-word", "wrong")
            await tab.press("Enter")
            await tab.until("document.querySelector('#proof-dialog .message').textContent.includes('wrong')")
            await tab.type("#proof-word", WORDS)
            await tab.press("Enter")
        await tab.until(f"document.querySelector('#kill-word').textContent === {word!r}")
    assert await tab.run("document.querySelector('#proof-dialog')") is None
    assert served.desk.kill_state().level == 0


HELD_BACK = """{
  const real = window.fetch;
  window.fetch = async (address, init) => {
    const reply = await real(address, init);
    if (init?.method === "PUT") await new Promise((done) => { window.letGo = done; });
    return reply;
  };
}"""


async def test_a_late_answer_leaves_a_dialog_that_was_opened_again_as_it_is(place: tuple[Town, Served, Tab]) -> None:
    _, served, tab = place
    await tab.open(f"{served.origin}/login")
    await tab.type("#token", TOKEN)
    await tab.press("Enter")
    await at(tab, "/setup")
    await tab.open(f"{served.origin}/overview")
    await tab.until(READY)
    await tab.run(HELD_BACK)
    await tab.run("document.querySelector('#kill-open').click()")
    await tab.run("document.querySelector('#kill-level').value = '1'")
    await tab.type("#kill-reason", "a drill")
    await tab.run("document.querySelector('#kill-do').click()")
    await tab.until("document.querySelector('#kill-word').textContent === 'level 1' && window.letGo !== undefined")
    await tab.run("document.querySelector('#kill-close').click()")
    await tab.run("document.querySelector('#kill-open').click()")
    await tab.type("#kill-reason", "it is over")
    await tab.run("document.querySelector('#kill-word').textContent = 'not answered'; window.letGo()")
    await tab.until("document.querySelector('#kill-word').textContent === 'level 1'")
    assert await tab.run("document.querySelector('#kill-dialog').open")
    assert await tab.run("document.querySelector('#kill-reason').value") == "it is over"
    assert await tab.run("document.querySelector('#kill-do').disabled") is False
