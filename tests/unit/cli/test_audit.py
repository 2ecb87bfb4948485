"""The audit's verbs, on a home that a desk lived in."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from floorbroker.app.escrow import put_away
from floorbroker.app.home import Home
from floorbroker.app.proving import Given, log_at
from floorbroker.cli.first_keys import ABSENT, QUESTION, UNASKED, FirstKeys
from floorbroker.cli.passphrases import Given as Words
from floorbroker.cli.settings import Settings
from floorbroker.domain.errors import WrongPassphrase
from floorbroker.domain.values import Environment
from floorbroker.store.audit.places import Places
from floorbroker.vault import Vault
from tests.support.vaults import PASSPHRASE, QuickDerivation
from tests.unit.cli.running import Server, at_a_terminal, document, run, served


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which an order was filled; nobody changes it."""
    home = tmp_path_factory.mktemp("home")
    assert run(home, "buy", "AAPL", "5", "--wait").exit_code == 0
    return home


@pytest.fixture
def home(lived: Path, tmp_path: Path) -> Path:
    """The same, to do things to."""
    copied = tmp_path / "home"
    copied.mkdir()
    for path in lived.rglob("*"):
        target = copied / path.relative_to(lived)
        target.mkdir() if path.is_dir() else target.write_bytes(path.read_bytes())
    return copied


def submitted(home: Path) -> int:
    """The record of the order that was sent."""
    lines = (home / "audit" / "paper-000001.jsonl").read_bytes().splitlines()
    return next(int(read["seq"]) for read in map(json.loads, lines) if read.get("action") == "order.submit")


def tamper(home: Path, old: bytes = b'"symbol":"AAPL"') -> None:
    path = home / "audit" / "paper-000001.jsonl"
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, b'"symbol":"AMZN"', 1))


def test_a_sound_audit_is_said_to_be_sound_and_by_what(home: Path) -> None:
    told = run(home, "audit", "verify")
    assert told.exit_code == 0
    assert told.stdout.startswith("paper: sound: records 1 to ")
    assert "by the MAC of every record" in told.stdout
    (verdict,) = document(run(home, "--json", "audit", "verify"))["environments"]
    assert (verdict["ok"], verdict["finding"], verdict["waiting"]) == (True, None, 0)


def test_tampering_is_exit_code_11_and_names_the_record(home: Path) -> None:
    seq = submitted(home)
    tamper(home)
    told = run(home, "audit", "verify")
    assert told.exit_code == 11
    assert told.stdout.startswith(f"paper: NOT SOUND: changed at record {seq}, paper-000001.jsonl:{seq + 1}")
    answer = json.loads(run(home, "--json", "audit", "verify").stdout)
    assert (answer["ok"], answer["environments"][0]["finding"]["seq"]) == (False, seq)


def test_a_first_key_that_was_handed_over_is_used_and_never_shown(home: Path) -> None:
    first = home / "audit" / "paper.first"
    key = first.read_text()
    first.unlink()
    assert "the MACs were not looked at" in run(home, "audit", "verify").stdout
    reading, writing = os.pipe()
    os.write(writing, key.encode())
    os.close(writing)
    told = run(home, "audit", "verify", "--k0-fd", str(reading))
    os.close(reading)
    assert "with the first key that was handed over" in told.stdout
    assert key.strip() not in told.output


# -- a first key that the vault keeps -----------------------------------------------------------------------------------------


def guarded(home: Path) -> str:
    """Make a vault that has the first key, as a desk does once it is unlocked; the key."""
    places = Places(home / "audit", Environment.PAPER)
    key = places.first.read_text().strip()
    vault = Vault.create(Home.at(home).vault, PASSPHRASE, derive=QuickDerivation())
    put_away(vault, places, log_at(places, Given()))
    vault.lock()
    return key


def asked(home: Path, *words: str) -> Result:
    """The verb with a derivation that costs nothing."""
    return run(home, *words, handed=Settings(derive=QuickDerivation()))


def piped(text: str) -> str:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as file:
        file.write(text)
    return str(reading)


def test_the_first_key_is_read_from_the_vault_and_never_shown(home: Path, tmp_path: Path) -> None:
    key, words = guarded(home), tmp_path / "words"
    words.write_text(f"{PASSPHRASE.reveal()}\n")
    for said in (["--passphrase-file", str(words)], ["--passphrase-fd", piped(PASSPHRASE.reveal())]):
        told = asked(home, "audit", "verify", *said)
        assert told.exit_code == 0
        assert "by the MAC of every record, with the first key that the vault keeps" in told.stdout
        assert key not in told.output
        assert PASSPHRASE.reveal() not in told.output
    seq = submitted(home)
    tamper(home)
    told = asked(home, "audit", "verify", "--passphrase-file", str(words))
    assert (told.exit_code, f"changed at record {seq}," in told.stdout) == (11, True)


