"""Results that are kept: the whole of each, and beside it the few numbers that a list shows.  Both may be thrown away.

The oldest go when there are too many, or when they take too much room.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from floorbroker.domain.errors import ConfigInvalid, NotFound

# Its moment first, to the microsecond, so that names sort by time; those of earlier releases have seconds, and sort before.
ID = re.compile(r"[0-9]{8}t[0-9]{6}(?:[0-9]{6})?-[a-z0-9_]{1,40}-[0-9a-f]{6}")
_SUMMARY = ".summary.json"
_SHOWN = ("strategy", "parameters", "start", "end", "fees", "income", "pnl", "statistics")


MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Room:
    """How many results are kept, and how many bytes they may take together; the newest stays in any case."""

    most: int = 500
    most_bytes: int = 500 * MB


def new_id(now: datetime, strategy: str) -> str:
    """A fresh one.  Of a strategy's name, small letters, digits and `_` are left."""
    word = re.sub(r"[^a-z0-9_]+", "_", strategy.lower()).strip("_")[:40] or "strategy"
    return f"{now:%Y%m%dt%H%M%S%f}-{word}-{secrets.token_hex(3)}"


def keep(
    folder: Path,
    id: str,
    document: Mapping[str, Any],
    asked: Mapping[str, Any],
    curve: Sequence[tuple[str, str, str]] = (),
    *,
    room: Room | None = None,
) -> None:
    """Write one; the summary last, so that what is listed is whole.  Older ones make room for it.

    `asked` is what the run was made of, `curve` what a plot shows: times (UTC), equity, and the fall below the high in percent.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shown = {name: document[name] for name in _SHOWN} | {"equity_end": document["equity"]["end"]}
    _write(folder / f"{id}.json", {"id": id, "asked": dict(asked), "result": dict(document), "curve": list(curve)})
    _write(folder / f"{id}{_SUMMARY}", {"id": id, "asked": dict(asked), **shown})
    prune(folder, room or Room())


def prune(folder: Path, room: Room) -> list[str]:
    """Throw away the oldest that are too many or too large together; their ids.  What is no result is not touched."""
    found = sorted(
        {path.name.partition(".")[0] for path in folder.glob("*.json") if ID.fullmatch(path.name.partition(".")[0])}
    )
    sizes = {one: sum(_size(path) for path in _files(folder, one)) for one in found}
    gone = list[str]()
    while len(found) > 1 and (len(found) > room.most or sum(sizes[one] for one in found) > room.most_bytes):
        gone.append(found.pop(0))
        for path in _files(folder, gone[-1]):
            path.unlink(missing_ok=True)
    return gone


def _files(folder: Path, id: str) -> tuple[Path, Path]:
    """The summary first: what is listed is whole."""
    return folder / f"{id}{_SUMMARY}", folder / f"{id}.json"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def summaries(folder: Path, *, before: str = "", limit: int = 100) -> list[dict[str, Any]]:
    """The newest, older than `before` where it is named.  Raises `ConfigInvalid` for a file that is none."""
    ids = sorted((path.name.removesuffix(_SUMMARY) for path in folder.glob(f"*{_SUMMARY}")), reverse=True)
    wanted = [one for one in ids if ID.fullmatch(one) and (not before or one < before)]
    return [_read(folder / f"{one}{_SUMMARY}") for one in wanted[:limit]]


def whole(folder: Path, id: str) -> dict[str, Any]:
    """One result.  Raises `NotFound` for an id that is none of these."""
    path = folder / f"{id}.json"
    if not ID.fullmatch(id) or not path.is_file():
        raise NotFound("no such backtest is kept here")
    return _read(path)


def _write(path: Path, document: Mapping[str, Any]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(msgspec.json.encode(document))
    temporary.replace(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigInvalid(f"{path.name}: no kept backtest ({type(error).__name__}); remove it") from None
