"""Sixteen mebibytes kept aside, given back when the disk is full so that bookkeeping can finish (RELIABILITY 10)."""

from __future__ import annotations

import os
from pathlib import Path

RESERVE_BYTES = 16 * 1024 * 1024
_CHUNK = b"\0" * (1024 * 1024)


class Reserve:
    """A file of real blocks (written, not sparse)."""

    def __init__(self, path: Path, *, size: int = RESERVE_BYTES) -> None:
        self.path = path
        self.size = size

    @property
    def is_held(self) -> bool:
        """Whether all of it stands on the disk."""
        return self.path.exists() and self.path.stat().st_size >= self.size

    def hold(self) -> bool:
        """Set the space aside.  False when the disk has no room for it; nothing is left behind then."""
        if self.is_held:
            return True
        try:
            self._write()
        except OSError:
            self.path.unlink(missing_ok=True)
            return False
        return True

    def release(self) -> bool:
        """Give the space back.  False when there was none to give."""
        held = self.path.exists()
        self.path.unlink(missing_ok=True)
        return held

    def _write(self) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            left = self.size
            while left > 0:
                left -= file.write(_CHUNK[:left])
            file.flush()
            os.fsync(file.fileno())
