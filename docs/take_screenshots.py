"""Remakes the pictures of the page: a desk with a fresh home, the printed first order, and a headless Chromium.

`python docs/take_screenshots.py` writes docs/assets/page-order-filled.png (1280 wide) and page-order-filled-phone.png (390
wide).  It needs curl and a Chromium on this machine; nothing leaves the machine.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ASSETS = ROOT / "docs" / "assets"
PICTURES = {"page-order-filled.png": 1280, "page-order-filled-phone.png": 390}
STARTS_WITHIN_S = 60
READY = "document.documentElement.dataset.ready === 'true' && document.querySelector('#link').dataset.state === 'live'"
FILLED = "document.querySelector('#fills tbody').textContent.includes('AAPL')"
HEIGHT = "document.documentElement.scrollHeight"

sys.path.insert(0, str(ROOT))

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
            yield json.loads(await process.stdout.readline())
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


async def shoot(tab: Tab, path: Path, width: int) -> None:
    """The whole page at this width, in the light theme."""
    await tab.size(width, 100)
    await tab.size(width, int(await tab.run(HEIGHT)))
    await tab.picture(path)


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="floorbroker-pictures-") as folder:
        async with desk(Path(folder)) as told, browser_tab() as tab:
            await tab.size(1280, 800)
            await place_first_order(told["curl"])
            await sign_in(tab, told["page"], told["token"])
            for name, width in PICTURES.items():
                await shoot(tab, ASSETS / name, width)
                print(f"wrote docs/assets/{name}")


if __name__ == "__main__":
    asyncio.run(main())
