"""Where the vault's passphrase comes from: a file descriptor, a file, systemd, a container's secret, the OS keyring, a person.

Never from an argument or a variable: both can be read by others.  What is read loses one line break at its end and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from floorbroker.app.config import VaultSection
from floorbroker.app.keystore import SERVICE, KeyStore
from floorbroker.domain.errors import ConfigInvalid, InvalidRequest, NotFound
from floorbroker.domain.secret import Secret

CREDENTIAL = "floorbroker-passphrase"  # its name among systemd's credentials
_FOLDER = "CREDENTIALS_DIRECTORY"
_LIMIT = 8 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """A passphrase, and where it was, in words that hold nothing of it."""

    passphrase: Secret
    where: str


def from_fd(number: int) -> Secret:
    """What a file descriptor gives until its end; it is closed.  Raises `InvalidRequest` naming it."""
    try:
        with os.fdopen(number, "rb") as file:
            raw = file.read(_LIMIT + 1)
    except OSError as error:
        raise InvalidRequest(f"file descriptor {number} cannot be read: {error.strerror}") from None
    return _text(raw, f"file descriptor {number}")


def from_file(path: Path) -> Secret:
    """A file's content.  Raises `ConfigInvalid` naming it."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LIMIT + 1)
    except OSError as error:
        raise ConfigInvalid(f"the passphrase file {path} cannot be read: {error.strerror}") from None
    return _text(raw, str(path))


def _text(raw: bytes, where: str) -> Secret:
    if len(raw) > _LIMIT:
        raise InvalidRequest(f"{where} holds more than {_LIMIT} bytes: that is no passphrase")
    try:
        text = raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise InvalidRequest(f"{where} does not hold UTF-8 text") from None
    if not text:
        raise InvalidRequest(f"{where} is empty: it must hold the vault's passphrase")
    return Secret(text)


def configured(
    section: VaultSection, *, vault_id: str, environ: Mapping[str, str], keystore: Callable[[], KeyStore]
) -> Found | None:
    """What the surroundings give: systemd's credential over `[vault] passphrase_file` over the keyring.

    Raises `ConfigInvalid` for a place that is configured and cannot be read.
    """
    if folder := environ.get(_FOLDER):
        path = Path(folder) / CREDENTIAL
        if path.exists():
            return Found(from_file(path), str(path))
    if section.passphrase_file:
        return Found(from_file(Path(section.passphrase_file)), f"[vault] passphrase_file {section.passphrase_file}")
    if section.keyring and (kept := from_keyring(keystore(), vault_id)) is not None:
        return Found(kept, "the OS keyring")
    return None


# -- the keyring --------------------------------------------------------------------------------------------------------------


def from_keyring(store: KeyStore, vault_id: str) -> Secret | None:
    """The passphrase that was kept for this vault.  Raises `ConfigInvalid` when the keyring does not answer."""
    try:
        kept = store.keyring.get_password(_service(), vault_id)
    except store.problems as error:
        raise _silent(error) from None
    return Secret(kept) if kept else None


def keep_in_keyring(store: KeyStore, vault_id: str, passphrase: Secret) -> None:
    """Keep it there.  Raises `ConfigInvalid` when the keyring refuses."""
    try:
        store.keyring.set_password(_service(), vault_id, passphrase.reveal())
    except store.problems as error:
        raise _silent(error) from None


def kept_in_keyring(store: KeyStore, vault_id: str) -> Secret:
    """The same, where one must be there.  Raises `NotFound`."""
    found = from_keyring(store, vault_id)
    if found is None:
        raise NotFound("the OS keyring has no passphrase of this vault: keep one with floorbroker vault rotate --keep")
    return found


def _service() -> str:
    return f"{SERVICE} vault"


def _silent(error: Exception) -> ConfigInvalid:
    kind = type(error).__name__
    why = "there is none on this machine (a container has none)" if kind == "NoKeyringError" else f"it refused ({kind})"
    return ConfigInvalid(
        f"the OS keyring does not answer: {why}; hand the passphrase in, or name its file as [vault] passphrase_file"
    )
