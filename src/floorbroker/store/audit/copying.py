"""The copy off the host: a folder, on another machine's disk say, to which the chain's files are appended.

What is there is never changed, only continued.  A copy that does not begin as our files do is left alone and told of.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from floorbroker.domain.errors import JournalFault
from floorbroker.store.audit.evidence import Finding
from floorbroker.store.audit.keys import Standing
from floorbroker.store.audit.places import Places

CHUNK = 1024 * 1024
OVERLAP = 64 * 1024
_SEQ = re.compile(rb'"(?:seq|size)":"(\d{1,19})"')


@dataclass(slots=True, kw_only=True)
class Copy:
    """Continues the copy in `folder`; one thread at a time."""

    places: Places
    folder: Path

    def bring(self, standing: Standing) -> int:
        """Append what is durable here and not there yet; how many bytes.  Raises `JournalFault`."""
        target = Places(self.folder, self.places.environment)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._public(target)
            return sum(self._segment(number, path, target, standing) for number, path in self.places.segments())
        except OSError as error:
            raise JournalFault(f"the copy in {self.folder} cannot be written: {error.strerror}") from error

    def _public(self, target: Places) -> None:
        if not target.public.exists():
            target.public.write_bytes(self.places.public.read_bytes())

    def _segment(self, number: int, path: Path, target: Places, standing: Standing) -> int:
        if number > standing.segment:
            return 0
        wanted = standing.offset if number == standing.segment else path.stat().st_size
        there = target.segment(number)
        has = there.stat().st_size if there.exists() else 0
        if has == wanted:
            return 0
        if has > wanted or not _same(path, there, max(0, has - OVERLAP), has):
            raise JournalFault(f"{there} is not the beginning of {path}: the copy is left as it is")
        return _continued(path, there, has, wanted)


def _continued(path: Path, there: Path, start: int, end: int) -> int:
    with path.open("rb") as source, there.open("ab") as target:
        source.seek(start)
        left = end - start
        while left > 0 and (data := source.read(min(left, CHUNK))):
            target.write(data)
            left -= len(data)
        target.flush()
        os.fsync(target.fileno())
    return end - start


def compared(places: Places, folder: Path, *, is_archived: bool) -> Finding | None:
    """The first place where our files and a copy differ, or end before it does; None when the copy is their beginning."""
    for number, there in Places(folder, places.environment).segments():
        path = places.segment(number)
        if not path.exists():
            if is_archived:
                continue
            return _finding("missing", there, 0, f"{path.name} is in the copy and not here")
        size, has = path.stat().st_size, there.stat().st_size
        at = _differs(path, there, 0, min(size, has))
        if at is not None:
            return _finding("copy", there, at, f"{path.name} is not what the copy holds")
        if has > size:
            return _finding("truncated", there, size, f"the copy of {path.name} goes on where ours ends")
    return None


def _same(path: Path, there: Path, start: int, end: int) -> bool:
    return start == end or _differs(path, there, start, end) is None


def _differs(path: Path, there: Path, start: int, end: int) -> int | None:
    """The offset of the first byte, from `start` up to `end`, that is not the same."""
    with path.open("rb") as ours, there.open("rb") as theirs:
        ours.seek(start)
        theirs.seek(start)
        while start < end:
            size = min(CHUNK, end - start)
            mine, other = ours.read(size), theirs.read(size)
            if mine != other:
                pairs = zip(mine, other, strict=False)
                shorter = min(len(mine), len(other))
                return start + next((place for place, pair in enumerate(pairs) if pair[0] != pair[1]), shorter)
            start += size
    return None


def _finding(kind: str, there: Path, at: int, detail: str) -> Finding:
    """Where in the copy an offset is: the line's number, and the record it is of."""
    place, seq, offset = 0, 0, 0
    with there.open("rb") as lines:
        for place, line in enumerate(lines, start=1):  # noqa: B007 - the last one is what is asked for
            offset += len(line)
            if (found := _SEQ.search(line)) is not None:
                seq = int(found[1])
            if offset > at:
                break
    return Finding(kind=kind, seq=max(1, seq), where=f"{there.name}:{place}", detail=detail)
