"""The opened vault: what goes in comes out for its place alone, and every change makes a whole new file."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from floorbroker.domain.errors import (
    Conflict,
    InvalidRequest,
    JournalFault,
    NotFound,
    VaultLocked,
    VaultRefused,
    VaultRolledBack,
    WrongPassphrase,
)
from floorbroker.domain.secret import Secret
from floorbroker.vault import Around, Known, SystemFiles, Vault
from floorbroker.vault.format import Header, Kek, parse
from floorbroker.vault.keys import MAX_WRAPS
from tests.support.vaults import (
    LIVE,
    OTHER,
    PAPER,
    PASSPHRASE,
    DyingFiles,
    QuickDerivation,
    around,
    make,
    repeatable,
    secrets,
)

KEYS = secrets(BROKER_API_KEY="PK-canary-1", BROKER_SECRET_KEY="very-canary-2")
posix = pytest.mark.skipif(sys.platform == "win32", reason="modes are those of POSIX")


def reopened(vault: Vault, passphrase: Secret = PASSPHRASE, **more: object) -> Vault:
    return Vault.open(vault.path, passphrase, around=around(9), **more)  # type: ignore[arg-type]


class ReadOnlyFiles(SystemFiles):
    """A vault on a medium that takes no writes."""

    def create(self, path: Path) -> int:
        raise OSError(30, "Read-only file system")


def header_of(path: Path) -> Header:
    return parse(path.read_bytes()).header


def filled(folder: Path) -> Vault:
    vault = make(folder)
    vault.write("alpaca-paper", broker="ALPACA", environment=PAPER, fields=KEYS)
    return vault


def test_what_was_written_is_read_after_opening_again(tmp_path: Path) -> None:
    vault = reopened(filled(tmp_path))
    assert vault.read("alpaca-paper", broker="ALPACA", environment=PAPER) == KEYS


def test_any_text_comes_back_as_it_was(tmp_path: Path) -> None:
    vault = make(tmp_path)
    odd = secrets(BROKER_SECRET_KEY='-----BEGIN KEY-----\n"\\\t\u20ac\U0001f511\x00\n', BROKER_PASSWORD="x" * 16_384)
    vault.write("odd", broker="KRAKEN", environment=LIVE, fields=odd)
    assert reopened(vault).read("odd", broker="KRAKEN", environment=LIVE) == odd


def test_no_value_and_no_passphrase_stands_in_the_file(tmp_path: Path) -> None:
    raw = filled(tmp_path).path.read_bytes()
    assert b"canary" not in raw
    assert b"horse" not in raw


@posix
def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    assert filled(tmp_path).path.stat().st_mode & 0o777 == 0o600


def test_records_tell_whose_they_are_and_never_a_value(tmp_path: Path) -> None:
    vault = filled(tmp_path)
    vault.write("alpaca-paper", broker="ALPACA", environment=PAPER, fields=KEYS)
    (info,) = reopened(vault).records()
    assert (info.profile, info.broker, info.environment, info.version) == ("alpaca-paper", "ALPACA", PAPER, 2)
    assert info.fields == ("BROKER_API_KEY", "BROKER_SECRET_KEY")
    assert "canary" not in repr(info) + repr(vault)


def test_each_version_of_a_record_has_a_data_key_of_its_own(tmp_path: Path) -> None:
    vault = filled(tmp_path)
    first = header_of(vault.path).records[0]
    vault.write("alpaca-paper", broker="ALPACA", environment=PAPER, fields=KEYS)
    second = header_of(vault.path).records[0]
    assert first.id == second.id
    assert first.dek != second.dek
    assert (first.version, second.version) == (1, 2)


def test_the_size_of_a_record_does_not_tell_how_long_its_secret_is(tmp_path: Path) -> None:
    vault = make(tmp_path)
    for name, text in (("a", "short"), ("b", "x" * 200)):
        vault.write(name, broker="ALPACA", environment=PAPER, fields=secrets(BROKER_API_KEY=text))
    assert len({entry.size for entry in header_of(vault.path).records}) == 1


@pytest.mark.parametrize(
    "place", [("other", "ALPACA", PAPER), ("alpaca-paper", "KRAKEN", PAPER), ("alpaca-paper", "ALPACA", LIVE)]
)
def test_a_record_is_found_for_its_own_profile_broker_and_environment_alone(tmp_path: Path, place: tuple) -> None:
    profile, broker, environment = place
    with pytest.raises(NotFound, match=f"no record of profile {profile} for {broker} {environment.value}"):
        filled(tmp_path).read(profile, broker=broker, environment=environment)


def test_every_write_is_a_generation(tmp_path: Path) -> None:
    vault = filled(tmp_path)
    assert vault.generation == 2
    vault.write("b", broker="ALPACA", environment=LIVE, fields=KEYS)
    vault.remove("b", broker="ALPACA", environment=LIVE)
    assert (vault.generation, reopened(vault).generation) == (4, 4)


def test_a_removed_record_is_gone_and_the_others_stay(tmp_path: Path) -> None:
    vault = filled(tmp_path)
    vault.write("b", broker="ALPACA", environment=LIVE, fields=KEYS)
    vault.remove("alpaca-paper", broker="ALPACA", environment=PAPER)
    again = reopened(vault)
    assert [info.profile for info in again.records()] == ["b"]
    assert again.read("b", broker="ALPACA", environment=LIVE) == KEYS
    with pytest.raises(NotFound):
        vault.remove("alpaca-paper", broker="ALPACA", environment=PAPER)


def test_a_vault_is_not_made_over_a_file(tmp_path: Path) -> None:
    vault = filled(tmp_path)
    before = vault.path.read_bytes()
    with pytest.raises(Conflict, match="there is a vault at"):
        make(tmp_path)
    assert vault.path.read_bytes() == before


def test_where_there_is_no_vault_the_error_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="floorbroker vault init"):
        Vault.open(tmp_path / "v.enc", PASSPHRASE, around=around())


# -- the passphrase -----------------------------------------------------------------------------------------------------------


def test_a_wrong_passphrase_is_refused_without_saying_how_wrong(tmp_path: Path) -> None:
    vault = filled(tmp_path)
    told: set[str] = set()
    for wrong in ("correct horse battery stapl", "x", "correct horse battery staple ", ""):
        with pytest.raises(WrongPassphrase, match="wrong passphrase, or the file was changed") as caught:
            reopened(vault, Secret(wrong))
        told.add(str(caught.value))
    assert len(told) == 1


@pytest.mark.parametrize("length", [0, 1, 14])
def test_a_short_passphrase_is_refused_for_a_new_vault_and_for_a_rotation(tmp_path: Path, length: int) -> None:
    with pytest.raises(InvalidRequest, match="at least 15 characters"):
        make(tmp_path, passphrase=Secret("x" * length))
    with pytest.raises(InvalidRequest, match="at least 15 characters"):
        filled(tmp_path).rotate_passphrase(Secret("x" * length))


def test_the_same_words_from_another_keyboard_open_it(tmp_path: Path) -> None:
    vault = make(tmp_path, passphrase=Secret("gr\u00fc\u00dfe aus dem norden"))
    assert reopened(vault, Secret("gru\u0308\u00dfe aus dem norden")).generation == 1


def test_a_new_passphrase_opens_it_and_the_old_one_no_more(tmp_path: Path) -> None:
    vault = filled(tmp_path)
    before = header_of(vault.path)
    vault.rotate_passphrase(OTHER)
    after = header_of(vault.path)
    assert reopened(vault, OTHER).read("alpaca-paper", broker="ALPACA", environment=PAPER) == KEYS
    assert vault.read("alpaca-paper", broker="ALPACA", environment=PAPER) == KEYS
    with pytest.raises(WrongPassphrase):
        reopened(vault)
    assert before.kdf.salt != after.kdf.salt
    assert before.kek.id != after.kek.id
    assert before.records[0].wrapped != after.records[0].wrapped
    assert before.records[0].sha256 == after.records[0].sha256
    assert after.generation == before.generation + 1


def test_the_passphrase_can_be_asked_for_again(tmp_path: Path) -> None:
    vault = filled(tmp_path)
    assert vault.is_passphrase(PASSPHRASE)
    assert not vault.is_passphrase(OTHER)


@dataclass
class During(SystemFiles):
    """Does something at the moment when a file is flushed."""

    act: Callable[[], object] = lambda: None

    def sync(self, file: int) -> None:
        self.act()
        super().sync(file)


def test_a_vault_locked_during_a_write_is_written_under_its_key_and_forgets_it_then(tmp_path: Path) -> None:
    files = During()
    vault = Vault.create(tmp_path / "v.enc", PASSPHRASE, around=Around(derive=QuickDerivation(), files=files))
    key, held = vault._master, list[bool]()  # noqa: SLF001 - the buffer itself is what must be zero

    def shut() -> None:
        vault.lock()
        held.append(any(key))

    files.act = shut
    vault.write("alpaca-paper", broker="ALPACA", environment=PAPER, fields=KEYS)
    assert (held, any(key), vault.is_locked) == ([True], False, True)
    assert reopened(vault).read("alpaca-paper", broker="ALPACA", environment=PAPER) == KEYS
    with pytest.raises(VaultLocked):
        vault.remove("alpaca-paper", broker="ALPACA", environment=PAPER)


def test_a_locked_vault_says_how_to_unlock_it_and_forgot_its_key(tmp_path: Path) -> None:
    vault = filled(tmp_path)
    key = vault._master  # noqa: SLF001 - the buffer itself is what must be zero
    vault.lock()
    vault.lock()
    assert vault.is_locked
    assert not any(key)
    for act in (
        vault.records,
        lambda: vault.read("alpaca-paper", broker="ALPACA", environment=PAPER),
        lambda: vault.write("b", broker="ALPACA", environment=PAPER, fields=KEYS),
        lambda: vault.remove("alpaca-paper", broker="ALPACA", environment=PAPER),
        lambda: vault.rotate_passphrase(OTHER),
        lambda: vault.is_passphrase(PASSPHRASE),
        vault.verify,
    ):
        with pytest.raises(VaultLocked, match="floorbroker vault unlock"):
            act()


# -- cost ---------------------------------------------------------------------------------------------------------------------


def test_a_new_vault_costs_two_to_the_eighteen(tmp_path: Path) -> None:
    derive = QuickDerivation()
    Vault.create(tmp_path / "v.enc", PASSPHRASE, derive=derive)
    assert derive.asked == [{"log2n": 18, "r": 8, "p": 1}]


@pytest.mark.parametrize("log2n", [0, 10, 16, 21, 63])
def test_no_vault_is_made_cheaper_or_dearer_than_allowed(tmp_path: Path, log2n: int) -> None:
    derive = QuickDerivation()
    with pytest.raises(InvalidRequest, match=r"2\^17 to 2\^20"):
        Vault.create(tmp_path / "v.enc", PASSPHRASE, derive=derive, log2n=log2n)
    assert derive.asked == []
    assert not list(tmp_path.iterdir())


def test_a_vault_that_is_cheaper_than_todays_is_derived_anew_when_it_opens(tmp_path: Path) -> None:
    made = Vault.create(tmp_path / "v.enc", PASSPHRASE, log2n=17, around=around())
    made.write("a", broker="ALPACA", environment=PAPER, fields=KEYS)
    salt = header_of(made.path).kdf.salt
    vault = reopened(made)
    assert (vault.log2n, header_of(made.path).kdf.log2n, vault.generation) == (18, 18, 3)
    assert header_of(made.path).kdf.salt != salt
    assert reopened(vault).read("a", broker="ALPACA", environment=PAPER) == KEYS
    assert reopened(vault).generation == 3


def test_a_dearer_vault_stays_dear_through_a_rotation(tmp_path: Path) -> None:
    vault = Vault.create(tmp_path / "v.enc", PASSPHRASE, log2n=20, around=around())
    vault.rotate_passphrase(OTHER)
    assert header_of(vault.path).kdf.log2n == 20


def test_a_vault_that_cannot_be_written_opens_all_the_same_and_says_that_it_stays_cheap(tmp_path: Path) -> None:
    made = Vault.create(tmp_path / "v.enc", PASSPHRASE, log2n=17, around=around())
    world = Around(derive=QuickDerivation(), files=ReadOnlyFiles(), random=repeatable(5))
    vault = Vault.open(made.path, PASSPHRASE, around=world)
    assert vault.log2n == 17
    assert "cheaper than today" in vault.warnings[-1]


# -- older files --------------------------------------------------------------------------------------------------------------


def test_an_older_generation_is_refused_with_words_that_say_how_to_accept_it(tmp_path: Path) -> None:
    vault = filled(tmp_path)
    old = vault.path.read_bytes()
    vault.write("b", broker="ALPACA", environment=PAPER, fields=KEYS)
    vault.path.write_bytes(old)
    with pytest.raises(VaultRolledBack, match=r"generation 2, and generation 3 was seen.*--accept-older"):
        reopened(vault, known_generation=3)
    assert vault.path.read_bytes() == old


def test_an_accepted_older_file_becomes_the_newest(tmp_path: Path) -> None:
    vault = filled(tmp_path)
    old = vault.path.read_bytes()
    vault.write("b", broker="ALPACA", environment=PAPER, fields=KEYS)
    vault.path.write_bytes(old)
    accepted = reopened(vault, known_generation=3, accept_older=True)
    assert accepted.generation == 4
    assert [info.profile for info in accepted.records()] == ["alpaca-paper"]
    assert reopened(vault, known_generation=4).read("alpaca-paper", broker="ALPACA", environment=PAPER) == KEYS


def test_two_copies_that_went_apart_are_told_by_their_digest(tmp_path: Path) -> None:
    vault = filled(tmp_path)
    old = vault.path.read_bytes()
    vault.write("b", broker="ALPACA", environment=PAPER, fields=KEYS)
    known = vault.known
    vault.path.write_bytes(old)
    reopened(vault).write("c", broker="ALPACA", environment=PAPER, fields=KEYS)
    with pytest.raises(VaultRolledBack, match="two copies went apart"):
        reopened(vault, known=known)


def test_another_vault_with_the_same_passphrase_is_refused(tmp_path: Path) -> None:
    vault, other = filled(tmp_path), make(tmp_path, seed=2, name="other.enc")
    with pytest.raises(VaultRolledBack, match="another vault than the one"):
        reopened(other, known=vault.known)


def test_a_newer_file_than_known_is_taken(tmp_path: Path) -> None:
    vault = make(tmp_path)
    known = vault.known
    assert known == Known(vault_id=vault.vault_id, generation=1, digest=known.digest)
    vault.write("b", broker="ALPACA", environment=PAPER, fields=KEYS)
    assert reopened(vault, known=known).generation == 2


# -- what is refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "fields"),
        ({"lower": Secret("x")}, "fields"),
        ({f"F{n}": Secret("x") for n in range(17)}, "fields"),
        ({"BROKER_API_KEY": Secret("")}, "BROKER_API_KEY"),
        ({"BROKER_API_KEY": Secret("x" * 16_385)}, "BROKER_API_KEY"),
        ({"BROKER_API_KEY": Secret("\ud800")}, "Unicode"),
        ({f"F{n}": Secret("x" * 16_384) for n in range(4)}, "together"),
    ],
)
def test_fields_that_are_none_are_refused_by_name_and_nothing_is_written(
    tmp_path: Path, fields: dict[str, Secret], named: str
) -> None:
    vault = make(tmp_path)
    with pytest.raises(InvalidRequest, match=named):
        vault.write("a", broker="ALPACA", environment=PAPER, fields=fields)
    assert reopened(vault).generation == 1


@pytest.mark.parametrize(("profile", "broker"), [("A b", "ALPACA"), ("", "ALPACA"), ("a", "alpaca"), ("a\n", "ALPACA")])
def test_a_place_that_is_none_is_refused(tmp_path: Path, profile: str, broker: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^(profile|broker): "):
        make(tmp_path).write(profile, broker=broker, environment=PAPER, fields=KEYS)


def test_a_vault_without_room_says_so_and_stays_as_it_was(tmp_path: Path) -> None:
    vault = make(tmp_path)

    def fill() -> None:
        for number in range(300):
            vault.write(f"profile-{number}", broker="ALPACA", environment=PAPER, fields=KEYS)

    with pytest.raises(VaultRefused, match="the vault is full"):
        fill()
    assert vault.generation > 100
    assert len(reopened(vault).records()) == vault.generation - 1 == reopened(vault).verify()


def test_a_second_writer_is_told_of_the_first(tmp_path: Path) -> None:
    first = filled(tmp_path)
    second = reopened(first)
    first.write("b", broker="ALPACA", environment=PAPER, fields=KEYS)
    with pytest.raises(Conflict, match="changed by another process"):
        second.write("c", broker="ALPACA", environment=PAPER, fields=KEYS)
    assert [info.profile for info in reopened(first).records()] == ["alpaca-paper", "b"]


def test_verify_sees_a_file_that_changed_under_it(tmp_path: Path) -> None:
    vault = filled(tmp_path)
    assert vault.verify() == 1
    vault.path.write_bytes(vault.path.read_bytes()[:-1] + b"!")
    with pytest.raises(VaultRefused, match="changed since it was opened"):
        vault.verify()


@posix
@pytest.mark.parametrize(("mode", "told"), [(0o620, "others may write"), (0o602, "others may write")])
def test_a_vault_that_others_may_write_is_not_read(tmp_path: Path, mode: int, told: str) -> None:
    vault = filled(tmp_path)
    vault.path.chmod(mode)
    with pytest.raises(VaultRefused, match=told):
        reopened(vault)


@posix
def test_a_vault_that_others_may_read_opens_with_a_warning(tmp_path: Path) -> None:
    vault = filled(tmp_path)
    assert vault.warnings == ()
    vault.path.chmod(0o644)
    tmp_path.chmod(0o770)
    warned = " ".join(reopened(vault).warnings)
    assert "chmod 600" in warned
    assert "chmod 700" in warned


@posix
def test_a_folder_or_a_pipe_in_the_vaults_place_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe"):
        with pytest.raises(VaultRefused, match="is not a file"):
            Vault.open(tmp_path / name, PASSPHRASE, around=around())


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "v.enc"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    path.chmod(0o600)
    with pytest.raises(VaultRefused, match="larger than any vault"):
        Vault.open(path, PASSPHRASE, around=around())


# -- the key-encryption key -----------------------------------------------------------------------------------------------------


def test_the_wraps_are_counted_and_a_spent_key_is_replaced(tmp_path: Path) -> None:
    vault = filled(tmp_path)
    assert header_of(vault.path).kek.wraps == 1
    spent = Kek(id=header_of(vault.path).kek.id, wraps=MAX_WRAPS - 1)
    vault._store(msgspec.structs.replace(vault._header, kek=spent), vault._parsed.sealed)  # noqa: SLF001
    vault.write("b", broker="ALPACA", environment=PAPER, fields=KEYS)
    fresh = header_of(vault.path).kek
    assert fresh.id != spent.id
    assert fresh.wraps == 2
    again = reopened(vault)
    assert again.verify() == 2
    assert again.read("alpaca-paper", broker="ALPACA", environment=PAPER) == KEYS


def test_a_vault_does_not_pickle_its_key(tmp_path: Path) -> None:
    with pytest.raises((TypeError, AttributeError)):
        pickle.dumps(filled(tmp_path))


# -- faults ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", range(1, 16))
def test_a_full_disk_leaves_old_or_new_and_the_vault_in_hand_agrees_with_the_file(tmp_path: Path, call: int) -> None:
    made = filled(tmp_path)
    files = DyingFiles(at=1_000_000, error=lambda: OSError(28, "No space left on device"), for_ever=False)
    vault = Vault.open(
        made.path, PASSPHRASE, around=Around(derive=QuickDerivation(), files=files, random=repeatable(5))
    )
    files.at, files.calls = call, 0
    with suppress(JournalFault, VaultRefused):
        vault.write("b", broker="ALPACA", environment=PAPER, fields=KEYS)
    files.at = 1_000_000
    assert {info.profile for info in reopened(made).records()} == {info.profile for info in vault.records()}
    assert vault.verify() == len(vault.records())
    vault.write("c", broker="ALPACA", environment=PAPER, fields=KEYS)
    assert not list(tmp_path.glob(".*tmp"))
