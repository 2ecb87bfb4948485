"""The calls to the file system that the audit's chain makes, one method a call, so that a test can end it at each."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from floorbroker.domain.errors import JournalFault

_SYNC = getattr(os, "fdatasync", os.fsync)
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)


class Files:
    """The real one."""

    def open(self, path: Path) -> int:
        """A descriptor to read and write; a new file is its owner's alone."""
        return os.open(path, _FLAGS, 0o600)

    def write(self, descriptor: int, at: int, data: bytes) -> None:
        """All of `data`, from a place on."""
        os.lseek(descriptor, at, os.SEEK_SET)
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    def cut(self, descriptor: int, size: int) -> None:
        """Make the file so long."""
        os.ftruncate(descriptor, size)

    def sync(self, descriptor: int) -> None:
        """Wait until what was written is on the disk."""
        _SYNC(descriptor)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        """Put one file in the place of another."""
        old.replace(new)

    def remove(self, path: Path) -> None:
        path.unlink()

    def sync_folder(self, folder: Path) -> None:
        """Wait until the names in a folder are on the disk; where folders cannot be opened, they need no flush."""
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except PermissionError:
            return
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def told(what: str) -> Generator[None]:
    """An error of the system as a `JournalFault` that names the file."""
    try:
        yield
    except OSError as error:
        raise JournalFault(f"{what} cannot be written: {error.strerror or type(error).__name__}") from error


def put(files: Files, path: Path, data: bytes) -> None:
    """Write a whole small file: the old one or the new one is there, whenever the power goes."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    with suppress(FileNotFoundError):
        files.remove(temporary)
    descriptor = files.open(temporary)
    try:
        files.write(descriptor, 0, data)
        files.sync(descriptor)
    finally:
        files.close(descriptor)
    files.rename(temporary, path)
    files.sync_folder(path.parent)
