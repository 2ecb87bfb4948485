"""Vaults for tests: a derivation that costs nothing, repeatable random bytes, and a file system that dies on demand."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.vault import Around, SystemFiles, Vault

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
