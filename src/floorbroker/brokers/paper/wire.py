"""The venue's own books on disk: an append-only file of orders as they stood and of options that ended, one transaction a line.

The file is what makes the venue a venue: it does not forget an order because its client died.  A line is on disk before the
answer leaves; a last line cut short by a crash never happened.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import msgspec

from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.options import Ending
from floorbroker.domain.values import ClOrdId, OrderId
from floorbroker.matching import Fill, MatchOrder

VERSION = 1


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One order as it stood after a transaction; the newest row of an order wins.  `busted` are fills that were taken back."""

    order: MatchOrder
    cl_ord_id: ClOrdId | None = None
    busted: tuple[Fill, ...] = ()


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """How signed contracts of an option ended, without an order; `fills` are what it moved in the ledger."""

    symbol: str
    ending: Ending
    qty: Decimal
    at: datetime
    fills: tuple[Fill, ...]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction."""

    version: int = VERSION
    rows: tuple[Row, ...] = ()
    deeds: tuple[Deed, ...] = ()


class StateFile(Protocol):
    """Where the venue keeps its books."""

    def load(self) -> dict[OrderId, Row]:
        """The newest row of every order, in order of submission."""
        ...

    def deeds(self) -> tuple[Deed, ...]:
        """How options ended, oldest first, as of the last `load` and what was appended since."""
        ...

    def append(self, rows: Iterable[Row], deeds: Iterable[Deed] = ()) -> None:
        """Make a transaction durable.  Raises `OSError`."""
        ...

    def close(self) -> None: ...


class MemoryState:
    """Books that end with the object; for tests and for simulations that hand the same object to the next venue."""

    def __init__(self) -> None:
        self.rows: dict[OrderId, bytes] = {}
        self._deeds: list[bytes] = []

    def load(self) -> dict[OrderId, Row]:
        return {order_id: msgspec.json.decode(raw, type=Row) for order_id, raw in self.rows.items()}

    def deeds(self) -> tuple[Deed, ...]:
        return tuple(msgspec.json.decode(raw, type=Deed) for raw in self._deeds)

    def append(self, rows: Iterable[Row], deeds: Iterable[Deed] = ()) -> None:
        for row in rows:
            self.rows[row.order.order_id] = msgspec.json.encode(row)
        self._deeds += map(msgspec.json.encode, deeds)

    def close(self) -> None:
        return None


class LogFile:
    """Books in a file.  `load` drops a torn last line and rewrites the file with the newest rows alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None
        self._deeds: list[Deed] = []

    def load(self) -> dict[OrderId, Row]:
        """Raises `ConfigInvalid` for a file that is not ours or is damaged before its end."""
        rows: dict[OrderId, Row] = {}
        deeds: list[Deed] = []
        for line in self._lines():
            for row in line.rows:
                rows[row.order.order_id] = row
            deeds += line.deeds
        self._rewrite(rows, deeds)
        return rows

    def deeds(self) -> tuple[Deed, ...]:
        return tuple(self._deeds)

    def _lines(self) -> Iterable[Line]:
        if not self.path.exists():
            return
        *whole, _torn = self.path.read_bytes().split(b"\n")
        decoder = msgspec.json.Decoder(Line)
        for number, raw in enumerate(whole, start=1):
            try:
                line = decoder.decode(raw)
            except msgspec.DecodeError as error:
                raise ConfigInvalid(f"line {number} of the paper venue's books does not read: {error}") from error
            if line.version != VERSION:
                raise ConfigInvalid(f"the paper venue's books have version {line.version}, not {VERSION}")
            yield line

    def _rewrite(self, rows: dict[OrderId, Row], deeds: list[Deed]) -> None:
        self.close()
        self._deeds = []
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.new")
        self._file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        if rows or deeds:
            self.append(rows.values(), deeds)
        temporary.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def append(self, rows: Iterable[Row], deeds: Iterable[Deed] = ()) -> None:
        if self._file is None:
            raise OSError("the paper venue's books are closed")
        line = Line(rows=tuple(rows), deeds=tuple(deeds))
        raw = msgspec.json.encode(line) + b"\n"
        written = os.write(self._file, raw)
        if written != len(raw):
            raise OSError("the paper venue's books could not be written whole")
        os.fsync(self._file)
        self._deeds += line.deeds

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