def test_the_configured_passphrase_is_used_without_asking(home: Path, tmp_path: Path) -> None:
    guarded(home)
    (tmp_path / "words").write_text(PASSPHRASE.reveal())
    (home / "floorbroker.toml").write_text(f'[vault]\npassphrase_file = "{tmp_path / "words"}"\n')
    (verdict,) = document(asked(home, "--json", "audit", "verify"))["environments"]
    assert verdict["used"][0] == "the MAC of every record, with the first key that the vault keeps"


def test_without_its_passphrase_the_rest_is_proven_and_told_so(home: Path) -> None:
    guarded(home)
    told = asked(home, "audit", "verify")
    assert told.exit_code == 0
    assert "the vault keeps the first key, and its passphrase was not given (--passphrase-fd" in told.stdout
    assert "by the signed checkpoints" in told.stdout
    (verdict,) = document(asked(home, "--json", "audit", "verify"))["environments"]
    assert verdict["ok"]
    assert any("the MACs were not looked at" in remark for remark in verdict["remarks"])


def test_a_wrong_passphrase_verifies_nothing(home: Path) -> None:
    guarded(home)
    told = asked(home, "audit", "verify", "--passphrase-fd", piped("not the right passphrase"))
    assert (told.exit_code, told.stdout) == (4, "")
    assert "wrong passphrase" in told.stderr
    assert "not the right passphrase" not in told.output


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of POSIX")
def test_a_person_is_asked_once_and_may_leave_it_empty(home: Path) -> None:
    told, code = at_a_terminal(home, ["audit", "verify"], [])
    assert (code, "Passphrase" in told) == (0, False)  # no vault: nothing to ask for
    guarded(home)
    told, code = at_a_terminal(home, ["audit", "verify"], [""])
    assert code == 0
    assert told.count(QUESTION) == 1
    assert UNASKED in told


def test_a_key_of_another_chain_or_environment_is_not_asked_for(home: Path) -> None:
    guarded(home)
    wrong = Words(int(piped("not the right passphrase")))
    keys = FirstKeys(Settings(derive=QuickDerivation()), Home.at(home), wrong)
    assert keys.of(Environment.PAPER, "f" * 64) == (None, ABSENT)
    log = log_at(Places(home / "audit", Environment.PAPER), Given())
    assert keys.of(Environment.LIVE, log) == (None, ABSENT)
    with pytest.raises(WrongPassphrase):
        keys.of(Environment.PAPER, log)


def test_the_record_of_the_first_key_is_no_profile(home: Path) -> None:
    guarded(home)
    assert "audit-paper" not in [found["name"] for found in document(asked(home, "--json", "broker", "list"))["items"]]
    for words in (["--yes", "broker", "remove"], ["broker", "test"], ["broker", "export-env"]):
        told = asked(home, *words, "audit-paper")  # nobody is asked for a passphrase first
        assert (told.exit_code, "no profile 'audit-paper'" in told.stderr) == (5, True)
    record = document(asked(home, "--json", "vault", "status"))["records"][0]
    assert (record["profile"], record["broker"]) == ("audit-paper", "AUDIT")


@pytest.mark.parametrize("text", ["", "00", "x" * 64, "00" * 40])
def test_a_first_key_that_is_none_is_refused_without_showing_it(home: Path, text: str) -> None:
    reading, writing = os.pipe()
    os.write(writing, text.encode())
    os.close(writing)
    told = run(home, "audit", "verify", "--k0-fd", str(reading))
    os.close(reading)
    assert told.exit_code == 3
    assert "64 lower-case hexadecimal digits" in told.stderr
    assert not text or text not in told.stderr


