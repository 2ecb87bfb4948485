"""The page as a newcomer meets it, in a real browser over the whole house: set-up, a second factor, Alpaca's simulator, orders.

Pictures of each step are kept in build/page-story.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

import httpx2
import pytest
from pyotp.totp import TOTP

from tests.conformance.venues import SIMULATED
from tests.support import browser as support
from tests.support.browser import Tab, browser_tab, chromium
from tests.support.desk_visit import READY, Visit
from tests.support.whole_house import whole_house

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="there is no Chromium on this machine"),
]
PICTURES = Path(__file__).resolve().parents[2] / "build" / "page-story"
VENUE = SIMULATED["ALPACA"]
WORDS = "four words that nobody knows"
PASSPHRASE = "another sentence for the vault"
PREVIEWED = "!document.querySelector('#preview').hidden && !document.querySelector('#send').disabled"
CHOSEN = (
    "{ const s = document.querySelector('%s'); s.value = '%s'; s.dispatchEvent(new Event('change', {bubbles: true})) }"
)


@dataclass
class Story:
    """The tab of the newcomer, and the desk's address."""

    tab: Tab
    origin: str
    pictures: int = 0

    @property
    def eyes(self) -> Visit:
        """The same tab for the words of `Visit`; there is no desk in memory behind it."""
        return Visit(self.tab, None)  # type: ignore[arg-type] - only the tab is looked at

    async def at(self, path: str) -> None:
        await self.tab.until(f"location.pathname === {path!r} && document.readyState === 'complete'")

    async def open(self, path: str) -> None:
        await self.tab.open(f"{self.origin}{path}")
        await self.tab.until(READY)

    async def picture(self, name: str) -> None:
        self.pictures += 1
        await self.tab.picture(PICTURES / f"{self.pictures:02}-{name}.png")

    async def fill(self, **fields: str) -> None:
        """Write into fields by their ids."""
        for name, text in fields.items():
            await self.tab.until(f"(document.querySelector('#{name}').value = '', true)")
            await self.tab.type(f"#{name}", text)

    async def look(self, path: str) -> None:
        """Axe has nothing to say in either theme."""
        await self.open(path)
        for dark in (False, True):
            await self.tab.size(1280, 900, dark=dark)
            assert await self.eyes.findings() == [], (path, dark)


@asynccontextmanager
async def pictured(story: Story) -> AsyncIterator[None]:
    """What the page showed when something went wrong is kept, too."""
    try:
        yield
    except BaseException:
        await story.picture("trouble")
        raise


async def set_up(story: Story, token: str) -> None:
    """The token, the first user, a second factor; then in again with its code."""
    await story.tab.open(f"{story.origin}/login")
    await story.fill(token=token)
    await story.picture("sign-in")
    await story.tab.press("Enter")
    await story.at("/setup")
    await story.fill(name="ada", password=WORDS, again=WORDS)
    await story.picture("set-up")
    await story.tab.press("Enter")
    await story.at("/account")
    await story.eyes.click("[action='/account/second-factor'] button")
    await story.tab.until("document.querySelector('#secret') !== null && document.readyState === 'complete'")
    await story.picture("second-factor")
    clock = TOTP(await story.eyes.text("#secret"))
    await story.fill(code=clock.at(int(time())))
    await story.tab.press("Enter")
    await story.tab.until("document.querySelectorAll('.codes li').length > 5")
    await story.eyes.click("[action='/logout'] button")
    await story.at("/login")
    await story.fill(name="ada", password=WORDS)
    await story.tab.press("Enter")
    await story.eyes.shows("[role=alert]", "password or code is wrong")
    await story.fill(name="ada", password=WORDS, code=clock.at(int(time()) + 30))  # each code is good once
    await story.tab.press("Enter")
    await story.at("/overview")


async def connect(story: Story, venue: dict[str, Any]) -> None:
    """Make a vault, seal the simulator's key in it, and see the account."""
    await story.open("/brokers")
    await story.fill(**{"vault-word": PASSPHRASE, "vault-again": PASSPHRASE})
    await story.tab.press("Enter")
    await story.eyes.shows("#vault-standing", "unlocked")
    await story.open("/brokers?broker=ALPACA&for=sim")
    given = venue["credentials"]
    await story.fill(**{"field-BROKER_API_KEY": given["BROKER_API_KEY"], "field-BROKER_SECRET_KEY": "wrong"})
    await story.fill(**{"field-BROKER_URL": venue["rest"], "connect-name": "mistyped"})
    await story.tab.press("Enter")
    await story.eyes.shows("#connect-told", "mistyped cannot trade: credentials")
    await story.picture("connect-refused")
    await story.open("/brokers?broker=ALPACA&for=sim")
    await story.fill(**{f"field-{name}": given[name] for name in ("BROKER_API_KEY", "BROKER_SECRET_KEY")})
    await story.fill(**{"field-BROKER_URL": venue["rest"]})
    await story.tab.press("Enter")
    await story.eyes.shows("#connect-told", "alpaca-sim is fine, account PA")
    await story.picture("connected")
    await story.eyes.click("#connect-told a")
    await story.tab.until(f"location.search === '?env=sim' && {READY}")
    await story.eyes.click("[data-remove=mistyped]")
    await story.eyes.click("#ask-yes")
    await story.eyes.shows("#told", "mistyped is removed")


