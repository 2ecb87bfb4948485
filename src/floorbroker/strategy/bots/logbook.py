"""`decisions.jsonl`: every wish of every bot, with what it looked at and what became of it, one line of JSON each.

A line carries the SHA-256 of the line before it (`prev`) and of itself (`hash`), so that a line that was changed or taken out
shows.  `key` and `body_hash` are the ones that the journal keeps with the order, and `order_id` is the venue's: a line leads to
the audit of its order and back.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rfc8785

from floorbroker.domain.errors import ConfigInvalid

NOTHING = "0" * 64
_TAIL_BYTES = 1 << 16


@dataclass(slots=True)
class Logbook:
    """Appends lines; one writer at a time."""

    path: Path
    _last: str = ""
    _file: int = field(default=-1)

    def open(self) -> None:
        """Go on behind the last whole line.  Raises `ConfigInvalid` where the file's last line is none of ours."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        size = os.fstat(self._file).st_size
        tail = os.pread(self._file, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
        if torn := len(tail) - (tail.rfind(b"\n") + 1):
            os.ftruncate(self._file, size - torn)  # a line that a crash cut short was never said
            tail = tail[: len(tail) - torn]
        lines = tail.splitlines()
        self._last = NOTHING if not lines else _hash_in(lines[-1], self.path)

    def append(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Write one decision; the line as it stands."""
        line = {**members, "prev": self._last}
        line["hash"] = hash_of(line)
        os.write(self._file, json.dumps(line, ensure_ascii=False).encode() + b"\n")
        self._last = line["hash"]
        return line

    def close(self) -> None:
        """Make it durable and let go."""
        if self._file >= 0:
            os.fsync(self._file)
            os.close(self._file)
            self._file = -1


def hash_of(line: Mapping[str, Any]) -> str:
    """Of everything in a line but its own hash, as canonical JSON."""
    return hashlib.sha256(rfc8785.dumps({name: value for name, value in line.items() if name != "hash"})).hexdigest()


def _hash_in(line: bytes, path: Path) -> str:
    try:
        found = json.loads(line)["hash"]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigInvalid(f"{path}: its last line is no decision; move the file away") from error
    return str(found)


def decisions(path: Path) -> Iterator[dict[str, Any]]:
    """Every line, oldest first; nothing where there is no file.  Raises `ConfigInvalid` for a line that is no JSON."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return  # it is being written
            try:
                yield json.loads(line)
            except ValueError as error:
                raise ConfigInvalid(f"{path}:{number}: no JSON ({error})") from error


def broken_line(path: Path) -> int | None:
    """The number of the first line that is not what was written, or does not follow the one before it; None when all do."""
    last = NOTHING
    for number, line in enumerate(decisions(path), start=1):
        if line.get("prev") != last or line.get("hash") != hash_of(line):
            return number
        last = line["hash"]
    return None