def test_somebody_else_verifies_a_folder_with_the_public_key(home: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for name in ("paper-000001.jsonl",):
        (theirs / name).write_bytes((home / "audit" / name).read_bytes())
    key = tmp_path / "desk.pub"
    key.write_bytes((home / "audit" / "paper.pub").read_bytes())
    words = ["audit", "verify", "--folder", str(theirs), "--public-key", str(key)]
    told = run(tmp_path / "elsewhere", *words)
    assert (told.exit_code, f"with the public key of {key}" in told.stdout) == (0, True)
    assert "journal" not in told.stdout
    path = theirs / "paper-000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"symbol":"AAPL"', b'"symbol":"AMZN"', 1))
    assert run(tmp_path / "elsewhere", *words).exit_code == 11


def test_one_record_is_proven_to_somebody_with_the_public_key_alone(home: Path, tmp_path: Path) -> None:
    proof, key = tmp_path / "proof.json", str(home / "audit" / "paper.pub")
    assert run(home, "audit", "export", "--seq", str(submitted(home)), "--out", str(proof)).exit_code == 0
    told = run(tmp_path / "elsewhere", "audit", "verify", "--proof", str(proof), "--public-key", key)
    assert told.exit_code == 0
    assert told.stdout.startswith("proven: this record is one of the ")
    assert '"symbol":"AAPL"' in told.stdout
    proof.write_bytes(proof.read_bytes().replace(b"AAPL", b"AMZN"))
    told = run(tmp_path / "elsewhere", "--json", "audit", "verify", "--proof", str(proof), "--public-key", key)
    assert (told.exit_code, json.loads(told.stdout)["ok"]) == (11, False)


def test_a_checkpoint_is_proven_to_go_on_from_an_older_one(home: Path, tmp_path: Path) -> None:
    size = document(run(home, "--json", "audit", "verify"))["environments"][0]["last"]
    assert run(home, "buy", "MSFT", "1", "--wait").exit_code == 0
    proof = tmp_path / "proof.json"
    assert run(home, "audit", "export", "--extends", str(size), "-o", str(proof)).exit_code == 0
    told = run(home, "audit", "verify", "--proof", str(proof), "--public-key", str(home / "audit" / "paper.pub"))
    assert f"begin with the {size} that were signed at" in told.stdout


def test_records_are_exported_by_time(home: Path, tmp_path: Path) -> None:
    everything = run(home, "audit", "export", "--since", "2020-01-01").stdout.splitlines()
    assert [json.loads(line)["seq"] for line in everything] == [str(n + 1) for n in range(len(everything))]
    assert run(home, "audit", "export", "--until", "2020-01-01T00:00:00Z").stdout == ""
    file = tmp_path / "rows.jsonl"
    assert run(home, "audit", "export", "-o", str(file)).exit_code == 0
    assert file.read_text().splitlines() == everything
    assert run(home, "audit", "export", "-o", str(file)).exit_code == 2  # an existing file is not written over


@pytest.mark.parametrize(
    ("words", "exit_code", "told"),
    [
        (["verify", "--env", "moon"], 2, "moon"),
        (["verify", "--env", "live"], 5, "no audit of live"),
        (["verify", "--folder", "/nowhere"], 5, "no audit in /nowhere"),
        (["verify", "--public-key", "/nowhere"], 3, "/nowhere"),
        (["verify", "--proof", "/nowhere"], 2, "--public-key"),
        (["verify", "--proof", "/nowhere", "--public-key", "/nowhere"], 2, "/nowhere"),
        (["verify", "--k0-fd", "999"], 2, "--k0-fd 999"),
        (["export", "--seq", "1", "--extends", "1"], 2, "--seq and --extends"),
        (["export", "--seq", "9999"], 5, "no checkpoint covers record 9999 yet"),
        (["export", "--extends", "9999"], 5, "newest checkpoint is over"),
        (["export", "--since", "yesterday"], 2, "yesterday"),
        (["restart", "--reason", " "], 2, "--reason"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_exit_code(
    lived: Path, words: list[str], exit_code: int, told: str
) -> None:
    result = run(lived, "audit", *words)
    assert (result.exit_code, told in result.stderr) == (exit_code, True), result.output


def test_a_proof_of_files_that_are_not_sound_is_not_made(home: Path) -> None:
    tamper(home)
    result = run(home, "audit", "export", "--seq", "1")
    assert (result.exit_code, "not sound at record 1" in result.stderr) == (11, True)


def test_a_broken_chain_is_put_aside_and_the_next_start_begins_another(home: Path) -> None:
    (home / "audit" / "paper.key").unlink()
    refused = run(home, "buy", "AAPL", "1")
    assert (refused.exit_code, "floorbroker audit restart" in refused.stderr) == (8, True), refused.output
    assert run(home, "audit", "restart", "--reason", "the key was lost").stdout.startswith(
        "the old chain stands in audit/paper-aside-001"
    )
    assert run(home, "buy", "AAPL", "1", "--wait").exit_code == 0
    verdict = document(run(home, "--json", "audit", "verify"))["environments"][0]
    assert (verdict["ok"], verdict["first"]) == (True, 1)
    assert b'"action":"audit.restart"' in (home / "audit" / "paper-000001.jsonl").read_bytes()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("served")) as running:
        yield running


def test_a_running_server_verifies_over_rest_and_beside_the_command(server: Server) -> None:
    reply = server._http.post("/api/v1/audit/verify").raise_for_status().json()  # noqa: SLF001 - a path above the environment
    assert (reply["ok"], reply["environment"], reply["finding"]) == (True, "paper", None)
    assert reply["records"] > 0
    assert run(server.home, "audit", "verify").exit_code == 0
    assert run(server.home, "audit", "restart", "--reason", "x").exit_code == 13
