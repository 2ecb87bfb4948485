"""`decisions.jsonl`: every wish of every bot, with what it looked at and what became of it, one line of JSON each.

A line carries the SHA-256 of the line before it (`prev`) and of itself (`hash`), so that a line that was changed or taken out
shows.  `key` and `body_hash` are the ones that the journal keeps with the order, and `order_id` is the venue's: a line leads to
the audit of its order and back.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import rfc8785

from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.frozen import frozen

NOTHING = "0" * 64
_TAIL_BYTES = 1 << 16
_LOOKED_THROUGH = 1 << 24


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


@frozen
class Earlier:
    """Lines of the log, newest first.  `older` is where the next page ends, in bytes; None at the beginning of the file."""

    lines: tuple[Mapping[str, Any], ...]
    older: int | None


def newest(
    path: Path,
    *,
    before: int | None = None,
    limit: int = 100,
    wanted: Callable[[Mapping[str, Any]], bool] = lambda _: True,
) -> Earlier:
    """The last lines that are wanted, or those before a place in the file; the file is read from its end.

    A page looks through 16 MiB at most: it may be short, or empty, with more to come.  Raises `ConfigInvalid` for a line
    that is no JSON.
    """
    if not path.exists():
        return Earlier(lines=(), older=None)
    found: list[Mapping[str, Any]] = []
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        end = size if before is None else min(before, size)
        least = max(0, end - _LOOKED_THROUGH)
        while end > least and len(found) < limit:
            begin, lines = _block(file, end)
            for start, raw in reversed(lines):
                end = start
                if (line := _decision(raw, path, start)) is not None and wanted(line):
                    found.append(line)
                    if len(found) == limit:
                        break
            else:
                end = begin
    return Earlier(lines=tuple(found), older=end or None)


def _block(file: BinaryIO, end: int) -> tuple[int, list[tuple[int, bytes]]]:
    """The whole lines before a place, a stretch of them, each with where it starts; and where the stretch begins."""
    size = _TAIL_BYTES
    while True:
        begin = max(0, end - size)
        file.seek(begin)
        data = file.read(end - begin)
        first = 0 if begin == 0 else data.find(b"\n") + 1
        if begin == 0 or (0 < first < len(data)):
            break
        size *= 2  # a line that is longer than the stretch
    lines: list[tuple[int, bytes]] = []
    at = begin + first
    for raw in data[first:].splitlines(keepends=True):
        lines.append((at, raw))
        at += len(raw)
    return begin + first, lines


def _decision(raw: bytes, path: Path, start: int) -> Mapping[str, Any] | None:
    """None for a line that is being written."""
    if not raw.endswith(b"\n"):
        return None
    try:
        return json.loads(raw)
    except ValueError as error:
        raise ConfigInvalid(f"{path}, byte {start}: no JSON ({error})") from error


def broken_line(path: Path) -> int | None:
    """The number of the first line that is not what was written, or does not follow the one before it; None when all do."""
    last = NOTHING
    for number, line in enumerate(decisions(path), start=1):
        if line.get("prev") != last or line.get("hash") != hash_of(line):
            return number
        last = line["hash"]
    return None
