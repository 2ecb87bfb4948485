"""The verbs of the vault, with and without a server; a passphrase comes by descriptor, file or prompt, never as an argument."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import Result

from floorbroker.app.floor import Outside
from floorbroker.app.home import Home
from floorbroker.cli.main import app
from floorbroker.cli.settings import Settings
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.ports import AuditEntry
from floorbroker.store import JournalReader, SqliteJournal
from floorbroker.vault import Scrypt, Vault
from tests.support.vaults import OTHER, PAPER, PASSPHRASE, SIM, QuickDerivation, secrets
from tests.unit.cli.running import at_a_terminal, document, served, start
from tests.unit.cli.running import run as run_here

GOOD, NEW = PASSPHRASE.reveal(), OTHER.reveal()


def run(home: Path, *words: str) -> Result:
    """A command in this process, which derives keys at no cost; those in processes of their own pay the price."""
    return run_here(home, *words, handed=Settings(derive=QuickDerivation()))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def words(tmp_path: Path) -> Callable[[str], str]:
    """A file with a passphrase in it."""

    def write(text: str) -> str:
        path = tmp_path / f"words-{len(list(tmp_path.iterdir()))}"
        path.write_text(f"{text}\n")
        return str(path)

    return write


def piped(text: str) -> str:
    """A descriptor that gives a passphrase."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as file:
        file.write(text)
    return str(reading)


def made(home: Path) -> Vault:
    vault = Vault.create(Home.at(home).vault, PASSPHRASE, derive=QuickDerivation())
    vault.write("alpaca-paper", broker="ALPACA", environment=PAPER, fields=secrets(BROKER_API_KEY="canary"))
    return vault


def test_a_vault_is_made_from_a_descriptor_and_its_answer_holds_no_passphrase(home: Path) -> None:
    result = run(home, "vault", "init", "--passphrase-fd", piped(GOOD), "--json")
    found = document(result)
    assert (found["standing"], found["generation"], found["log2n"]) == ("locked", 1, 18)
    assert GOOD not in result.output
    assert (home / "broker_credentials.json.enc").stat().st_mode & 0o777 == 0o600


def test_a_dearer_vault_can_be_made_and_a_cheaper_one_cannot(home: Path) -> None:
    assert run(home, "vault", "init", "--log2n", "17", "--passphrase-fd", piped(GOOD)).exit_code == 2
    assert (
        document(run(home, "vault", "init", "--log2n", "20", "--passphrase-fd", piped(GOOD), "--json"))["log2n"] == 20
    )


def test_a_second_vault_is_refused_before_anybody_is_asked(home: Path) -> None:
    made(home)
    result = run(home, "vault", "init")
    assert result.exit_code == 13
    assert "move it away first" in result.stderr


@pytest.mark.parametrize("verb", ["unlock", "verify", "rotate"])
def test_without_a_vault_the_error_says_how_to_make_one(home: Path, verb: str) -> None:
    result = run(home, "vault", verb)
    assert result.exit_code == 5
    assert "floorbroker vault init" in result.stderr


def test_where_nobody_can_be_asked_a_missing_passphrase_is_a_usage_error(home: Path) -> None:
    made(home)
    result = run(home, "vault", "unlock")
    assert result.exit_code == 2
    assert "--passphrase-fd" in result.stderr


def test_a_wrong_passphrase_is_exit_code_four_and_is_not_repeated(home: Path, words: Callable[[str], str]) -> None:
    made(home)
    result = run(home, "vault", "unlock", "--passphrase-file", words("certainly not this one"))
    assert result.exit_code == 4
    assert "wrong passphrase, or the file was changed" in result.stderr
    assert "certainly" not in result.output


def test_two_places_for_one_passphrase_are_refused(home: Path, words: Callable[[str], str]) -> None:
    made(home)
    result = run(home, "vault", "unlock", "--passphrase-fd", "0", "--passphrase-file", words(GOOD))
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("content", "told"), [(b"", "is empty"), (b"\xff\xfe", "UTF-8"), (b"x" * 9000, "no passphrase")]
)
def test_a_passphrase_file_with_nothing_of_use_in_it_is_named(
    home: Path, tmp_path: Path, content: bytes, told: str
) -> None:
    made(home)
    (tmp_path / "odd").write_bytes(content)
    result = run(home, "vault", "unlock", "--passphrase-file", str(tmp_path / "odd"))
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_missing_passphrase_file_is_named(home: Path, tmp_path: Path) -> None:
    made(home)
    result = run(home, "vault", "unlock", "--passphrase-file", str(tmp_path / "absent"))
    assert (result.exit_code, "absent" in result.stderr) == (3, True)


