"""Files of the cache: one Parquet file a year and series, and JSON beside; every write replaces a whole file.

The only file that imports Polars, and not before it is needed (extra `data`).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from floorbroker.domain.errors import ConfigInvalid, without_extra
from floorbroker.marketdata.cache.manifest import File
from floorbroker.marketdata.history import Row
from floorbroker.marketdata.intake import series_of

EXTRA = "data"
COLUMNS = ("start_us", "open", "high", "low", "close", "volume")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_SAFE = re.compile(r"[^A-Za-z0-9.]")
T = TypeVar("T")


def polars() -> Any:
    """The library.  Raises `ConfigInvalid` when the extra is missing."""
    try:
        return import_module("polars")
    except ImportError as error:
        raise ConfigInvalid(without_extra("the cache needs", EXTRA)) from error


def folder_name(symbol: str) -> str:
    """A symbol as one part of a path, different symbols never alike: other signs become their number."""
    return _SAFE.sub(lambda sign: f"_{ord(sign.group()):x}", symbol)


def write_rows(path: Path, symbol: str, rows: Sequence[Row], *, span_s: int) -> File:
    """Rows in order as scaled integers; returns what the manifest keeps of them."""
    series = series_of(symbol, rows, span_s=span_s)
    prices, sizes = 10**series.price_decimals, 10**series.size_decimals
    table: dict[str, list[int]] = {name: [] for name in COLUMNS}
    for bar in series:
        table["start_us"].append((bar.start - _EPOCH) // _US)
        for name in COLUMNS[1:5]:
            table[name].append(int(getattr(bar, name) * prices))
        table["volume"].append(int(bar.volume * sizes))
    lib = polars()
    frame = lib.DataFrame(table, schema=dict.fromkeys(COLUMNS, lib.Int64))
    temporary = _beside(path)
    frame.write_parquet(temporary, compression="zstd", statistics=False)
    digest = digest_of(temporary)
    temporary.replace(path)
    return File(
        rows=len(rows), price_decimals=series.price_decimals, size_decimals=series.size_decimals, digest=digest
    )  # fmt: skip


def read_rows(path: Path, file: File) -> list[Row] | None:
    """None for a file that is not the one the manifest speaks of."""
    if not path.is_file() or digest_of(path) != file.digest:
        return None
    frame = polars().read_parquet(path)
    found: list[Row] = []
    for start_us, *numbers in frame.select(list(COLUMNS)).iter_rows():
        prices = [Decimal(number).scaleb(-file.price_decimals) for number in numbers[:4]]
        found.append(
            Row(
                start=_EPOCH + start_us * _US, open=prices[0], high=prices[1], low=prices[2], close=prices[3],
                volume=Decimal(numbers[4]).scaleb(-file.size_decimals),
            )
        )  # fmt: skip
    return found


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_json(path: Path, value: object) -> None:
    """Written beside, then put in place."""
    temporary = _beside(path)
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")
    temporary.replace(path)


def read_json(path: Path, kind: type[T]) -> T | None:
    """None for a file that is not there, or that cannot be read as `kind`: the cache begins anew then."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _beside(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.{os.getpid()}")
