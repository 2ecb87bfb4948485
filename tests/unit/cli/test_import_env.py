"""`broker import-env`: old files become profiles, every line gets a word, and no value is shown."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from floorbroker.app.home import Home
from floorbroker.domain.values import Environment
from floorbroker.vault import Vault
from tests.support.vaults import PASSPHRASE
from tests.unit.cli.running import document
from tests.unit.cli.test_brokers import DERIVE, run

OLD = """# my old bot
export ALPACA_API_KEY="PKCANARY0001"
ALPACA_SECRET_KEY=canary-5d1c99   # paper
ALPACA_PAPER=true
OANDA_ACCESS_TOKEN=canary-oanda-token
OANDA_ENVIRONMENT=practice
DATABASE_URL=postgres://me:canary-db@db/x
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    Vault.create(Home.at(folder).vault, PASSPHRASE, derive=DERIVE).lock()
    (tmp_path / "passphrase").write_text(PASSPHRASE.reveal())
    (tmp_path / "old.env").write_text(OLD)
    return folder


def words(home: Path, *more: str) -> tuple[str, ...]:
    folder = home.parent
    return ("broker", "import-env", str(folder / "old.env"), "--passphrase-file", str(folder / "passphrase"), *more)


def test_what_can_be_made_is_made_and_the_rest_is_told_by_name(home: Path) -> None:
    result = run(home, *words(home))
    assert result.exit_code == 10, result.stderr
    assert "BROKER_ACCOUNT_NUMBER: OANDA needs it" in result.stdout
    assert "not a credential of a venue" in result.stdout
    assert "canary" not in (result.stdout + result.stderr).lower()
    written = tomllib.loads((home / "floorbroker.toml").read_text())["profiles"]
    assert written["alpaca-paper"] == {"broker": "ALPACA", "environment": "paper"}
    vault = Vault.open(Home(home).vault, PASSPHRASE, derive=DERIVE)
    found = vault.read("alpaca-paper", broker="ALPACA", environment=Environment.PAPER)
    assert found["BROKER_SECRET_KEY"].reveal() == "canary-5d1c99"


def test_a_dry_run_says_the_same_and_changes_nothing(home: Path) -> None:
    result = run(home, *words(home, "--dry-run", "--json"))
    assert result.exit_code == 10
    assert "canary" not in result.stdout.lower()
    assert not (home / "floorbroker.toml").exists()
    assert Vault.open(Home(home).vault, PASSPHRASE, derive=DERIVE).records() == ()


def test_a_dry_run_refuses_what_making_it_would_refuse(home: Path) -> None:
    (home.parent / "old.env").write_text("ALPACA_API_KEY=PK1\n")
    result = run(home, *words(home, "--dry-run"))
    assert (result.exit_code, "BROKER_SECRET_KEY: Alpaca needs it" in result.stdout) == (2, True)
    assert run(home, *words(home)).exit_code == 2


def test_each_line_is_used_or_ignored_with_a_reason(home: Path) -> None:
    (home.parent / "old.env").write_text("\n".join(OLD.splitlines()[:4]))
    found = document(run(home, *words(home, "--name", "mine", "--json")))
    assert found["profiles"] == [
        {"name": "mine", "broker": "ALPACA", "environment": "paper", "state": "made", "detail": ""}
    ]
    assert [(line["line"], line["name"], line["used"]) for line in found["lines"]] == [
        (2, "ALPACA_API_KEY", True),
        (3, "ALPACA_SECRET_KEY", True),
        (4, "ALPACA_PAPER", True),
    ]


def test_a_file_without_an_account_makes_nothing(home: Path) -> None:
    (home.parent / "old.env").write_text("DATABASE_URL=postgres://x\n")
    result = run(home, *words(home))
    assert (result.exit_code, "no profile was made" in result.stderr) == (2, True)


def test_an_account_that_is_there_already_is_refused_and_stays(home: Path) -> None:
    (home.parent / "old.env").write_text("\n".join(OLD.splitlines()[:4]))
    assert run(home, *words(home)).exit_code == 0
    result = run(home, *words(home))
    assert (result.exit_code, "already" in result.stdout) == (2, True)
