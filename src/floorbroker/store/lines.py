"""Files of JSON lines that are only appended to, durable when `append` returns, and whole again after a crash."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from floorbroker.domain.errors import JournalFault

_STEP = 64 * 1024


def append(path: Path, lines: Sequence[bytes]) -> None:
    """Add lines (without their ends) and flush them to the disk.  Raises `JournalFault`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with open(fd, "ab", closefd=True) as file:  # noqa: PTH123 - opened above with its mode
            file.write(b"".join(line + b"\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise JournalFault(f"{path} cannot be written: {error.strerror}") from error


def renew(path: Path, lines: Sequence[bytes]) -> None:
    """Set a file aside as `.1`, in place of the one before, and begin it anew with these lines; at no moment is there none.

    Raises `JournalFault`.
    """
    aside, fresh = path.with_name(f"{path.name}.1"), path.with_name(f"{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        append(fresh, lines)
        aside.unlink(missing_ok=True)
        os.link(path, aside)
        fresh.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise JournalFault(f"{path} cannot be set aside: {error.strerror}") from error


def repair(path: Path) -> bytes | None:
    """Cut off a last line that a crash left without its end; the last whole line, or None when there is none.

    Raises `JournalFault`.
    """
    try:
        return _repaired(path) if path.exists() else None
    except OSError as error:
        raise JournalFault(f"{path} cannot be read: {error.strerror}") from error


def _repaired(path: Path) -> bytes | None:
    with path.open("rb+") as file:
        tail = _tail(file.seek(0, os.SEEK_END), path)
        whole = tail.rfind(b"\n") + 1
        file.truncate(file.seek(0, os.SEEK_END) - len(tail) + whole)
    lines = tail[:whole].splitlines()
    return lines[-1] if lines else None


def _tail(size: int, path: Path) -> bytes:
    """The end of the file, long enough to hold one whole line and a broken one; all of it when it has no two ends."""
    wanted = _STEP
    while True:
        with path.open("rb") as file:
            file.seek(max(0, size - wanted))
            tail = file.read()
        if wanted >= size or tail.count(b"\n") > 1:
            return tail
        wanted *= 2
