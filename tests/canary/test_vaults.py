"""The same with a vault: its passphrase and what it holds are seen nowhere, neither when it opens nor when it does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.vault import Vault
from tests.canary.canaries import CANARIES
from tests.canary.scanner import Scanner
from tests.canary.test_processes import (
    GIVEN,
    TOKEN,
    ask_everything,
    begun,
    first_line,
    home_in,
    on_linux,
    repeating,
    seen_in_proc,
)
from tests.support.hostile import hostile

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(300), on_linux]

PASSPHRASE = CANARIES["passphrase of the vault"]
PROFILE = """
[profiles.alpaca-sim]
broker = "ALPACA"
environment = "sim"
url = "{url}"
"""


def _sealed(home: Path, url: str) -> None:
    vault = Vault.create(home / "broker_credentials.json.enc", Secret(PASSPHRASE))
    fields = {name: Secret(text) for name, text in GIVEN.items()}
    vault.write("alpaca-sim", broker="ALPACA", environment=Environment.SIM, fields=fields)
    vault.lock()
    with (home / "floorbroker.toml").open("a", encoding="utf-8") as file:
        file.write(PROFILE.format(url=url))


def _passphrase(folder: Path, text: str) -> Path:
    path = folder / "passphrase"
    path.write_text(f"{text}\n", "utf-8")
    path.chmod(0o600)
    return path


async def test_a_desk_with_a_vault_shows_neither_its_passphrase_nor_what_it_holds(tmp_path: Path) -> None:
    home, scanner = home_in(tmp_path), Scanner()
    words = ("--json", "-vv", "up", "--port", "0", "--passphrase-file", str(_passphrase(tmp_path, PASSPHRASE)))
    async with hostile(repeating) as venue:
        _sealed(home, venue.origin)
        async with begun(home, "", *words, with_keys=False) as desk:
            said = await ask_everything((await first_line(desk))["url"])
            found = seen_in_proc(scanner, desk.process.pid)
        assert any(GIVEN["BROKER_SECRET_KEY"] in seen.headers.values() for seen in venue.requests)
    for where, what in [*said, ("standard output", desk.out.decode()), ("standard error", desk.err.decode())]:
        found += scanner.look(what, where)
    (home / "setup-token").unlink()
    found += scanner.look_into(home)
    assert [str(hit) for hit in found] == []
    assert TOKEN not in str(said)


async def test_a_wrong_passphrase_is_not_repeated(tmp_path: Path) -> None:
    home, scanner, wrong = home_in(tmp_path), Scanner(), CANARIES["password"]
    _sealed(home, "http://127.0.0.1:9")
    words = ("-vv", "up", "--port", "0", "--passphrase-file", str(_passphrase(tmp_path, wrong)))
    async with begun(home, "", *words, with_keys=False) as desk:
        code = await asyncio.wait_for(desk.process.wait(), 60)
    found = scanner.look(desk.out + desk.err, "the terminal")
    (home / "setup-token").unlink()
    assert [str(hit) for hit in found + scanner.look_into(home)] == []
    assert code == 4, desk.err
