"""A signed-in tab of a browser that looks at a desk in memory, and what must hold of every page it saw."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import Caller
from floorbroker.oms.schema import parse_order
from tests.support.browser import Browser, Tab
from tests.support.desk_server import Served, desk_server
from tests.support.fake_desk import FakeDesk

READY = "document.documentElement.dataset.ready === 'true' && document.querySelector('#link').dataset.state === 'live'"
ME = Caller(principal="bot", via="api")
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
FINDINGS = (
    "axe.run(document, {resultTypes: ['violations'], %s}).then(found => found.violations.map("
    "v => `${v.id} (${v.impact}): ${v.nodes.map(n => n.target.join(' ')).join('; ')}`))"
)


@dataclass
class Visit:
    """The tab, and the desk it looks at."""

    tab: Tab
    served: Served

    @property
    def desk(self) -> FakeDesk:
        return self.served.desk

    async def open(self, path: str) -> None:
        """Go to a page and wait until it lives."""
        await self.tab.open(f"{self.served.origin}{path}")
        await self.tab.until(READY)

    async def place(self, answer: str = "", **changed: Any) -> str:
        """An order by somebody else; its id."""
        wish = parse_order({"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "10"} | changed)
        self.desk.answer_next = answer
        return (await self.desk.submit(wish.to_order(), profile=None, caller=ME)).order.intent_id

    async def fill_in(self, symbol: str, amount: str) -> None:
        await self.tab.type("#symbol", symbol)
        await self.tab.type("#amount", amount)

    async def text(self, selector: str) -> str:
        return await self.tab.run(f"document.querySelector({selector!r}).textContent")

    async def shows(self, selector: str, text: str) -> None:
        """Wait until an element shows a text."""
        await self.tab.until(f"document.querySelector({selector!r}).textContent.includes({text!r})")

    async def click(self, selector: str) -> None:
        """Click an element as soon as it is drawn: looked for and clicked in one go, since the page may be drawn anew."""
        await self.tab.until(f"(document.querySelector({selector!r}).click(), true)")

    async def answer(self, text: str) -> None:
        """Type into the dialog that asks, and agree."""
        await self.tab.until("document.querySelector('#ask-dialog').open")
        await self.tab.type("#ask-answer", text)
        await self.tab.press("Enter")

    async def findings(self, *rules: str) -> list[str]:
        """What axe has against the page as it stands; by some of its rules alone, where they are named."""
        if not await self.tab.run("typeof axe === 'object'"):
            await self.tab.run(AXE.read_text(encoding="utf-8"))
        return await self.tab.run(FINDINGS % (f"runOnly: {list(rules)}" if rules else ""))


@asynccontextmanager
async def visiting(
    browser: Browser, path: str = "/trade", environment: Environment = Environment.PAPER, **house: Any
) -> AsyncIterator[Visit]:
    """A visit that begins at `path`; `house` goes to `desk_server`.

    In its end nothing was blocked, no error was told, and nobody else was asked.
    """
    async with desk_server(environment, **house) as served, browser.tab() as tab:
        await tab.command("Network.setCookie", **await served.cookie())
        visit = Visit(tab, served)
        await visit.open(path)
        yield visit
        assert tab.errors == [], tab.errors
        strangers = (served.origin, served.origin.replace("http", "ws"), "about:", "blob:", "data:")
        assert [url for url in tab.asked if not url.startswith(strangers)] == []
