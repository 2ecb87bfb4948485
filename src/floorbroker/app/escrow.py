"""The first key of an audit's chain goes into the vault as soon as one is open, and leaves the home.

It stands there as one field a chain of the record `audit-<env>`, broker `AUDIT`, so that the keys of chains that were put aside
stay beside that of the present one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

from floorbroker.domain.errors import ConfigInvalid, NotFound
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.store.audit.places import Places

BROKER = "AUDIT"
FROM_VAULT = "that the vault keeps"


class Safe(Protocol):
    """An opened vault, as far as it is needed here."""

    def read(self, profile: str, *, broker: str, environment: Environment) -> Mapping[str, Secret]:
        """Raises `NotFound` where there is no such record."""
        ...

    def write(self, profile: str, *, broker: str, environment: Environment, fields: Mapping[str, Secret]) -> None: ...


def profile_of(environment: Environment) -> str:
    """The name of the record."""
    return f"audit-{environment.value}"


def put_away(safe: Safe, places: Places, log: str) -> bool:
    """Move a first key that lies in the home into the vault; whether there was one.  Only when the vault has it is it erased."""
    if not places.first.exists():
        return False
    first = read_key(places.first.read_text("ascii", "replace"), where=str(places.first))
    environment, kept = places.environment, _kept(safe, places.environment)
    if kept.get(field_of(log)) != first:
        fields = {**kept, field_of(log): first}
        safe.write(profile_of(environment), broker=BROKER, environment=environment, fields=fields)
    _erase(places)
    return True


def first_key(safe: Safe, environment: Environment, log: str) -> Secret | None:
    """The first key of a chain; None where this vault never had it."""
    return _kept(safe, environment).get(field_of(log))


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
