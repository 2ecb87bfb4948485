"""A real desk at a hostile venue: what it prints, answers, writes, and what others see of the process."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from floorbroker.web.screens import SCREENS
from tests.canary.canaries import CANARIES, ENCODINGS
from tests.canary.scanner import Hit, Scanner
from tests.support.hostile import Hostile, Peer, hostile

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked at through /proc")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio,
    pytest.mark.timeout(300),
    on_linux,
]

GIVEN = {
    "BROKER_API_KEY": CANARIES["API key"],
    "BROKER_SECRET_KEY": CANARIES["secret key with signs"],
}
TOKEN = CANARIES["token of the desk"]
VERBS = (
    ("-vv", "--timeout", "3", "doctor"),
    ("config", "show", "--origin"),
    ("--json", "-vv", "--timeout", "3", "status"),
    ("-vv", "--timeout", "3", "--env", "sim", "self-check"),
    ("-vv", "--timeout", "3", "--env", "sim", "account"),
)


async def repeating(server: Hostile, peer: Peer) -> None:
    """Every request is answered with everything that was sent, spelled in many ways."""
    while (seen := await server.next_request(peer)) is not None:
        keys = [seen.headers.get("apca-api-key-id", ""), seen.headers.get("apca-api-secret-key", "")]
        spelled = [encode(key) for key in keys for encode in ENCODINGS.values()]
        status = ("401 Unauthorized", "403 Forbidden", "200 OK", "500 Oops", "422 No")[len(server.requests) % 5]
        body = json.dumps({"message": f"unauthorized {spelled}", "code": 40110000, "id": keys[1], "status": keys[0]})
        header = f"Server: {keys[0]}\r\nX-Request-Id: {keys[1]}\r\nContent-Type: application/json\r\n"
        await peer.reply(body.encode(), status=status, headers=header)


@dataclass
class Life:
    """One process: what it was called with and what it said."""

    process: asyncio.subprocess.Process
    out: bytes = b""
    err: bytes = b""


@asynccontextmanager
async def begun(
    home: Path, venue: str, *words: str, with_keys: bool = True, extra: Mapping[str, str] = {}
) -> AsyncIterator[Life]:
    """`floorbroker WORDS` on a home, with a venue and its keys in the environment; ended when the block ends."""
    keys = {"BROKER_CODE": "ALPACA", "BROKER_URL": venue, **GIVEN} if with_keys else {}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "floorbroker", "--home", str(home), *words,
        env={"PATH": os.defpath, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1", **keys, **extra},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    life = Life(process)
    reading = asyncio.ensure_future(_kept(life))
    try:
        yield life
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 30)
        await reading


async def _kept(life: Life) -> None:
    async def keep(stream: Any, name: str) -> None:
        while chunk := await stream.read(65536):
            setattr(life, name, getattr(life, name) + chunk)

    await asyncio.gather(keep(life.process.stdout, "out"), keep(life.process.stderr, "err"))


async def first_line(life: Life) -> dict[str, Any]:
    """The document that a server prints when it is up."""
    async with asyncio.timeout(60):
        while b"\n" not in life.out:
            await asyncio.wait({asyncio.ensure_future(life.process.wait())}, timeout=0.05)
            assert life.process.returncode is None, life.err.decode()
    return json.loads(life.out.partition(b"\n")[0])


def home_in(folder: Path) -> Path:
    """A home with a token that is a canary, and the paper venue."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    (home / "setup-token").write_text(f"{TOKEN}\n", "ascii")
    (home / "setup-token").chmod(0o600)
    (home / "floorbroker.toml").write_text('[profiles.paper]\nbroker = "PAPER"\nenvironment = "paper"\n', "utf-8")
    return home


async def ask_everything(url: str) -> list[tuple[str, str]]:
    """Every GET there is, every page, orders, a kill, and the first events of a stream; what was answered."""
    said: list[tuple[str, str]] = []
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=30, trust_env=False) as http:

        async def ask(method: str, path: str, **given: Any) -> None:
            reply = await http.request(method, path, **given)
            said.append((f"{method} {path}", f"{dict(reply.headers)} {reply.text}"))

        document = (await http.get("/openapi.json")).json()
        said.append(("openapi", json.dumps(document)))
        for env, profile in (("sim", "alpaca-sim"), ("paper", "paper")):
            for path, ways in document["paths"].items():
                told = re.sub(r"\{env\}", env, path).replace("{name}", profile).replace("{id}", "none")
                if "get" in ways and "events" not in told:
                    await ask("GET", told, params=_asked(ways["get"]))
            order = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "1", "profile": profile}
            await ask("POST", f"/api/v1/{env}/orders", json=order)
            await ask("POST", f"/api/v1/{env}/orders", json={**order, "no_such": 1})
            await ask("POST", f"/api/v1/{env}/profiles/{profile}/self-check")
            await ask("POST", f"/api/v1/{env}/profiles/{profile}/reconcile")
            await ask("PUT", f"/api/v1/{env}/kill-switch", json={"level": 1, "reason": "canary"})
            async with http.stream("GET", f"/api/v1/{env}/events", params={"after": "0"}) as stream:
                async for chunk in stream.aiter_text():
                    said.append((f"{env} events", chunk))
                    break
        for path in (screen.path for screen in SCREENS if "{" not in screen.path):
            await ask("GET", path, params={"env": "sim"})
        for path in ("/", "/login", "/metrics", "/healthz", "/readyz", "/docs", "/nowhere"):
            await ask("GET", path)
    return said


