"""The verbs of profiles, with and without a server: secrets come by descriptor, file or prompt, and never come out again."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from floorbroker.app.home import Home
from floorbroker.cli.settings import Settings
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.ports import AuditEntry
from floorbroker.domain.values import Environment
from floorbroker.store import JournalReader, SqliteJournal
from floorbroker.vault import Vault
from tests.support.vaults import PASSPHRASE, QuickDerivation
from tests.unit.cli.running import document, served
from tests.unit.cli.running import run as run_here

KEY, SECRET = "PKCANARY0001", "canary-5d1c99"
ALPACA = ("--broker", "ALPACA", "--env", "paper")
GIVEN = f"BROKER_API_KEY={KEY}\nBROKER_SECRET_KEY={SECRET}\n"
DERIVE = QuickDerivation()


def run(home: Path, *words: str) -> Result:
    """A command in this process, which derives keys at no cost."""
    return run_here(home, *words, handed=Settings(derive=DERIVE))


def piped(text: str) -> str:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as file:
        file.write(text)
    return str(reading)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a vault whose passphrase the configuration knows a file for."""
    folder = tmp_path / "home"
    Vault.create(Home.at(folder).vault, PASSPHRASE, derive=DERIVE).lock()
    (tmp_path / "passphrase").write_text(f"{PASSPHRASE.reveal()}\n")
    (folder / "floorbroker.toml").write_text(f'# mine\n[vault]\npassphrase_file = "{tmp_path / "passphrase"}"\n')
    return folder


def toml(home: Path) -> dict[str, Any]:
    return tomllib.loads((home / "floorbroker.toml").read_text())


def added(home: Path) -> Any:
    return document(run(home, "broker", "add", "mine", *ALPACA, "--from-fd", piped(GIVEN), "--json"))


def sealed(home: Path, name: str = "mine") -> dict[str, str]:
    vault = Vault.open(Home(home).vault, PASSPHRASE, derive=DERIVE)
    return {
        field: secret.reveal()
        for field, secret in vault.read(name, broker="ALPACA", environment=Environment.PAPER).items()
    }


def test_a_profile_is_added_from_a_descriptor_and_shows_no_secret(home: Path) -> None:
    found = added(home)
    assert (found["name"], found["environment"], found["enabled"]) == ("mine", "paper", True)
    given = {field["name"]: field["source"] for field in found["fields"]}
    assert given == {"BROKER_ACCOUNT_NUMBER": None, **dict.fromkeys(sealed(home), "vault")}
    assert sealed(home) == {"BROKER_API_KEY": KEY, "BROKER_SECRET_KEY": SECRET}
    assert toml(home)["profiles"]["mine"] == {"broker": "ALPACA", "environment": "paper"}
    assert (home / "floorbroker.toml").read_text().startswith("# mine\n")
    assert stat.S_IMODE((home / "floorbroker.toml").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (("broker", "test", "mine"), "--passphrase-fd N or --passphrase-file FILE"),
        (("broker", "export-env", "mine"), "--passphrase-fd N or --passphrase-file FILE"),
        (("vault", "verify"), "--passphrase-fd N or --passphrase-file FILE"),
        (("vault", "rotate", "--from-file", "{word}"), "--new-passphrase-fd N or --new-passphrase-file FILE"),
    ],
)
def test_a_passphrase_that_nobody_gave_is_asked_for_by_the_names_that_the_verb_has(
    home: Path, tmp_path: Path, words: tuple[str, ...], advice: str
) -> None:
    added(home)
    settings = home / "floorbroker.toml"
    settings.write_text(settings.read_text().replace("[vault]\npassphrase_file", "[vault]\n# passphrase_file"))
    result = run(home, *(word.format(word=tmp_path / "passphrase") for word in words))
    assert result.exit_code == 2
    assert advice in " ".join(result.stderr.split())
    known = run(home, *words[:2], "--help").stdout
    for name in (word for word in advice.split() if word.startswith("--")):
        assert name in known


