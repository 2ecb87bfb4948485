"""The keyring of the operating system: one entry for each field of a profile, and whose they are.

An entry is bound to the broker and the environment it was written for, so that a profile that was made anew under an old
name does not find the keys of another account.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from floorbroker.domain.errors import ConfigInvalid, without_extra
from floorbroker.domain.forms import FIELDS, SEALED
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment

SERVICE = "floorbroker"
CODE, PLACE = "BROKER_CODE", "ENVIRONMENT"
_NO_BACKEND = "this machine has no keyring that can be used (a desktop session has one, a container has none)"


class Keyring(Protocol):
    """What is used of the library: texts by service and name."""

    def get_password(self, service: str, username: str, /) -> str | None: ...

    def set_password(self, service: str, username: str, password: str, /) -> None: ...

    def delete_password(self, service: str, username: str, /) -> None: ...


@dataclass(frozen=True, slots=True)
class KeyStore:
    """The entries of this program.  `problems` are the errors of the keyring; none of its texts is repeated."""

    keyring: Keyring
    problems: tuple[type[Exception], ...] = ()

    def fields(self, profile: str) -> dict[str, str]:
        """Those of the eight fields that a profile has here.  Raises `ConfigInvalid` when the keyring does not answer."""
        found = {name: self._get(profile, name) for name in FIELDS}
        return {name: text for name, text in found.items() if text}

    def secrets(self, profile: str, *, broker: str, environment: Environment) -> dict[str, Secret]:
        """The sealed fields.  Raises `ConfigInvalid` for entries that were written for another account."""
        found = {name: text for name in SEALED if (text := self._get(profile, name))}
        if not found:
            return {}
        code, place = self._get(profile, CODE), self._get(profile, PLACE)
        if (code, place) != (broker, environment.value):
            raise ConfigInvalid(
                f"profile {profile}: the keyring's entries of this name are of {code or 'no broker'} in"
                f" {place or 'no environment'}, not of {broker} in {environment.value}; remove them, or name the profile anew"
            )
        return {name: Secret(text) for name, text in found.items()}

    def write(self, profile: str, *, broker: str, environment: Environment, fields: Mapping[str, Secret]) -> None:
        """Set some fields and whose they are."""
        self._set(profile, CODE, broker)
        self._set(profile, PLACE, environment.value)
        for name, secret in fields.items():
            self._set(profile, name, secret.reveal())

    def remove(self, profile: str) -> None:
        """Delete every entry of a profile."""
        for name in (*FIELDS, PLACE):
            if self._get(profile, name) is not None:
                try:
                    self.keyring.delete_password(_service(profile), name)
                except self.problems as error:
                    raise _refused(error) from None

    def _get(self, profile: str, name: str) -> str | None:
        try:
            return self.keyring.get_password(_service(profile), name)
        except self.problems as error:
            raise _refused(error) from None

    def _set(self, profile: str, name: str, text: str) -> None:
        try:
            self.keyring.set_password(_service(profile), name, text)
        except self.problems as error:
            raise _refused(error) from None


def _service(profile: str) -> str:
    return f"{SERVICE}/{profile}"


def _refused(error: Exception) -> ConfigInvalid:
    """What the keyring's error is called; what it says may hold anything."""
    kind = type(error).__name__
    return ConfigInvalid(f"the OS keyring: {_NO_BACKEND if kind == 'NoKeyringError' else f'it refused ({kind})'}")


def os_keyring() -> KeyStore:
    """The keyring of this machine.  Raises `ConfigInvalid` where the library is not installed."""
    try:
        keyring: Any = importlib.import_module("keyring")
        errors: Any = importlib.import_module("keyring.errors")
    except ImportError:
        raise ConfigInvalid(without_extra("the OS keyring needs", "keyring")) from None
    return KeyStore(keyring.get_keyring(), (errors.KeyringError,))
