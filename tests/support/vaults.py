"""Vaults for tests: a derivation that costs nothing, repeatable random bytes, and a file system that dies on demand."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.vault import Around, KeyDerivation, Known, SystemFiles, Vault
from floorbroker.vault.format import Header, file_bytes, signed_bytes
from floorbroker.vault.kdf import passphrase_bytes
from floorbroker.vault.keys import keys_of, mac_of

PASSPHRASE = Secret("correct horse battery staple")
OTHER = Secret("another long passphrase")
PAPER, LIVE, SIM = Environment.PAPER, Environment.LIVE, Environment.SIM


@dataclass(slots=True)
class QuickDerivation:
    """One hash instead of 256 MiB; counts what it was asked for."""

    asked: list[dict[str, int]] = field(default_factory=list[dict[str, int]])

    def derive(self, passphrase: bytes, *, salt: bytes, log2n: int, r: int, p: int) -> bytes:
        self.asked.append({"log2n": log2n, "r": r, "p": p})
        return hashlib.sha256(b"|".join((passphrase, salt, f"{log2n} {r} {p}".encode()))).digest()


def repeatable(seed: int = 1) -> Callable[[int], bytes]:
    return Random(seed).randbytes


def around(seed: int = 1) -> Around:
    return Around(derive=QuickDerivation(), random=repeatable(seed))


def make(folder: Path, *, seed: int = 1, passphrase: Secret = PASSPHRASE, name: str = "v.enc") -> Vault:
    return Vault.create(folder / name, passphrase, around=around(seed))


def secrets(**values: str) -> dict[str, Secret]:
    return {name: Secret(value) for name, value in values.items()}


class Died(BaseException):
    """The process ended here, as far as the code under test can tell."""


@dataclass(slots=True)
class DyingFiles(SystemFiles):
    """Dies, or fails, at the n-th call and at every one after it: what was not done by then is never done."""

    at: int
    error: Callable[[], BaseException] = Died
    half: bool = False  # a write that is cut off leaves half of what it was given
    for_ever: bool = True
    calls: int = 0

    def _next(self) -> None:
        self.calls += 1
        if self.calls == self.at or (self.for_ever and self.calls > self.at):
            raise self.error()

    def state(self, path: Path) -> os.stat_result:
        self._next()
        return super(DyingFiles, self).state(path)

    def read(self, path: Path, limit: int) -> bytes:
        self._next()
        return super(DyingFiles, self).read(path, limit)

    def names(self, folder: Path) -> list[str]:
        self._next()
        return super(DyingFiles, self).names(folder)

    def create(self, path: Path) -> int:
        self._next()
        return super(DyingFiles, self).create(path)

    def write(self, file: int, data: bytes) -> int:
        if self.half and self.calls + 1 == self.at:
            os.write(file, data[: len(data) // 2])
        self._next()
        return super(DyingFiles, self).write(file, data)

    def sync(self, file: int) -> None:
        self._next()
        super(DyingFiles, self).sync(file)

    def close(self, file: int) -> None:
        super(DyingFiles, self).close(file)  # a process that ends closes its files
        self._next()

    def rename(self, source: Path, target: Path) -> None:
        self._next()
        super(DyingFiles, self).rename(source, target)

    def sync_folder(self, folder: Path) -> None:
        self._next()
        super(DyingFiles, self).sync_folder(folder)

    def unlink(self, path: Path) -> None:
        self._next()
        super(DyingFiles, self).unlink(path)


PLACE = Path("/nowhere/vault.enc")


@dataclass(slots=True)
class MemoryFiles(SystemFiles):
    """One vault that lies in memory, to be opened very often."""

    raw: bytes = b""

    def state(self, path: Path) -> os.stat_result:
        mode = 0o100600 if path.name == PLACE.name else 0o040700
        return os.stat_result((mode, 0, 0, 1, os.getuid(), 0, len(self.raw), 0, 0, 0))

    def read(self, path: Path, limit: int) -> bytes:
        return self.raw[:limit]


@dataclass(slots=True)
class Opener:
    """Opens bytes as a vault, deriving each key once a parameter set; nothing is ever written."""

    files: MemoryFiles = field(default_factory=MemoryFiles)
    derive: QuickDerivation = field(default_factory=QuickDerivation)

    def open(self, raw: bytes, passphrase: Secret = PASSPHRASE, known: Known | None = None) -> Vault:
        self.files.raw = raw
        world = Around(derive=self.derive, files=self.files)
        return Vault.open(PLACE, passphrase, known=known, upgrade=False, around=world)


def signed_again(
    header: Header, sealed: Sequence[bytes], *, derive: KeyDerivation, passphrase: Secret = PASSPHRASE
) -> bytes:
    """The file of a header, with a right MAC: what only somebody who knows the passphrase can make."""
    kdf = header.kdf
    master = bytearray(derive.derive(passphrase_bytes(passphrase), salt=kdf.salt, log2n=kdf.log2n, r=kdf.r, p=kdf.p))
    signed = signed_bytes(header)
    keys = keys_of(master, vault_id=header.vault, kek_id=header.kek.id)
    return file_bytes(signed, mac_of(keys.mac, signed), sealed)