def test_what_is_missing_is_named_where_nobody_can_be_asked(home: Path) -> None:
    result = run(home, "broker", "add", "mine", *ALPACA, "--from-fd", piped(f"BROKER_API_KEY={KEY}\n"))
    assert result.exit_code == 2
    assert "BROKER_SECRET_KEY: Alpaca needs it: Secret key" in result.stderr
    assert KEY not in result.stderr
    assert "profiles" not in toml(home)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["add", "mine", "--broker", "NOPE", "--env", "paper"], 2, "not one of ALPACA"),
        (["add", "mine", "--broker", "ALPACA"], 2, "--env paper"),
        (["add", "mine", *ALPACA, "--option", "feed"], 2, "NAME=VALUE"),
        (["add", "m/", "--broker", "PAPER", "--env", "paper"], 2, "name"),
        (["edit", "nobody", "--disable"], 5, "no profile 'nobody'"),
        (["edit", "paper"], 2, "say what to change"),
        (["test", "nobody"], 5, "no profile 'nobody'"),
        (["remove", "nobody", "--yes"], 5, "no profile 'nobody'"),
        (["rotate", "paper", "BROKER_CODE"], 2, "no secret"),
        (["import-env", "/no/such/file"], 2, "cannot be read"),
        (["fields", "NOPE"], 2, "not one of ALPACA"),
    ],
)
def test_a_wrong_word_is_told_with_its_exit_code(home: Path, words: list[str], code: int, told: str) -> None:
    result = run(home, "broker", *words)
    assert (result.exit_code, told in result.stderr) == (code, True), result.stderr


def test_a_secret_is_no_argument_and_a_file_names_secrets_alone(home: Path) -> None:
    assert run(home, "broker", "add", "mine", *ALPACA, "--api-key", KEY).exit_code == 2
    result = run(home, "broker", "add", "mine", *ALPACA, "--from-fd", piped(f"BROKER_CODE=ALPACA\n{GIVEN}"))
    assert (result.exit_code, "BROKER_CODE is no secret" in result.stderr) == (2, True)


def test_without_a_vault_the_command_that_makes_one_is_told(tmp_path: Path) -> None:
    result = run(tmp_path, "broker", "add", "mine", *ALPACA, "--from-fd", piped(GIVEN))
    assert (result.exit_code, "floorbroker vault init" in result.stderr) == (4, True)


def test_the_list_tells_who_gives_what(home: Path) -> None:
    assert [row["name"] for row in document(run(home, "broker", "list", "--json"))["items"]] == ["paper"]
    added(home)
    (home / ".env_bot").write_text(f"BROKER_CODE=ALPACA\nBROKER_API_KEY={KEY}\n")
    rows = {row["name"]: row for row in document(run(home, "broker", "list", "--json"))["items"]}
    assert {field["name"]: field["source"] for field in rows["mine"]["fields"]} == {
        "BROKER_API_KEY": ".env_bot",
        "BROKER_SECRET_KEY": "vault",
        "BROKER_ACCOUNT_NUMBER": None,
    }
    table = run(home, "broker", "list").stdout
    assert "mine" in table
    assert KEY not in table


def test_the_list_calls_missing_what_a_profile_cannot_do_without_and_nothing_else(home: Path) -> None:
    added(home)  # without the account's number, which Alpaca does not need
    config = home / "floorbroker.toml"
    bare = "".join(
        f'[profiles.{name}]\nbroker = "{code}"\nenvironment = "{environment}"\n'
        for name, code, environment in (("bare", "ALPACA", "paper"), ("tws", "IBKR", "paper"), ("far", "ALPACA", "sim"))
    )
    config.write_text(f"{config.read_text()}\n{bare}")
    told = [line.split() for line in run(home, "broker", "list").stdout.splitlines()]
    credentials = {words[0]: " ".join(words[4:6]) for words in told}
    assert credentials["mine"] == "vault -"
    assert credentials["tws"] == "none needed"
    assert credentials["bare"] == credentials["far"] == "missing missing:"
    assert " ".join(next(words for words in told if words[0] == "far")[5:]).endswith("BROKER_SECRET_KEY, BROKER_URL")


