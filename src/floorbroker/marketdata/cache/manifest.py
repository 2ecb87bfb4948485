"""What is known of one cached series: which ranges were asked for, when, what came, and what was wrong with it.

A range that was asked for is not asked for again, except its newest days: they may still change at the source.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from floorbroker.marketdata.history import Kind, Trouble

VERSION = 1
SETTLED_AFTER = timedelta(days=4)  # bars older than that when they were fetched are taken to be final
FRESH_FOR = timedelta(hours=1)  # how long the newest ones are believed


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """A `Trouble` as it is kept."""

    kind: Kind
    start: datetime
    end: datetime
    rows: int
    detail: str


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: its range (`end` left out), when it came, how many rows, and the SHA-256 of what they say."""

    start: datetime
    end: datetime
    fetched_at: datetime
    rows: int
    digest: str
    troubles: list[Noted] = []


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One year: rows, decimals of its columns, and the SHA-256 of its bytes."""

    rows: int
    price_decimals: int
    size_decimals: int
    digest: str


class Manifest(msgspec.Struct, kw_only=True):
    """Beside the files of one series."""

    version: int = VERSION
    source: str
    symbol: str
    span_s: int
    spans: list[Span] = []
    files: dict[str, File] = {}

    def missing(self, start: datetime, end: datetime, *, now: datetime) -> list[tuple[datetime, datetime]]:
        """What of a range has to be asked for, in order; nothing beyond `now`."""
        gaps = [(start, min(end, now))] if start < min(end, now) else []
        for span in self.spans:
            known_until = span.end
            if now - span.fetched_at >= FRESH_FOR:
                known_until = min(span.end, span.fetched_at - SETTLED_AFTER)
            gaps = list(_without(gaps, span.start, known_until))
        return gaps

    def noted(self, start: datetime, end: datetime) -> list[Trouble]:
        """Troubles of answers that touch a range."""
        return [
            Trouble(
                kind=one.kind, symbol=self.symbol, start=one.start, end=one.end, rows=one.rows, detail=one.detail
            )
            for span in self.spans
            if span.start < end and span.end > start
            for one in span.troubles
            if one.start < end and one.end >= start
        ]  # fmt: skip

    def add(self, span: Span) -> None:
        """A newer answer takes the place of older ones inside its range."""
        kept = [one for one in self.spans if not (span.start <= one.start and one.end <= span.end)]
        self.spans = sorted([*kept, span], key=lambda one: (one.start, one.fetched_at))

    def forget(self, start: datetime, end: datetime) -> None:
        """As if a range had never been asked for."""
        kept: list[Span] = []
        for span in self.spans:
            for low, high in _without([(span.start, span.end)], start, end):
                kept.append(msgspec.structs.replace(span, start=low, end=high))
        self.spans = kept


def _without(
    gaps: Iterable[tuple[datetime, datetime]], start: datetime, end: datetime
) -> Iterable[tuple[datetime, datetime]]:
    """Ranges less one range."""
    for low, high in gaps:
        if end <= low or start >= high or start >= end:
            yield low, high
            continue
        if low < start:
            yield low, start
        if end < high:
            yield end, high


def noted_of(troubles: Iterable[Trouble]) -> list[Noted]:
    """What is worth keeping: holes are found again by looking."""
    return [
        Noted(kind=one.kind, start=one.start, end=one.end, rows=one.rows, detail=one.detail)
        for one in troubles
        if one.kind != "hole"
    ]
