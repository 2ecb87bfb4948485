"""A write that is interrupted at any call leaves the old vault or the new one, whole, and the next write cleans up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from floorbroker.domain.errors import JournalFault, NotFound, VaultRefused, WrongPassphrase
from floorbroker.domain.secret import Secret
from floorbroker.vault import Around, Known, Vault
from tests.support.vaults import (
    OTHER,
    PAPER,
    PASSPHRASE,
    Died,
    DyingFiles,
    QuickDerivation,
    around,
    make,
    repeatable,
    secrets,
)

OLD, NEW = secrets(BROKER_API_KEY="old"), secrets(BROKER_API_KEY="new")
Act = Callable[[Vault], None]


def write(vault: Vault) -> None:
    vault.write("a", broker="ALPACA", environment=PAPER, fields=NEW)


def remove(vault: Vault) -> None:
    vault.remove("a", broker="ALPACA", environment=PAPER)


def rotate(vault: Vault) -> None:
    vault.rotate_passphrase(OTHER)


def untouched(vault: Vault) -> None:
    """Opening a cheap or an older vault writes by itself."""


def state_of(path: Path) -> tuple[str, int, str]:
    """The passphrase, generation and key of whatever vault is there."""
    for word, passphrase in (("first", PASSPHRASE), ("second", OTHER)):
        with suppress(WrongPassphrase):
            vault = Vault.open(path, passphrase, upgrade=False, around=around(9))
            vault.verify()
            kept: dict[str, Secret] = {}
            with suppress(NotFound):
                kept = dict(vault.read("a", broker="ALPACA", environment=PAPER))
            return word, vault.generation, kept["BROKER_API_KEY"].reveal() if kept else ""
    raise AssertionError("neither passphrase opens it")


def prepared(folder: Path, *, log2n: int = 18) -> Path:
    folder.mkdir()
    vault = Vault.create(folder / "v.enc", PASSPHRASE, log2n=log2n, around=around())
    vault.write("a", broker="ALPACA", environment=PAPER, fields=OLD)
    return vault.path


def dying(at: int, *, half: bool, error: Callable[[], BaseException]) -> Around:
    files = DyingFiles(at=at, half=half, error=error, for_ever=error is Died)
    return Around(derive=QuickDerivation(), files=files, random=repeatable(7))


def no_space() -> OSError:
    return OSError(28, "No space left on device")


CASES: dict[str, tuple[Act, int, Known | None, set[tuple[str, int, str]]]] = {
    "write": (write, 18, None, {("first", 2, "old"), ("first", 3, "new")}),
    "remove": (remove, 18, None, {("first", 2, "old"), ("first", 3, "")}),
    "rotate": (rotate, 18, None, {("first", 2, "old"), ("second", 3, "old")}),
    "upgrade": (untouched, 17, None, {("first", 2, "old"), ("first", 3, "old")}),
    "accept": (untouched, 18, Known(vault_id="0" * 32, generation=9), {("first", 2, "old"), ("first", 10, "old")}),
}


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("error", [Died, no_space])
@pytest.mark.parametrize("case", CASES)
def test_interrupted_at_any_call_a_change_is_made_or_not(
    tmp_path: Path, case: str, error: Callable[[], BaseException], half: bool
) -> None:
    act, log2n, known, allowed = CASES[case]
    seen: set[tuple[str, int, str]] = set()
    for at in range(1, 60):
        path = prepared(tmp_path / str(at), log2n=log2n)
        world = dying(at, half=half, error=error)
        finished = False
        with suppress(Died, JournalFault, VaultRefused, OSError):
            act(Vault.open(path, PASSPHRASE, known=known, accept_older=known is not None, around=world))
            finished = True
        found = state_of(path)
        assert found in allowed, f"call {at}"
        seen.add(found)
        _goes_on(path, found)
        if finished and world.files.calls < at:  # type: ignore[attr-defined]
            break
    else:
        raise AssertionError("more calls than anybody counted")
    assert seen == allowed


def _goes_on(path: Path, found: tuple[str, int, str]) -> None:
    """What was left behind does no harm, and is gone after the next write."""
    passphrase = PASSPHRASE if found[0] == "first" else OTHER
    vault = Vault.open(path, passphrase, upgrade=False, around=around(11))
    vault.write("b", broker="ALPACA", environment=PAPER, fields=NEW)
    assert vault.verify() == len(vault.records())
    assert [entry.name for entry in path.parent.iterdir()] == ["v.enc"]


@pytest.mark.parametrize("half", [False, True])
def test_interrupted_at_any_call_a_vault_is_made_or_not(tmp_path: Path, half: bool) -> None:
    outcomes: set[bool] = set()
    for at in range(1, 30):
        folder = tmp_path / str(at)
        folder.mkdir()
        world, finished = dying(at, half=half, error=Died), False
        with suppress(Died):
            Vault.create(folder / "v.enc", PASSPHRASE, around=world)
            finished = True
        exists = (folder / "v.enc").exists()
        outcomes.add(exists)
        if exists:
            assert state_of(folder / "v.enc") == ("first", 1, "")
        else:
            Vault.create(folder / "v.enc", PASSPHRASE, around=around())
            assert [entry.name for entry in folder.iterdir()] == ["v.enc"]
        if finished and world.files.calls < at:  # type: ignore[attr-defined]
            break
    assert outcomes == {False, True}


def test_a_strangers_file_is_not_taken_for_what_a_write_left_behind(tmp_path: Path) -> None:
    vault = make(tmp_path)
    others = [".v.enc.tmp", ".v.enc.zz.tmp", "v.enc.0a.tmp", ".other.0a.tmp", ".v.enc.0a.tmp.keep"]
    for name in others:
        (tmp_path / name).write_text("mine")
    (tmp_path / ".v.enc.0a1b.tmp").write_text("left behind")
    write(vault)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([*others, "v.enc"])


def test_the_new_file_is_private_and_durable_before_it_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = prepared(tmp_path / "order")
    calls: list[str] = []

    class Told(DyingFiles):
        def create(self, path: Path) -> int:
            calls.append("create")
            return DyingFiles.create(self, path)

        def sync(self, file: int) -> None:
            calls.append("sync")
            DyingFiles.sync(self, file)

        def rename(self, source: Path, target: Path) -> None:
            calls.append(f"rename {source.stat().st_mode & 0o777:o}")
            DyingFiles.rename(self, source, target)

        def sync_folder(self, folder: Path) -> None:
            calls.append("sync folder")
            DyingFiles.sync_folder(self, folder)

    files = Told(at=10_000)
    write(Vault.open(path, PASSPHRASE, around=Around(derive=QuickDerivation(), files=files)))
    assert calls == ["create", "sync", "rename 600", "sync folder"]