def test_what_brokers_ask_for_is_shown_from_their_own_facts(home: Path) -> None:
    (alpaca,) = document(run(home, "broker", "fields", "alpaca", "--json"))["items"]
    assert [(field["name"], field["required"]) for field in alpaca["fields"]] == [
        ("BROKER_API_KEY", True),
        ("BROKER_SECRET_KEY", True),
        ("BROKER_ACCOUNT_NUMBER", False),
        ("BROKER_URL", True),
    ]
    shown = run(home, "broker", "fields").stdout
    assert "Key ID" in shown
    assert "trading_requests_min" in shown
    assert "PAPER: Paper, which needs no credentials" in shown


def test_an_edit_and_a_removal(home: Path) -> None:
    added(home)
    assert document(run(home, "broker", "edit", "mine", "--disable", "--option", "stock_feed=sip", "--json"))[
        "options"
    ] == {"stock_feed": "sip"}
    assert toml(home)["profiles"]["mine"]["enabled"] is False
    assert run(home, "broker", "remove", "mine").exit_code == 2
    assert document(run(home, "broker", "remove", "mine", "--yes", "--json")) == {"removed": "mine"}
    assert "mine" not in toml(home)["profiles"]
    assert Vault.open(Home(home).vault, PASSPHRASE, derive=DERIVE).records() == ()


def test_a_secret_is_rotated_without_asking_the_venue_when_that_is_said(home: Path) -> None:
    added(home)
    words = ("broker", "rotate", "mine", "BROKER_SECRET_KEY", "--no-test", "--from-fd", piped("newer-canary\n"))
    found = document(run(home, *words, "--json"))
    assert (found["version"], sealed(home)["BROKER_SECRET_KEY"]) == (2, "newer-canary")


def test_a_secret_to_rotate_to_may_stand_on_its_line_as_it_does_for_a_new_profile(home: Path) -> None:
    added(home)
    lines = "BROKER_API_KEY=PKOTHER\nBROKER_SECRET_KEY=newer-canary\n"
    words = ("broker", "rotate", "mine", "BROKER_SECRET_KEY", "--no-test", "--from-fd", piped(lines))
    assert run(home, *words).exit_code == 0
    assert sealed(home)["BROKER_SECRET_KEY"] == "newer-canary"
    assert sealed(home)["BROKER_API_KEY"] != "PKOTHER"


def test_the_account_of_a_key_can_be_sealed_beside_it(home: Path) -> None:
    added(home)
    words = ("broker", "rotate", "mine", "BROKER_ACCOUNT_NUMBER", "--no-test", "--from-fd", piped("PA3XXXXXXXXX"))
    assert run(home, *words).exit_code == 0
    assert sealed(home)["BROKER_ACCOUNT_NUMBER"] == "PA3XXXXXXXXX"


def test_an_exported_file_is_what_a_desk_reads_and_its_owners_alone(home: Path, tmp_path: Path) -> None:
    added(home)
    out = tmp_path / "out.env"
    assert run(home, "broker", "export-env", "mine", "--out", str(out)).exit_code == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert set(out.read_text().splitlines()) == {"BROKER_CODE=ALPACA", *GIVEN.splitlines()}
    other = tmp_path / "container"
    other.mkdir()
    (other / ".env_bot").write_text(out.read_text())
    assert document(run(other, "config", "validate", "--json"))["profiles"] == ["paper", "alpaca-paper"]
    assert run(home, "broker", "export-env", "mine").stdout.splitlines() == out.read_text().splitlines()


