"""Raw captures: frames as they came off the wire, one a line.

A line is `URL -> seconds: body` (a reply), `seconds: message` (off a stream), `URL <-> seconds` (a connection) and
`URL <- seconds: message` (what was sent); without a time in front it is a bare message.  Files may be plain, gzip or zip.
"""

from __future__ import annotations

import gzip
import heapq
import io
import re
import zipfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path

from floorbroker.domain.values import from_epoch

_MARKED = re.compile(r"(?P<url>[a-z]+://\S+) (?P<arrow><->|->|<-) (?P<at>\d+(?:\.\d+)?)(?:: (?P<data>.*))?", re.DOTALL)
_TIMED = re.compile(r"(?P<at>\d+(?:\.\d+)?): (?P<data>.*)", re.DOTALL)
_OWN_TIME = re.compile(r'"(?:ts|E|T|time)":(\d{13})\b')
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class FrameKind(Enum):
    REPLY = "reply"
    MESSAGE = "message"
    CONNECTED = "connected"
    SENT = "sent"


_ARROWS = {"->": FrameKind.REPLY, "<->": FrameKind.CONNECTED, "<-": FrameKind.SENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFrame:
    """One frame.  `at` is when it was captured, else the millisecond stamp inside it, else None; `url` where it is named."""

    at: datetime | None
    kind: FrameKind
    url: str | None
    data: str


def frame_of(line: str) -> RawFrame:
    """The frame a line of a capture stands for."""
    if marked := _MARKED.fullmatch(line):
        at = from_epoch(s=Decimal(marked["at"]))
        return RawFrame(at=at, kind=_ARROWS[marked["arrow"]], url=marked["url"], data=marked["data"] or "")
    if timed := _TIMED.fullmatch(line):
        return RawFrame(at=from_epoch(s=Decimal(timed["at"])), kind=FrameKind.MESSAGE, url=None, data=timed["data"])
    own = _OWN_TIME.search(line[:512])
    at = from_epoch(ms=int(own[1])) if own else None
    return RawFrame(at=at, kind=FrameKind.MESSAGE, url=None, data=line)


def frames(path: Path) -> Iterator[RawFrame]:
    """Every frame of a capture, in the order of the file; empty lines are skipped."""
    with _opened(path) as lines:
        for line in lines:
            text = line.rstrip("\r\n")
            if text:
                yield frame_of(text)


def merged_frames(paths: Sequence[Path]) -> Iterator[RawFrame]:
    """Several captures by time.  A frame without a time stays behind the one before it."""
    return (frame for _, frame in heapq.merge(*(_timed(frames(path)) for path in paths), key=lambda pair: pair[0]))


def _timed(source: Iterable[RawFrame]) -> Iterator[tuple[datetime, RawFrame]]:
    latest = _LONG_AGO
    for frame in source:
        latest = max(latest, frame.at or latest)
        yield latest, frame


@contextmanager
def _opened(path: Path) -> Generator[Iterable[str]]:
    """The lines of a file, decompressed as its first bytes ask for."""
    with path.open("rb") as file:
        magic = file.read(2)
    if magic == b"PK":
        with zipfile.ZipFile(path) as archive:
            yield _zipped(archive)
    elif magic == b"\x1f\x8b":
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as text:
            yield text
    else:
        with path.open(encoding="utf-8", newline="\n") as text:
            yield text


def _zipped(archive: zipfile.ZipFile) -> Iterator[str]:
    for name in sorted(archive.namelist()):
        with archive.open(name) as member:
            yield from io.TextIOWrapper(member, encoding="utf-8", newline="\n")
