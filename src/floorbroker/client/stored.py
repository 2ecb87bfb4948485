"""Profiles as they are stored, log-ins at venues, and the vault that keeps their secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from floorbroker.client.door import Door, segment
from floorbroker.client.shapes import Shape
from floorbroker.client.states import SelfCheck
from floorbroker.client.verbs import API, Verbs, given, one

VAULT = f"{API}/vault"


class Field(Shape, frozen=True):
    """Who gives a field of a profile; `source` is None where nobody does."""

    name: str
    source: str | None = None


class Stored(Shape, frozen=True):
    """A profile as it is stored, never a value of a secret; `applies` says what a running desk makes of it."""

    name: str
    broker: str
    environment: str
    enabled: bool
    version: int
    host: str = ""
    url: str = ""
    options: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    fields: tuple[Field, ...] = ()
    notes: tuple[str, ...] = ()
    applies: str = ""


class LogIn(Shape, frozen=True):
    """Where a person logs in at the venue; `state` is brought back with the code."""

    url: str
    state: str


class SealedRecord(Shape, frozen=True):
    """One record of the vault: whose it is, and which fields it holds."""

    profile: str
    broker: str
    environment: str
    version: int
    fields: tuple[str, ...] = ()


class VaultState(Shape, frozen=True):
    """The vault: `standing` is absent, locked or unlocked."""

    standing: str
    reason: str = ""
    changes_in_s: int | None = None
    trouble: str = ""
    warnings: tuple[str, ...] = ()
    vault_id: str | None = None
    generation: int | None = None
    log2n: int | None = None
    records: tuple[SealedRecord, ...] = ()


class StoredProfiles(Verbs):
    """The verbs of profiles as they are stored.  Changes want a person with a fresh proof, or the operator on the machine."""

    __slots__ = ()

    async def one(self, name: str) -> Stored:
        """What is written of a profile, and who gives each of its credentials."""
        return one(await self.door.call("GET", f"{self._at(name)}/settings"), Stored)

    async def add(
        self,
        name: str,
        broker: str,
        *,
        host: str | None = None,
        url: str | None = None,
        options: Mapping[str, str] | None = None,
        enabled: bool | None = None,
        credentials: str | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Stored:
        """Make a profile; `fields` are its secrets by their names (`BROKER_API_KEY`), sealed in the vault."""
        body = given(
            name=name,
            broker=broker,
            host=host,
            url=url,
            options=options,
            enabled=enabled,
            credentials=credentials,
            fields=fields,
        )
        return one(await self.door.call("POST", self.at("/profiles"), body=body), Stored)

    async def edit(
        self,
        name: str,
        *,
        host: str | None = None,
        url: str | None = None,
        options: Mapping[str, str] | None = None,
        enabled: bool | None = None,
        credentials: str | None = None,
    ) -> Stored:
        """Change what is given; broker and environment stay."""
        body = given(host=host, url=url, options=options, enabled=enabled, credentials=credentials)
        return one(await self.door.call("PATCH", self._at(name), body=body), Stored)

    async def remove(self, name: str, *, force: bool = False) -> None:
        """Take a profile out with its secrets; `force` although it has open orders, which stay at the venue."""
        await self.door.call("DELETE", self._at(name), params={"force": "true" if force else None})

    async def rotate(self, name: str, fields: Mapping[str, str], *, test: bool | None = None) -> Stored:
        """Put new secrets in the place of old ones, tried at the venue first unless `test` is false."""
        body = given(fields=fields, test=test)
        return one(await self.door.call("POST", f"{self._at(name)}/rotate", body=body), Stored)

    async def test(self, name: str) -> SelfCheck:
        """The self-check with the stored credentials, whether the desk runs the profile or not."""
        return one(await self.door.call("POST", f"{self._at(name)}/test"), SelfCheck)

    async def begin_login(self, name: str) -> LogIn:
        """Begin a person's log-in at the venue."""
        return one(await self.door.call("POST", f"{self._at(name)}/login"), LogIn)

    async def finish_login(self, name: str, *, code: str, state: str) -> Stored:
        """Bring the code, or the whole address that the log-in led back to."""
        body = {"code": code, "state": state}
        return one(await self.door.call("POST", f"{self._at(name)}/login/code", body=body), Stored)

    def _at(self, name: str) -> str:
        return self.at(f"/profiles/{segment(name)}")


@dataclass(frozen=True, slots=True)
class Vault:
    """The sealed file of credentials.  Changes want a person with a fresh proof, or the operator on the machine."""

    door: Door

    async def state(self) -> VaultState:
        """How it stands."""
        return one(await self.door.call("GET", VAULT), VaultState)

    async def create(self, passphrase: str, *, log2n: int | None = None) -> VaultState:
        """Make one."""
        return one(await self.door.call("POST", VAULT, body=given(passphrase=passphrase, log2n=log2n)), VaultState)

    async def unlock(self, passphrase: str, *, accept_older: bool | None = None) -> VaultState:
        """Open it; `accept_older` takes a file that was put back from a backup."""
        body = given(passphrase=passphrase, accept_older=accept_older)
        return one(await self.door.call("POST", f"{VAULT}/unlock", body=body), VaultState)

    async def lock(self, *, at_once: bool | None = None) -> VaultState:
        """Close it; `at_once` without the time in which cancels still pass."""
        return one(await self.door.call("POST", f"{VAULT}/lock", body=given(at_once=at_once)), VaultState)

    async def rotate(self, passphrase: str, new_passphrase: str) -> VaultState:
        """Another passphrase."""
        body = {"passphrase": passphrase, "new_passphrase": new_passphrase}
        return one(await self.door.call("POST", f"{VAULT}/rotate", body=body), VaultState)
