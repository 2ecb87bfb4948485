"""Remakes the pictures of the page: desks with fresh homes, first orders by line and by hand, and a headless Chromium.

`python docs/take_screenshots.py` writes the pictures of `PICTURES` and of the first order by hand into docs/assets; with
`--first` those of the first order alone.  It needs curl and a Chromium on this machine; nothing leaves the machine.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ASSETS = ROOT / "docs" / "assets"
FURTHER = (  # orders beside the first, so that pages have something to show
    {"symbol": "MSFT", "side": "buy", "type": "market", "quantity": "7"},
    {"symbol": "BTC/USD", "side": "buy", "type": "market", "quantity": "0.05"},
    {"symbol": "MSFT", "side": "sell", "type": "market", "quantity": "2", "strategy": "momentum-1"},
    {"symbol": "AAPL", "side": "buy", "type": "limit", "quantity": "5", "limit_price": "150"},
)
STARTS_WITHIN_S = 180
SETTLES_S = 1.5  # until charts are drawn and a page was rendered anew
READY = "document.documentElement.dataset.ready === 'true' && document.querySelector('#link').dataset.state === 'live'"
FILLED = "document.querySelector('#fills tbody').textContent.includes('AAPL')"
HEIGHT = "document.documentElement.scrollHeight"

sys.path.insert(0, str(ROOT))


@dataclass(frozen=True)
class Picture:
    """One picture: of which page, how wide, in which theme; `first` before the further orders are placed."""

    name: str
    path: str
    width: int = 1280
    dark: bool = False
    first: bool = False


PICTURES = (
    Picture("page-order-filled.png", "trade", first=True),
    Picture("page-order-filled-phone.png", "trade", width=390, first=True),
    Picture("page-overview.png", "overview"),
    Picture("page-overview-phone.png", "overview", width=390, dark=True),
    Picture("page-trade.png", "trade?symbol=AAPL"),
    Picture("page-symbol.png", "symbol/AAPL", dark=True),
    Picture("page-brokers.png", "brokers?broker=ALPACA"),
)

WORDS = "four words that nobody knows"  # of a desk that is gone a minute later

from tests.support.browser import Tab, browser_tab  # noqa: E402 - the driver lives beside the tests


@asynccontextmanager
async def desk(home: Path) -> AsyncIterator[dict[str, Any]]:
    """A running desk; what `floorbroker up --json` prints once it takes requests."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "floorbroker", "--json", "--quiet", "--home", str(home), "up", "--port", "0",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(STARTS_WITHIN_S):
            line = await process.stdout.readline()
        yield json.loads(line)
    finally:
        process.terminate()
        await process.wait()


async def place_first_order(line: str) -> None:
    """Run the printed line as a person would: in a shell."""
    process = await asyncio.create_subprocess_exec("bash", "-c", line, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    order = json.loads(told)
    if order.get("ord_status") != "filled":
        raise SystemExit(f"the first order was not filled: {told.decode()}")


async def sign_in(tab: Tab, page: str, token: str) -> None:
    """The token into the form, then wait until the page follows the desk."""
    await tab.open(f"{page}login")
    await tab.type("#token", token)
    await tab.press("Enter")
    await tab.until("location.pathname === '/setup'")
    await tab.open(f"{page}trade")
    await tab.until(f"({READY}) && ({FILLED})")


async def place_further(tab: Tab) -> None:
    """Orders by the session of the tab."""
    headers = {"Content-Type": "application/json", "X-Floorbroker-Request": "1"}
    for order in FURTHER:
        wish = {"method": "POST", "headers": headers, "body": json.dumps(order)}
        status = await tab.run(f"fetch('/api/v1/paper/orders', {json.dumps(wish)}).then(reply => reply.status)")
        if status != 201:
            raise SystemExit(f"an order was not placed: {status} for {order}")


async def shoot(tab: Tab, page: str, picture: Picture) -> None:
    """The whole page at its width."""
    await tab.size(picture.width, 800, dark=picture.dark)
    await tab.open(f"{page}{picture.path}")
    await tab.until(READY)
    await asyncio.sleep(SETTLES_S)
    await tab.size(picture.width, int(await tab.run(HEIGHT)), dark=picture.dark)
    await asyncio.sleep(SETTLES_S)
    await tab.picture(ASSETS / picture.name)
    print(f"wrote docs/assets/{picture.name}")


async def kept(tab: Tab, name: str) -> None:
    """What the window shows."""
    await asyncio.sleep(SETTLES_S)
    await tab.picture(ASSETS / name)
    print(f"wrote docs/assets/{name}")


async def first_order_by_hand(tab: Tab, told: dict[str, Any]) -> None:
    """The tutorial: token, first user, ticket, preview, fill; tells how long it took without the pictures' own waits."""
    began = monotonic()
    page = told["page"]
    await tab.open(f"{page}login")
    await tab.type("#token", told["token"])
    await tab.press("Enter")
    await tab.until("location.pathname === '/setup' && document.readyState === 'complete'")
    for field, text in (("name", "ada"), ("password", WORDS), ("again", WORDS)):
        await tab.type(f"#{field}", text)
    await kept(tab, "page-first-set-up.png")
    await tab.press("Enter")
    await tab.until("location.pathname === '/account' && document.readyState === 'complete'")
    await tab.open(f"{page}trade")
    await tab.until(READY)
    await tab.type("#symbol", "AAPL")
    await tab.type("#amount", "1")
    await tab.run("document.querySelector('#symbol').dispatchEvent(new Event('change', {bubbles: true}))")
    await tab.until("document.querySelector('#chart').dataset.bars > 0")
    await tab.press("Enter")
    await tab.until("!document.querySelector('#preview').hidden")
    await kept(tab, "page-first-preview.png")
    await tab.press("Enter", ctrl=True)
    await tab.until(FILLED)
    print(f"from sign-in to the first fill: {monotonic() - began - 2 * SETTLES_S:.0f} s, driven by a program")
    await kept(tab, "page-first-filled.png")
    await tab.size(390, 800, dark=True)
    await tab.run("document.querySelector('#market').scrollIntoView()")
    await kept(tab, "page-first-filled-phone.png")


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="floorbroker-pictures-") as folder:
        async with desk(Path(folder)) as told, browser_tab() as tab:
            await tab.size(1280, 900)
            await first_order_by_hand(tab, told)
    if "--first" in sys.argv:
        return
    with tempfile.TemporaryDirectory(prefix="floorbroker-pictures-") as folder:
        async with desk(Path(folder)) as told, browser_tab() as tab:
            await tab.size(1280, 800)
            await place_first_order(told["curl"])
            await sign_in(tab, told["page"], told["token"])
            for picture in (one for one in PICTURES if one.first):
                await shoot(tab, told["page"], picture)
            await place_further(tab)
            for picture in (one for one in PICTURES if not one.first):
                await shoot(tab, told["page"], picture)


if __name__ == "__main__":
    asyncio.run(main())
