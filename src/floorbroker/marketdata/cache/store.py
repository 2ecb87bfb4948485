"""The cache: what was asked for once is read from disk, what is missing is asked for and put beside it.

`bars/SOURCE/SPAN/SYMBOL/YEAR.parquet` hold raw rows, `manifest.json` beside them where they came from;
`actions/SOURCE/SYMBOL.json` holds splits and dividends.  A file that was changed by anybody else is not believed: its year is
asked for again.  When all files together grow beyond the budget, the series that was read longest ago goes first.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import msgspec

from floorbroker.domain.actions import CorporateAction, Dividend, Split
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError, NotSupported
from floorbroker.marketdata.cache.files import folder_name, read_json, read_rows, write_json, write_rows
from floorbroker.marketdata.cache.manifest import VERSION, Manifest, Span, noted_of
from floorbroker.marketdata.history import DAY_S, History, HistorySource, Kind, Row, Trouble
from floorbroker.marketdata.intake import examined, holes, series_of

GIB = 1 << 30
_ACTIONS_AGE = timedelta(days=1)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
KINDS: dict[str, Kind] = {
    "rate_limit_exceeded": "rate_limited",
    "symbol_not_found": "unknown_symbol",
    "forbidden": "not_entitled",
    "authentication_failed": "not_entitled",
}
REASONS = frozenset({*KINDS.values(), "unavailable"})


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Actions of one symbol as they are kept."""

    version: int
    fetched_at: datetime
    start: datetime
    end: datetime
    splits: list[tuple[str, str, str]]
    dividends: list[tuple[str, str, str]]


