"""How a vault meets the file system: read whole within a bound, written beside and renamed, never edited in place."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from floorbroker.domain.errors import Conflict, NotFound, VaultRefused
from floorbroker.domain.ports import NO_STEPS, Steps

PRIVATE = 0o600


class Files(Protocol):
    """The calls a vault makes; a test hands in ones that fail or die at the n-th."""

    def state(self, path: Path) -> os.stat_result: ...

    def read(self, path: Path, limit: int) -> bytes:
        """At most `limit` bytes."""
        ...

    def names(self, folder: Path) -> list[str]: ...

    def create(self, path: Path) -> int:
        """A new file, readable by its owner alone; never one that exists."""
        ...

    def write(self, file: int, data: bytes) -> int: ...

    def sync(self, file: int) -> None: ...

    def close(self, file: int) -> None: ...

    def rename(self, source: Path, target: Path) -> None: ...

    def sync_folder(self, folder: Path) -> None: ...

    def unlink(self, path: Path) -> None: ...


class SystemFiles:
    """The real file system."""

    def state(self, path: Path) -> os.stat_result:
        return path.stat()

    def read(self, path: Path, limit: int) -> bytes:
        with path.open("rb") as file:
            return file.read(limit)

    def names(self, folder: Path) -> list[str]:
        return sorted(entry.name for entry in folder.iterdir())

    def create(self, path: Path) -> int:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), PRIVATE)

    def write(self, file: int, data: bytes) -> int:
        return os.write(file, data)

    def sync(self, file: int) -> None:
        os.fsync(file)

    def close(self, file: int) -> None:
        os.close(file)

    def rename(self, source: Path, target: Path) -> None:
        source.replace(target)

    def sync_folder(self, folder: Path) -> None:
        if sys.platform == "win32":  # a folder cannot be opened there; the rename itself is journalled by NTFS
            return
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)

    def unlink(self, path: Path) -> None:
        path.unlink(missing_ok=True)


SYSTEM = SystemFiles()


# -- reading ----------------------------------------------------------------------------------------------------------------


def load(files: Files, path: Path, *, limit: int) -> bytes:
    """The whole file.  Raises `NotFound` where there is none, `VaultRefused` where it is not to be trusted or read."""
    try:
        state = files.state(path)
        _ours(path, state)
        if state.st_size > limit:
            raise VaultRefused(f"{path} is larger than any vault: it was not read; put the right file in its place")
        data = files.read(path, limit + 1)
    except FileNotFoundError:
        raise NotFound(f"there is no vault at {path}; make one with: floorbroker vault init") from None
    except OSError as error:
        raise VaultRefused(f"{path} cannot be read: {error.strerror}; see: floorbroker doctor") from error
    return data


def _ours(path: Path, state: os.stat_result) -> None:
    if not stat.S_ISREG(state.st_mode):
        raise VaultRefused(f"{path} is not a file: put the vault in its place")
    if sys.platform == "win32":
        return
    if state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise VaultRefused(f"others may write to {path}: look at what it holds, then: chmod 600 {path}")
    if state.st_uid not in (os.getuid(), 0):
        raise VaultRefused(f"{path} belongs to another user: look at where it came from, then make it yours with chown")


def loose_ends(files: Files, path: Path) -> tuple[str, ...]:
    """What is not as it should be around a vault, in words; nothing of it keeps the vault from opening."""
    if sys.platform == "win32":
        return ()
    found: list[str] = []
    if files.state(path).st_mode & (stat.S_IRGRP | stat.S_IROTH):
        found.append(f"others may read {path}: chmod 600 {path}")
    folder = files.state(path.parent).st_mode
    if folder & (stat.S_IWGRP | stat.S_IWOTH) and not folder & stat.S_ISVTX:
        found.append(f"others may put files into {path.parent}: chmod 700 {path.parent}")
    return tuple(found)


# -- writing ----------------------------------------------------------------------------------------------------------------


def replace(files: Files, path: Path, data: bytes, *, mark: str, steps: Steps = NO_STEPS) -> None:
    """Put `data` in the place of the file, so that whatever happens the old or the new one is there.  Raises `OSError`.

    `mark` makes the temporary file's name its own.
    """
    temporary = path.with_name(f".{path.name}.{mark}.tmp")
    _sweep(files, path)
    steps.reach("vault.begun")
    try:
        _fill(files, temporary, data)
        steps.reach("vault.written")
        files.rename(temporary, path)
    except OSError:
        with suppress(OSError):
            files.unlink(temporary)
        raise
    steps.reach("vault.renamed")
    files.sync_folder(path.parent)
    steps.reach("vault.durable")


def _sweep(files: Files, path: Path) -> None:
    """Remove what a write that was cut off left behind; the caller holds the lock, so none of it is in use."""
    stale = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{1,64}}\.tmp")
    for name in files.names(path.parent):
        if stale.fullmatch(name):
            files.unlink(path.parent / name)


def _fill(files: Files, path: Path, data: bytes) -> None:
    opened = files.create(path)
    try:
        rest = data
        while rest:
            rest = rest[files.write(opened, rest) :]
        files.sync(opened)
    finally:
        files.close(opened)


if sys.platform == "win32":

    @contextmanager
    def exclusively(path: Path) -> Generator[None]:
        """A folder cannot be locked there: a second writer is found by the file's content, which each write compares."""
        del path
        yield

else:
    import fcntl

    @contextmanager
    def exclusively(path: Path) -> Generator[None]:
        """No other process writes this vault meanwhile.  Raises `Conflict` when one does."""
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _lock(folder, path)
            yield
        finally:
            os.close(folder)  # closing frees the lock

    def _lock(folder: int, path: Path) -> None:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"another process is writing {path.name}: try again") from None