def test_live_keys_are_exported_when_that_is_meant(home: Path) -> None:
    live = ("--broker", "ALPACA", "--env", "live", "--disabled")
    given = GIVEN.replace(KEY, "AKCANARY0001")
    assert run(home, "broker", "add", "real", *live, "--from-fd", piped(given)).exit_code == 0
    refused = run(home, "broker", "export-env", "real")
    assert (refused.exit_code, "--plaintext-ok" in refused.stderr, refused.stdout) == (4, True, "")
    lines = run(home, "broker", "export-env", "real", "--plaintext-ok").stdout.splitlines()
    assert {"BROKER_URL=https://api.alpaca.markets", "BROKER_PLAINTEXT_OK=1", "BROKER_API_KEY=AKCANARY0001"} < set(
        lines
    )


def test_every_act_is_in_the_journal_of_its_environment(home: Path) -> None:
    assert run(home, "status").exit_code == 0  # makes the journal
    added(home)
    run(home, "broker", "edit", "mine", "--disable")
    run(home, "broker", "export-env", "mine")
    reader = JournalReader(Home(home).journal(Environment.PAPER))
    rows = [record.entry for record in reader.read(limit=1000) if isinstance(record.entry, AuditEntry)]
    reader.close()
    acts = [(row.action, row.outcome) for row in rows if row.action.startswith("broker.") and row.profile == "mine"]
    assert acts == [
        ("broker.add", "begun"), ("broker.add", "done"), ("broker.edit", "begun"), ("broker.edit", "done"),
        ("broker.export_env", "done"),
    ]  # fmt: skip
    assert SECRET not in repr(rows)


def test_with_a_server_the_acts_go_through_its_door_and_it_says_what_it_makes_of_them(home: Path) -> None:
    with served(home):
        locked = run(home, "broker", "add", "mine", *ALPACA, "--from-fd", piped(GIVEN))
        assert (locked.exit_code, "vault" in locked.stderr) == (4, True)
        paper = ("--broker", "PAPER", "--env", "paper")
        told = run(home, "broker", "add", "second", *paper)
        assert (told.exit_code, "the desk has it: ready" in told.stderr) == (0, True), told.stderr
        settings = home / "floorbroker.toml"
        settings.write_text(settings.read_text().replace("[profiles.second]\n", "[profiles.second]\nflatten = true\n"))
        (row,) = document(run(home, "--profile", "second", "broker", "list", "--json"))["items"]
        assert (row["applies"], "goes on as it was" in row["notes"][0]) == ("the desk has it: ready", True)
        taken = run(home, "broker", "edit", "second", "--enable")
        assert (taken.exit_code, "holds from now on" in taken.stderr) == (0, True), taken.stderr
        assert "goes on as it was" not in run(home, "broker", "list").stdout
        off = run(home, "broker", "edit", "second", "--disable")
        assert (off.exit_code, "it is switched off" in off.stderr) == (0, True), off.stderr
        hers = run(home, "connect", "--profile", "second", "--env", "paper")
        assert (hers.exit_code, "switched off" in hers.stderr) == (13, True), hers.stderr
        tested = document(run(home, "broker", "test", "second", "--json"))
        assert tested["ok"] is True
        refused = run(home, "broker", "export-env", "second")
        assert refused.exit_code == 13  # its journal is the server's, so the act could not be recorded
    assert set(toml(home)["profiles"]) == {"paper", "second"}


def test_an_act_that_cannot_be_recorded_is_refused(home: Path) -> None:
    held = SqliteJournal.open(Home(home).journal(Environment.PAPER), clock=SystemClock(), environment=Environment.PAPER)
    try:
        result = run(home, "broker", "add", "mine", *ALPACA, "--from-fd", piped(GIVEN))
    finally:
        held.abandon()
    assert result.exit_code == 13
    assert "profiles" not in toml(home)
    assert Vault.open(Home(home).vault, PASSPHRASE, derive=DERIVE).records() == ()