class Store:
    """One source over one folder.  Calls about different symbols may run at the same time; those about one wait for no lock, so
    two processes may fetch the same twice, and the later one wins.
    """

    def __init__(self, source: HistorySource, folder: Path, *, clock: Clock, budget_bytes: int = 2 * GIB) -> None:
        self._source = source
        self._folder = folder
        self._clock = clock
        self._budget_bytes = budget_bytes
        self.evicted: list[str] = []

    @property
    def name(self) -> str:
        return self._source.name

    # -- bars -----------------------------------------------------------------------------------------------------------

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime) -> History:
        """From disk, and from the source what is missing there; what cannot be had stands among the troubles."""
        place = self._place(symbol, span_s)
        manifest = self._manifest(place, symbol, span_s)
        troubles, rows = self._sound(place, manifest)
        for low, high in manifest.missing(start, end, now=self._clock.now()):
            try:
                told = await self._source.bars(symbol, span_s=span_s, start=low, end=high)
            except FloorbrokerError as error:
                troubles.append(trouble_of(error, symbol, low, high))
                continue
            found = examined(told, symbol=symbol, source=self.name, span_s=span_s, start=low, end=high)
            fresh = [_row(found, index) for index in range(len(found.bars))]
            revised = _revised(symbol, rows, fresh)
            rows = _merged(rows, fresh, low, high)
            answer = Span(
                start=low, end=high, fetched_at=self._clock.now(), rows=len(fresh), digest=digest_of_rows(fresh),
                troubles=noted_of((*found.troubles, *revised)),
            )  # fmt: skip
            self._write(place, manifest, rows, answer)
        self._touch(place)
        self._shrink(place)
        troubles += manifest.noted(start, end)
        wanted = [row for row in rows if start <= row.start < end]
        if span_s == DAY_S:
            troubles += _holes(symbol, wanted, start, min(end, self._clock.now()), troubles)
        return History(
            symbol=symbol, source=self.name, span_s=span_s, start=start, end=end,
            bars=series_of(symbol, wanted, span_s=span_s), troubles=tuple(troubles),
        )  # fmt: skip

    def _sound(self, place: Path, manifest: Manifest) -> tuple[list[Trouble], list[Row]]:
        """Rows of every year that is as it was written; others are forgotten."""
        rows, troubles = list[Row](), list[Trouble]()
        for year, file in sorted(manifest.files.items()):
            found = read_rows(place / f"{year}.parquet", file)
            if found is None:
                low, high = (datetime(int(year) + more, 1, 1, tzinfo=UTC) for more in (0, 1))
                manifest.forget(low, high)
                detail = f"the cached file of {year} was not as it was written; the year is asked for again"
                troubles.append(
                    Trouble(kind="revised", symbol=manifest.symbol, start=low, end=high, rows=file.rows, detail=detail)
                )
            else:
                rows += found
        return troubles, rows

    def _write(self, place: Path, manifest: Manifest, rows: Sequence[Row], answer: Span) -> None:
        """Years that the answer touches, then the manifest that speaks of them."""
        for year, group in groupby(rows, key=lambda row: row.start.year):
            told = list(group)
            if answer.start.year <= year <= answer.end.year or str(year) not in manifest.files:
                path = place / f"{year}.parquet"
                manifest.files[str(year)] = write_rows(path, manifest.symbol, told, span_s=manifest.span_s)
        manifest.add(answer)
        write_json(place / "manifest.json", manifest)

    def _place(self, symbol: str, span_s: int) -> Path:
        return self._folder / "bars" / self.name / str(span_s) / folder_name(symbol)

    def _manifest(self, place: Path, symbol: str, span_s: int) -> Manifest:
        found = read_json(place / "manifest.json", Manifest)
        if found is None or (found.version, found.symbol) != (VERSION, symbol):
            return Manifest(source=self.name, symbol=symbol, span_s=span_s)
        return found

    # -- actions --------------------------------------------------------------------------------------------------------

    async def actions(
        self, symbol: str, *, start: datetime, end: datetime
    ) -> tuple[list[CorporateAction], list[Trouble]]:
        """A day old at most; older ones, said so, where the source does not answer."""
        path = self._folder / "actions" / self.name / f"{folder_name(symbol)}.json"
        kept, now = read_json(path, Kept), self._clock.now()
        if kept is not None and kept.version == VERSION and kept.start <= start:
            is_fresh = now - kept.fetched_at < _ACTIONS_AGE or end <= kept.end - _ACTIONS_AGE
            if is_fresh and end <= max(kept.end, now):
                return _actions(symbol, kept), []
        try:
            found = await self._source.actions(symbol, start=start, end=max(end, now))
        except FloorbrokerError as error:
            return self._stale(symbol, kept, start, end, error)
        fresh = _kept(found, start, max(end, now), now)
        write_json(path, fresh)
        return _actions(symbol, fresh), []

    def _stale(
        self, symbol: str, kept: Kept | None, start: datetime, end: datetime, error: FloorbrokerError
    ) -> tuple[list[CorporateAction], list[Trouble]]:
        trouble = trouble_of(error, symbol, start, end)
        told = "prices stay as they were traded" if kept is None else f"those of {kept.fetched_at:%Y-%m-%d} are used"
        detail = f"splits and dividends: {trouble.detail}; {told}"
        trouble = Trouble(kind=trouble.kind, symbol=symbol, start=start, end=end, detail=detail)
        return (_actions(symbol, kept) if kept is not None else []), [trouble]

    # -- space ----------------------------------------------------------------------------------------------------------

    def _touch(self, place: Path) -> None:
        """When it was read last, as the time of its manifest."""
        path = place / "manifest.json"
        if path.is_file():
            at = self._clock.now().timestamp()
            os.utime(path, (at, at))

    def _shrink(self, spared: Path) -> None:
        sizes = {
            path.parent: sum(file.stat().st_size for file in path.parent.iterdir())
            for path in self._folder.glob("bars/*/*/*/manifest.json")
        }
        total = sum(sizes.values())
        for place in sorted(sizes, key=lambda one: (one / "manifest.json").stat().st_mtime_ns):
            if total <= self._budget_bytes:
                return
            if place != spared:
                shutil.rmtree(place)
                total -= sizes[place]
                self.evicted.append(str(place.relative_to(self._folder)))

    @property
    def bytes_used(self) -> int:
        """What all cached files take."""
        return sum(file.stat().st_size for file in self._folder.rglob("*") if file.is_file())