def _asked(way: dict[str, Any]) -> dict[str, str]:
    known = {"symbols": "AAPL", "symbol": "AAPL", "span": "60", "market": "XNYS"}
    names = {p["name"] for p in way.get("parameters", []) if p["in"] == "query" and p.get("required")}
    return {name: known.get(name, "1") for name in names}


def seen_in_proc(scanner: Scanner, pid: int) -> list[Hit]:
    """What another program sees of a process and its children: environment and arguments."""
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    found: list[Hit] = []
    for one in (pid, *children):
        for name in ("environ", "cmdline"):
            raw = Path(f"/proc/{one}/{name}").read_bytes()
            assert raw, f"/proc/{one}/{name} tells nothing at all"
            found += scanner.look(raw, f"/proc of {'the desk' if one == pid else 'a child'}: {name}")
    return found


async def test_a_desk_at_a_venue_that_repeats_its_keys_shows_none_of_them(tmp_path: Path) -> None:
    home, scanner = home_in(tmp_path), Scanner()
    async with hostile(repeating) as venue, begun(home, venue.origin, "--json", "-vv", "up", "--port", "0") as desk:
        url = (await first_line(desk))["url"]
        said = await ask_everything(url)
        found = seen_in_proc(scanner, desk.process.pid)
        assert len(venue.requests) > 5, "the desk never asked the venue"
        assert any(GIVEN["BROKER_SECRET_KEY"] in seen.headers.values() for seen in venue.requests)
    for where, what in [*said, ("standard output", desk.out.decode()), ("standard error", desk.err.decode())]:
        found += scanner.look(what, where)
    (home / "setup-token").unlink()  # the one place where it belongs
    found += scanner.look_into(home)
    assert [str(hit) for hit in found] == []
    assert len(said) > 60
    assert b"session.state" in desk.err


async def test_verbs_at_such_a_venue_show_none_of_them(tmp_path: Path) -> None:
    home, scanner = home_in(tmp_path), Scanner()
    found: list[Hit] = []
    async with hostile(repeating) as venue:
        for words in VERBS:
            async with begun(home, venue.origin, *words) as verb:
                await asyncio.wait_for(verb.process.wait(), 60)
            found += scanner.look(verb.out + verb.err, f"floorbroker {' '.join(words)}")
            assert verb.out + verb.err, words
    (home / "setup-token").unlink()
    found += scanner.look_into(home)
    assert [str(hit) for hit in found] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BROKER_SECRET_KEY", "\x07" + CANARIES["secret key"]),
        ("BROKER_URL", f"https://me:{CANARIES['password in an address']}@venue.example"),
        ("BROKER_URL", f"https://127.0.0.1:{CANARIES['password in an address']}"),
        ("BROKER_URL", f"https://{CANARIES['password in an address']}@[broken"),
        ("FLOORBROKER_SERVER__PORT", CANARIES["token of the desk"]),
    ],
)
async def test_a_start_that_fails_repeats_no_secret(tmp_path: Path, name: str, value: str) -> None:
    home = home_in(tmp_path)
    async with begun(home, "http://127.0.0.1:9", "-vv", "up", "--port", "0", extra={name: value}) as desk:
        code = await asyncio.wait_for(desk.process.wait(), 60)
    told = desk.out + desk.err
    assert [str(hit) for hit in Scanner().look(told, "the terminal")] == [], told
    assert code == 3, told


async def test_a_secret_among_the_arguments_would_be_seen(tmp_path: Path) -> None:
    async with begun(
        home_in(tmp_path), "http://127.0.0.1:9", "up", "--port", "0", "--host", CANARIES["API key"]
    ) as desk:
        found = seen_in_proc(Scanner(), desk.process.pid)
    assert {hit.where for hit in found} >= {"/proc of the desk: cmdline"}
