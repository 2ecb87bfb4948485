"""Where a passphrase comes from when nobody is asked: systemd over a configured file over the keyring."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from floorbroker.app.config import VaultSection
from floorbroker.app.keystore import KeyStore
from floorbroker.app.passphrase import (
    configured,
    from_fd,
    from_file,
    from_keyring,
    keep_in_keyring,
)
from floorbroker.domain.errors import ConfigInvalid, InvalidRequest
from floorbroker.domain.secret import Secret

WORD = "words-that-are-a-canary"


class NoKeyringError(Exception):
    """As the library names it."""


class Ring:
    """A keyring in memory, or one that does not answer."""

    def __init__(self, *, broken: bool = False) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.broken = broken

    def get_password(self, service: str, username: str, /) -> str | None:
        if self.broken:
            raise NoKeyringError(WORD)
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str, /) -> None:
        if self.broken:
            raise NoKeyringError(password)
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str, /) -> None:
        del self.kept[service, username]


def store(ring: Ring | None = None) -> KeyStore:
    return KeyStore(ring or Ring(), (NoKeyringError,))


def never() -> KeyStore:
    raise AssertionError("nobody said to ask the keyring")


def fd_of(raw: bytes) -> int:
    reading, writing = os.pipe()
    os.write(writing, raw)
    os.close(writing)
    return reading


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"a b c", "a b c"),
        (b"a b c\n", "a b c"),
        (b"a b c\r\n", "a b c"),
        (b" a \n\n", " a \n"),
        (b"gr\xc3\xbc", "grü"),
    ],
)
def test_what_is_read_loses_one_line_break_at_its_end_and_nothing_else(tmp_path: Path, raw: bytes, text: str) -> None:
    path = tmp_path / "words"
    path.write_bytes(raw)
    assert from_file(path).reveal() == text
    assert from_fd(fd_of(raw)).reveal() == text


def test_a_descriptor_is_read_once_and_closed() -> None:
    number = fd_of(WORD.encode())
    assert from_fd(number) == Secret(WORD)
    with pytest.raises(InvalidRequest, match=f"file descriptor {number} cannot be read"):
        from_fd(number)


def test_nothing_is_found_where_nothing_is_said() -> None:
    assert configured(VaultSection(), vault_id="v", environ={}, keystore=never) is None


def test_systemd_comes_before_the_file_and_the_file_before_the_keyring(tmp_path: Path) -> None:
    ring = Ring()
    keep_in_keyring(store(ring), "v", Secret("from the keyring"))
    (tmp_path / "floorbroker-passphrase").write_text("from systemd\n")
    (tmp_path / "file").write_text("from the file\n")
    section = VaultSection(keyring=True, passphrase_file=str(tmp_path / "file"))
    found = [
        configured(section, vault_id="v", environ={"CREDENTIALS_DIRECTORY": str(tmp_path)}, keystore=never),
        configured(section, vault_id="v", environ={}, keystore=never),
        configured(VaultSection(keyring=True), vault_id="v", environ={}, keystore=lambda: store(ring)),
    ]
    assert [place.passphrase.reveal() for place in found if place] == [
        "from systemd",
        "from the file",
        "from the keyring",
    ]
    assert all("from" not in place.where for place in found if place)


def test_a_configured_file_that_is_not_there_is_an_error_and_not_a_reason_to_ask_elsewhere(tmp_path: Path) -> None:
    section = VaultSection(passphrase_file=str(tmp_path / "absent"), keyring=True)
    with pytest.raises(ConfigInvalid, match="absent"):
        configured(section, vault_id="v", environ={}, keystore=never)


def test_the_keyring_knows_each_vault_by_its_id() -> None:
    ring = store()
    keep_in_keyring(ring, "v", Secret(WORD))
    assert from_keyring(ring, "v") == Secret(WORD)
    assert from_keyring(ring, "w") is None


def test_a_keyring_that_does_not_answer_says_what_to_do_and_repeats_nothing() -> None:
    silent = store(Ring(broken=True))
    for act in (lambda: from_keyring(silent, "v"), lambda: keep_in_keyring(silent, "v", Secret(WORD))):
        with pytest.raises(ConfigInvalid, match=r"a container has none.*passphrase_file") as caught:
            act()
        assert WORD not in str(caught.value)