def test_status_needs_no_passphrase_and_says_whose_records_there_are(home: Path) -> None:
    told = document(run(home, "vault", "status", "--json"))
    assert (told["standing"], told["reason"]) == ("absent", "there is none yet: floorbroker vault init")
    made(home)
    found = document(run(home, "vault", "status", "--json"))
    assert found["records"] == [
        {
            "profile": "alpaca-paper",
            "broker": "ALPACA",
            "environment": "paper",
            "version": 1,
            "fields": ["BROKER_API_KEY"],
        }
    ]
    assert "BROKER_API_KEY" in run(home, "vault", "status").stdout


def test_verify_opens_every_record_and_changes_nothing(home: Path, words: Callable[[str], str]) -> None:
    made(home)
    before = Home.at(home).vault.read_bytes()
    found = document(run(home, "vault", "verify", "--passphrase-file", words(GOOD), "--json"))
    assert (found["opened"], found["generation"], found["remembered"]) == (1, 2, None)
    assert Home.at(home).vault.read_bytes() == before
    Home.at(home).vault.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    assert run(home, "vault", "verify", "--passphrase-file", words(GOOD)).exit_code == 4


def test_a_rotation_changes_the_passphrase(home: Path, words: Callable[[str], str]) -> None:
    made(home)
    run(home, "vault", "rotate", "--passphrase-file", words(GOOD), "--new-passphrase-fd", piped(NEW))
    assert run(home, "vault", "unlock", "--passphrase-file", words(GOOD)).exit_code == 4
    assert run(home, "vault", "unlock", "--passphrase-file", words(NEW)).exit_code == 0
    assert (
        run(home, "vault", "rotate", "--passphrase-file", words(NEW), "--new-passphrase-file", words(NEW)).exit_code
        == 2
    )


def test_an_older_file_is_refused_until_a_person_accepts_it_and_both_are_recorded(
    home: Path, words: Callable[[str], str]
) -> None:
    made(home)
    _journal(home)
    run(home, "vault", "unlock", "--passphrase-file", words(GOOD))
    old = Home.at(home).vault.read_bytes()
    run(home, "vault", "rotate", "--passphrase-file", words(GOOD), "--new-passphrase-file", words(NEW))
    Home.at(home).vault.write_bytes(old)
    refused = run(home, "vault", "unlock", "--passphrase-file", words(GOOD))
    assert (refused.exit_code, "--accept-older" in refused.stderr) == (4, True)
    assert run(home, "vault", "verify", "--passphrase-file", words(GOOD)).exit_code == 4
    document(run(home, "vault", "unlock", "--accept-older", "--passphrase-file", words(GOOD), "--json"))
    assert document(run(home, "vault", "verify", "--passphrase-file", words(GOOD), "--json"))["remembered"] == 4
    assert [f"{row.action} {row.outcome} {row.via}" for row in _rows(home)][-3:] == [
        "vault.unlock refused cli",
        "vault.accept_older begun cli",
        "vault.accept_older done cli",
    ]


def test_no_verb_takes_a_passphrase_as_an_argument() -> None:
    words = {
        name
        for verb in get_command(app).commands["vault"].commands.values()  # type: ignore[attr-defined]
        for option in verb.params
        for name in option.opts
    }
    assert words >= {"--passphrase-fd", "--passphrase-file", "--new-passphrase-fd", "--keep"}
    assert not [name for name in words if name in {"--passphrase", "--password", "--secret", "passphrase"}]


def test_no_configuration_can_choose_the_derivation_or_its_cost(home: Path) -> None:
    assert type(Settings().outside().derive) is Scrypt
    assert type(Outside().derive) is Scrypt
    Home.at(home).config.write_text("[vault]\nlog2n = 10\n")
    assert run(home, "vault", "status").exit_code == 3
    Home.at(home).config.write_text('[vault]\nderive = "fast"\n')
    assert run(home, "vault", "status").exit_code == 3