async def ready(story: Story) -> None:
    """The desk has taken the profile up, and trades with it."""
    await story.open("/brokers?env=sim")
    await story.tab.until("document.querySelector('[data-connection=alpaca-sim] .state')?.dataset.state === 'ready'")
    await story.picture("ready")


async def send(story: Story, amount: str, kind: str, limit: str = "") -> None:
    """Fill in the ticket, preview, send."""
    await story.fill(symbol="AAPL", amount=amount)
    await story.tab.run(CHOSEN % ("#symbol", "AAPL"))
    await story.tab.run(CHOSEN % ("#type", kind))
    if limit:
        await story.fill(limit=limit)
    await story.tab.run("document.querySelector('#amount').focus()")
    await story.tab.press("Enter")
    await story.tab.until(PREVIEWED)
    assert "ties up about" in await story.eyes.text("#verdicts")
    await story.picture(f"preview-{kind}")
    await story.tab.press("Enter", ctrl=True)
    await story.eyes.shows("#outcome", "buy AAPL")


async def trade(story: Story) -> None:
    """Place, modify, cancel; then one that fills."""
    await story.open("/trade?env=sim&profile=alpaca-sim")
    await send(story, "10", "limit", "150")
    await story.eyes.shows("#order-rows tbody", "new")
    await story.eyes.click("#order-rows th a")
    await story.tab.until(f"location.pathname.startsWith('/orders/') && {READY}")
    await story.fill(**{"change-limit": "151"})
    await story.tab.press("Enter")
    await story.eyes.shows("#order dl", "151.00")
    await story.picture("modified")
    await story.eyes.click("#order [data-cancel]")
    await story.eyes.shows("#order-status", "canceled")
    await story.picture("cancelled")
    await story.open("/trade?env=sim&profile=alpaca-sim")
    await send(story, "3", "market")
    await story.eyes.shows("#fills tbody", "AAPL")
    await story.eyes.shows("#positions tbody", "AAPL")
    await story.tab.until("document.querySelector('#chart').dataset.fills === '1'")
    await story.eyes.shows(
        "#outcome", "buy AAPL: filled, 3 at 19"
    )  # it tells what became of the order, not what it was first
    await story.picture("filled")


async def kill(story: Story) -> None:
    """Trip the switch, see that nothing goes out, reset it."""
    for level, reason, word in (("2", "a drill", "level 2"), ("0", "it is over", "off")):
        await story.tab.run(f"document.querySelector('#kill-open').click(); {CHOSEN % ('#kill-level', level)}")
        await story.fill(**{"kill-reason": reason})
        await story.tab.press("Enter")
        await story.eyes.shows("#kill-word", word)
        if level == "0":
            return
        await story.fill(symbol="AAPL", amount="1")
        await story.tab.press("Enter")
        await story.eyes.shows("#verdicts", "the kill switch is on (level 2")
        await story.picture("killed")
        await story.tab.press("Escape")


async def signal_in(story: Story) -> None:
    """Make an address for signals, and send one as another program would."""
    await story.open("/webhooks?env=sim")
    await story.fill(**{"in-name": "chart", "in-most": "10"})
    await story.tab.press("Enter")
    await story.eyes.shows("#hook-told", "Its secret, shown this once")
    told = await story.eyes.text("#hook-told")
    found = re.search(r"Signals go to (\S+)\. .*once: (\S+)", told)
    assert found is not None, told
    await story.tab.run("document.querySelector('#hook-told').textContent = ''")  # a picture is no place for a secret
    body = {"secret": found[2], "id": "bar-1", "symbol": "AAPL", "side": "buy", "quantity": "2"}
    async with httpx2.AsyncClient(timeout=30.0) as sender:
        replies = [await sender.post(found[1], json=body) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [202, 202]
    assert replies[0].json()["order"] == replies[1].json()["order"]
    await story.eyes.shows("#in tbody", "its order")
    await story.picture("signal")


async def test_a_newcomer_sets_up_connects_a_venue_trades_stops_and_takes_signals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(support, "HOLDS_WITHIN_S", 60)  # a profile settles when the machine lets it
    PICTURES.mkdir(parents=True, exist_ok=True)
    async with VENUE.served() as (simulator, line), browser_tab() as tab:
        await tab.size(1280, 900)
        async with whole_house(tmp_path / "home") as opened:
            story = Story(tab, opened.origin)
            async with pictured(story):
                await set_up(story, opened.token)
                await connect(story, line)
                await ready(story)
                await trade(story)
                await kill(story)
                await signal_in(story)
                for path in (
                    "/trade?env=sim&profile=alpaca-sim&symbol=AAPL",
                    "/brokers?env=sim",
                    "/reconciliation?env=sim",
                ):
                    await story.look(path)
        assert tab.errors == []
        strangers = (story.origin, story.origin.replace("http", "ws"), "about:", "blob:", "data:")
        assert [url for url in tab.asked if not url.startswith(strangers)] == []
        assert sorted((order["status"], order["quantity"]) for order in simulator.orders()) == [
            ("canceled", "10"),  # replaced by the next
            ("canceled", "10"),
            ("filled", "2"),
            ("filled", "3"),
        ]
