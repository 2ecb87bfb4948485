"""A headless Chromium over its own debugging protocol: enough to drive our page, nothing to install beside the browser."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
)  # fmt: skip
STARTS_WITHIN_S = 60
HOLDS_WITHIN_S = 45
NAVIGATIONS_MAX = 5


def chromium() -> str | None:
    """The browser of this machine, when there is one."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class PageGoneError(Exception):
    """The page a command spoke to was left while it ran."""


class Tab:
    """One page.  `errors` are uncaught exceptions, blocked content and errors in the console, as the browser reported them;
    `asked` are the addresses of everything the page asked for.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.asked: list[str] = []
        self._count = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.errors: list[str] = []
        self._reader = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        async for raw in self._socket:
            message = json.loads(raw)
            waiter = self._waiting.pop(message.get("id", -1), None)
            if waiter is not None and not waiter.done():
                waiter.set_result(message)
            elif message.get("method") == "Runtime.exceptionThrown":
                self.errors.append(json.dumps(message["params"]["exceptionDetails"])[:500])
            else:
                self._hear(message.get("method", ""), message.get("params", {}))

    def _hear(self, method: str, told: Any) -> None:
        if method == "Log.entryAdded" and told["entry"]["source"] == "security":
            self.errors.append(told["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and told["type"] in {"error", "assert"}:
            self.errors.append(json.dumps([part.get("value", part.get("description")) for part in told["args"]])[:500])
        elif method == "Network.requestWillBeSent":
            self.asked.append(told["request"]["url"])

    async def command(self, method: str, **params: Any) -> Any:
        """One protocol command; raises `AssertionError` when the browser refuses it."""
        self._count += 1
        waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[self._count] = waiter
        await self._socket.send(json.dumps({"id": self._count, "method": method, "params": params}))
        message = await asyncio.wait_for(waiter, HOLDS_WITHIN_S)
        if "navigated" in message.get("error", {}).get("message", ""):
            raise PageGoneError
        assert "error" not in message, message["error"]
        return message["result"]

    async def run(self, script: str) -> Any:
        """The value of an expression, awaited when it is a promise."""
        told = await self.command("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    async def until(self, script: str) -> Any:
        """Wait until an expression is true; the page itself watches, and a new page watches anew."""
        value = f"let v = null; try {{ v = ({script}); }} catch (early) {{ v = null; }}"  # the page may be half there
        look = f"const look = () => {{ {value} v ? done(v) : setTimeout(look, 20); }}; look();"
        for _ in range(NAVIGATIONS_MAX):
            try:
                return await self.run(f"new Promise(done => {{ {look} }})")
            except PageGoneError:
                continue
        raise AssertionError(f"the page never held still for {script}")

    async def open(self, url: str) -> None:
        """Go to an address and wait for it to be loaded; the page that is left, be it of the same path, is not taken for it."""
        await self.run("document.documentElement.dataset.left = 'true'")
        await self.command("Page.navigate", url=url)
        await self.until(
            "!document.documentElement.dataset.left && document.readyState === 'complete'"
            f" && location.href.startsWith({json.dumps(url.partition('?')[0])})"
        )

    async def press(self, key: str, *, ctrl: bool = False) -> None:
        """Press and release one key."""
        text = "\r" if key == "Enter" else key if len(key) == 1 else ""
        members = {"key": key, "code": key, "modifiers": 2 if ctrl else 0}
        if key == "Enter":
            members["windowsVirtualKeyCode"] = 13
        shown = {"text": text} if text and not ctrl else {}
        await self.command("Input.dispatchKeyEvent", type="keyDown" if shown else "rawKeyDown", **members, **shown)
        await self.command("Input.dispatchKeyEvent", type="keyUp", **members)

    async def type(self, selector: str, text: str) -> None:
        """Write into an element as soon as it is drawn and takes the focus."""
        found = f"document.querySelector({json.dumps(selector)})"
        await self.until(f"({found}.focus(), document.activeElement === {found})")
        await self.command("Input.insertText", text=text)

    async def size(self, width: int, height: int, *, dark: bool = False) -> None:
        """The window's size, and the theme the system asks for."""
        await self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        await self.command("Emulation.setEmulatedMedia", features=features)

    async def picture(self, path: Path) -> None:
        """A screenshot of what the window shows."""
        told = await self.command("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(told["data"]))

    async def close(self) -> None:
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._socket.close()


class Browser:
    """A running browser.  Each tab has a jar of cookies of its own."""

    def __init__(self, address: str, control: ClientConnection) -> None:
        self._address = address
        self._control = control
        self._count = 0

    async def _ask(self, method: str, **params: Any) -> Any:
        self._count += 1
        await self._control.send(json.dumps({"id": self._count, "method": method, "params": params}))
        async for raw in self._control:
            message = json.loads(raw)
            if message.get("id") == self._count:
                assert "error" not in message, message["error"]
                return message["result"]
        raise AssertionError("the browser went away")

    @asynccontextmanager
    async def tab(self) -> AsyncIterator[Tab]:
        """A fresh tab, gone when the block ends."""
        jar = (await self._ask("Target.createBrowserContext"))["browserContextId"]
        target = (await self._ask("Target.createTarget", url="about:blank", browserContextId=jar))["targetId"]
        page = f"{self._address.partition('/devtools/')[0]}/devtools/page/{target}"
        tab = Tab(await connect(page, max_size=None))
        for domain in ("Page", "Runtime", "Log", "Network"):
            await tab.command(f"{domain}.enable")
        try:
            yield tab
        finally:
            await tab.close()
            await self._ask("Target.disposeBrowserContext", browserContextId=jar)


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """A fresh browser, gone when the block ends."""
    program = chromium()
    assert program is not None
    home = tempfile.mkdtemp(prefix="floorbroker-browser-")
    process = await asyncio.create_subprocess_exec(
        program, *FLAGS, f"--user-data-dir={home}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(STARTS_WITHIN_S):
            address = await _debugger(process)
        async with connect(address, max_size=None) as control:
            yield Browser(address, control)
    finally:
        process.kill()
        await process.communicate()
        shutil.rmtree(home, ignore_errors=True)


@asynccontextmanager
async def browser_tab() -> AsyncIterator[Tab]:
    """A fresh browser with one tab, gone when the block ends."""
    async with browser() as running, running.tab() as tab:
        yield tab


async def _debugger(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async for line in process.stderr:
        _, found, address = line.decode(errors="replace").partition("DevTools listening on ")
        if found:
            return address.strip()
    raise AssertionError("the browser did not start")