# -- with a server ------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_with_a_server_the_acts_go_through_its_door(home: Path, words: Callable[[str], str]) -> None:
    with served(home):
        found = document(run(home, "vault", "init", "--passphrase-file", words(GOOD), "--json"))
        assert found["standing"] == "unlocked"
        assert document(run(home, "vault", "lock", "--json"))["standing"] == "locked"  # nothing was lent: no grace
        codes: list[str] = []
        while codes[-1:] != [
            "rate_limit_exceeded"
        ]:  # each wrong one makes the wait longer; a slow machine outlasts a short one
            wrong = run(home, "vault", "unlock", "--passphrase-file", words("certainly not this one"), "--json")
            codes.append(json.loads(wrong.stderr)["code"])
            assert len(codes) < 8
        assert codes[:-1] == ["vault_refused"] * (len(codes) - 1) != []
        rows = [f"{row.action} {row.outcome}" for row in _rows(home) if row.action.startswith("vault")]
        assert rows == [
            "vault.init begun",
            "vault.init done",
            "vault.lock done",
            *["vault.unlock refused"] * (len(codes) - 1),
        ]


@pytest.mark.slow
def test_a_desk_reads_its_passphrase_from_a_descriptor_and_a_wrong_one_ends_the_start(
    home: Path, tmp_path: Path, words: Callable[[str], str]
) -> None:
    Home.at(home).config.write_text(
        '[profiles.a]\nbroker = "ALPACA"\nenvironment = "sim"\nurl = "http://127.0.0.1:9"\n'
    )
    real = start("--home", str(home), "vault", "init", "--passphrase-file", words(GOOD))
    real.communicate(timeout=60)
    assert real.returncode == 0
    _with_record(home, words)
    process = start("--home", str(home), "up", "--port", "0", "--passphrase-file", words("certainly not this one"))
    told = process.communicate(timeout=60)[1]
    assert process.returncode == 4
    assert "wrong passphrase" in told
    assert "certainly" not in told
    with served(home, "--passphrase-file", words(GOOD)):
        assert document(run(home, "vault", "status", "--json"))["standing"] == "unlocked"
    with served(home):
        assert document(run(home, "vault", "status", "--json"))["standing"] == "locked"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of POSIX")
def test_at_a_terminal_the_passphrase_is_asked_for_twice_and_not_shown(home: Path) -> None:
    told, code = at_a_terminal(home, ["vault", "init"], [GOOD, GOOD])
    assert code == 0
    assert GOOD not in told
    assert "The same again" in told
    assert Vault.open(Home.at(home).vault, PASSPHRASE).generation == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of POSIX")
def test_two_different_answers_make_no_vault(home: Path) -> None:
    told, code = at_a_terminal(home, ["vault", "init"], [GOOD, NEW])
    assert (code, "not the same" in told) == (2, True)
    assert not Home.at(home).vault.exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of POSIX")
def test_a_desk_that_a_person_starts_asks_for_the_passphrase_and_again_after_a_wrong_one(home: Path) -> None:
    Home.at(home).config.write_text(
        '[profiles.a]\nbroker = "ALPACA"\nenvironment = "sim"\nurl = "http://127.0.0.1:9"\n'
    )
    vault = Vault.create(Home.at(home).vault, PASSPHRASE, derive=Scrypt())
    fields = secrets(BROKER_API_KEY="canary-1", BROKER_SECRET_KEY="canary-2")
    vault.write("a", broker="ALPACA", environment=SIM, fields=fields)
    told, code = at_a_terminal(home, ["status"], ["certainly not this one", GOOD])
    assert code == 0
    assert "wrong passphrase, or the file was changed" in told
    assert "locked" not in told
    told, code = at_a_terminal(home, ["--yes", "status"], [])
    assert code == 0
    assert "locked" in told


def _with_record(home: Path, words: Callable[[str], str]) -> None:
    vault = Vault.open(Home.at(home).vault, PASSPHRASE, derive=Scrypt())
    fields = secrets(BROKER_API_KEY="canary-1", BROKER_SECRET_KEY="canary-2")
    vault.write("a", broker="ALPACA", environment=SIM, fields=fields)


def _journal(home: Path) -> None:
    SqliteJournal.open(Home.at(home).journal(PAPER), clock=SystemClock(), environment=PAPER).abandon()


def _rows(home: Path) -> list[AuditEntry]:
    reader = JournalReader(Home.at(home).journal(PAPER))
    try:
        return [record.entry for record in reader.replay() if isinstance(record.entry, AuditEntry)]
    finally:
        reader.close()
