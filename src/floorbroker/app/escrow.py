"""The first key of an audit's chain goes into the vault as soon as one is open, and leaves the home.

It stands there as one field a chain of the record `audit-<env>`, broker `AUDIT`, so that the keys of chains that were put aside
stay beside that of the present one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Protocol

from floorbroker.domain.errors import ConfigInvalid, NotFound
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.store.audit.files import told
from floorbroker.store.audit.places import Places

BROKER = "AUDIT"
FROM_VAULT = "that the vault keeps"


class Safe(Protocol):
    """An opened vault, as far as it is needed here."""

    def read(self, profile: str, *, broker: str, environment: Environment) -> Mapping[str, Secret]:
        """Raises `NotFound` where there is no such record."""
        ...

    def write(self, profile: str, *, broker: str, environment: Environment, fields: Mapping[str, Secret]) -> None: ...


class Named(Protocol):
    """What a vault says of a record without a passphrase."""

    @property
    def profile(self) -> str: ...
    @property
    def broker(self) -> str: ...
    @property
    def environment(self) -> Environment: ...
    @property
    def fields(self) -> tuple[str, ...]: ...


def profile_of(environment: Environment) -> str:
    """The name of the record."""
    return f"audit-{environment.value}"


def put_away(safe: Safe, places: Places, log: str) -> bool:
    """Move a first key that lies in the home into the vault; whether there was one.  Only when the vault has it is it erased."""
    if not places.first.exists():
        return False
    if (first := beside(places)) is not None:
        _keep(safe, places.environment, log, first)
    with told(str(places.first)):
        _erase(places)
    return True


def _keep(safe: Safe, environment: Environment, log: str, first: Secret) -> None:
    kept = _kept(safe, environment)
    if kept.get(field_of(log)) != first:
        fields = {**kept, field_of(log): first}
        safe.write(profile_of(environment), broker=BROKER, environment=environment, fields=fields)


def first_key(safe: Safe, environment: Environment, log: str) -> Secret | None:
    """The first key of a chain; None where this vault never had it."""
    return _kept(safe, environment).get(field_of(log))


def is_kept(records: Iterable[Named], environment: Environment, log: str) -> bool:
    """Whether one of these records says that it has the chain's key: nobody need be asked for a passphrase in vain."""
    place = (profile_of(environment), BROKER, environment)
    return any(
        (record.profile, record.broker, record.environment) == place and field_of(log) in record.fields
        for record in records
    )


def beside(places: Places) -> Secret | None:
    """The key that lies in the home; None where none does, or where a crash left one that was written over already."""
    try:
        text = places.first.read_text("ascii", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigInvalid(f"{places.first}: it cannot be read ({error.strerror})") from None
    return read_key(text, where=str(places.first)) if text.strip("0\n") or not text else None


def field_of(log: str) -> str:
    """The field of a chain's key, by the name of the chain."""
    return f"FIRST_KEY_{log[:16].upper()}"


def read_key(text: str, *, where: str) -> Secret:
    """A chain's first key.  Raises `ConfigInvalid` for anything but 32 bytes in hex, and never shows it."""
    word = text.strip()
    if len(word) != 64 or word.strip("0123456789abcdef"):
        raise ConfigInvalid(f"{where}: the first key of the audit is 64 lower-case hexadecimal digits")
    return Secret(word)


def _kept(safe: Safe, environment: Environment) -> Mapping[str, Secret]:
    with suppress(NotFound):
        return safe.read(profile_of(environment), broker=BROKER, environment=environment)
    return {}


def _erase(places: Places) -> None:
    """Overwritten before it is removed, as far as the file system lets one."""
    descriptor = os.open(places.first, os.O_WRONLY)
    try:
        os.write(descriptor, b"0" * os.fstat(descriptor).st_size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    places.first.unlink()
