"""One process per journal: an advisory lock on a file beside it, freed by the system however the process ends."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from floorbroker.domain.errors import Conflict, JournalFault


class ProcessLock:
    """Holds `path` locked from `acquire` to `release`.  The file stays; its text names the holder for people."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def acquire(self) -> None:
        """Raises `Conflict` when another process (or another journal of this one) holds the lock."""
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise JournalFault(f"the lock {self.path} cannot be opened: {error.strerror}") from error
        try:
            _lock(fd)
        except OSError as error:
            os.close(fd)
            raise Conflict(f"{self.path.stem} is open in another process; one process owns a journal") from error
        self._fd = fd
        with suppress(OSError):  # a full disk has no room for the number, and it is locked all the same
            os.ftruncate(fd, 0)
            os.write(fd, f"{os.getpid()}\n".encode("ascii"))

    def release(self) -> None:
        """Let go; harmless when not held."""
        if self._fd is not None:
            os.close(self._fd)  # closing frees the lock
            self._fd = None


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30  # a byte nobody reads, so that the holder's number stays readable

    def _lock(fd: int) -> None:
        os.lseek(fd, _FAR, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        os.lseek(fd, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
