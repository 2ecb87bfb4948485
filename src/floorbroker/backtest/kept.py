"""Results that are kept: the whole of each, and beside it the few numbers that a list shows.  Both may be thrown away."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from floorbroker.domain.errors import ConfigInvalid, NotFound

ID = re.compile(r"[0-9]{8}t[0-9]{6}-[a-z0-9_]{1,40}-[0-9a-f]{6}")  # its moment first, so that names sort by time
_SUMMARY = ".summary.json"
_SHOWN = ("strategy", "parameters", "start", "end", "fees", "income", "pnl", "statistics")


def keep(
    folder: Path,
    id: str,
    document: Mapping[str, Any],
    asked: Mapping[str, Any],
    curve: Sequence[tuple[str, str, str]] = (),
) -> None:
    """Write one; the summary last, so that what is listed is whole.

    `asked` is what the run was made of, `curve` what a plot shows: times (UTC), equity, and the fall below the high in percent.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shown = {name: document[name] for name in _SHOWN} | {"equity_end": document["equity"]["end"]}
    _write(folder / f"{id}.json", {"id": id, "asked": dict(asked), "result": dict(document), "curve": list(curve)})
    _write(folder / f"{id}{_SUMMARY}", {"id": id, "asked": dict(asked), **shown})


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