def _holes(
    symbol: str, rows: Sequence[Row], start: datetime, end: datetime, troubles: Sequence[Trouble]
) -> list[Trouble]:
    """Sessions without a row, but for ranges whose absence has a reason already."""
    reasons = [(one.start, one.end) for one in troubles if one.kind in REASONS]
    return [
        one
        for one in holes(symbol, (row.start for row in rows), start, end)
        if not any(low <= one.start and one.end <= high for low, high in reasons)
    ]


def trouble_of(error: FloorbrokerError, symbol: str, start: datetime, end: datetime) -> Trouble:
    """A source that did not answer, as what is missing because of it."""
    kind = KINDS.get(error.code, "unavailable")
    detail = error.detail if not isinstance(error, NotSupported) else f"not told by this source: {error.detail}"
    return Trouble(kind=kind, symbol=symbol, start=start, end=end, detail=detail)


def digest_of_rows(rows: Iterable[Row]) -> str:
    """SHA-256 of what rows say, each number in plain digits."""
    hashed = hashlib.sha256()
    for row in rows:
        numbers = (row.open, row.high, row.low, row.close, row.volume)
        hashed.update(f"{row.start.isoformat()} {' '.join(f'{one.normalize():f}' for one in numbers)}\n".encode())
    return hashed.hexdigest()


def _row(history: History, index: int) -> Row:
    bar = history.bars[index]
    return Row(start=bar.start, open=bar.open, high=bar.high, low=bar.low, close=bar.close, volume=bar.volume)


def _merged(rows: Sequence[Row], fresh: Sequence[Row], low: datetime, high: datetime) -> list[Row]:
    """What the answer says of its range, and everything outside of it as it was.

    A row that the answer leaves out stays: a hole in a later answer is no proof that there was no trade.
    """
    told = {row.start for row in fresh}
    kept = [row for row in rows if not (low <= row.start < high and row.start in told)]
    return sorted([*kept, *fresh], key=lambda row: row.start)


def _revised(symbol: str, rows: Sequence[Row], fresh: Sequence[Row]) -> list[Trouble]:
    before = {row.start: row for row in rows}
    changed = [row for row in fresh if row.start in before and before[row.start] != row]
    if not changed:
        return []
    named = ", ".join(f"{row.start:%Y-%m-%d}" for row in changed[:5])
    return [
        Trouble(
            kind="revised", symbol=symbol, start=changed[0].start, end=changed[-1].start, rows=len(changed),
            detail=f"the source tells it otherwise now, and is believed: {named}",
        )
    ]  # fmt: skip


def _kept(found: Iterable[CorporateAction], start: datetime, end: datetime, now: datetime) -> Kept:
    splits, dividends = list[tuple[str, str, str]](), list[tuple[str, str, str]]()
    for one in found:
        match one:
            case Split():
                splits.append((one.day.isoformat(), str(one.shares_from), str(one.shares_to)))
            case Dividend():
                dividends.append((one.day.isoformat(), str(one.amount), one.currency))
    return Kept(version=VERSION, fetched_at=now, start=start, end=end, splits=splits, dividends=dividends)


def _actions(symbol: str, kept: Kept) -> list[CorporateAction]:

    found: list[CorporateAction] = [
        Split(symbol=symbol, day=date.fromisoformat(day), shares_from=Decimal(old), shares_to=Decimal(new))
        for day, old, new in kept.splits
    ]
    found += [
        Dividend(symbol=symbol, day=date.fromisoformat(day), amount=Decimal(amount), currency=currency)
        for day, amount, currency in kept.dividends
    ]
    return sorted(found, key=lambda one: one.day)
