"""What providers of market data send: replies of Polygon's REST door, frames of its stream, and the tables yfinance makes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from floorbroker.domain.actions import Split
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.records import DataKind
from floorbroker.domain.secret import Secret
from floorbroker.marketdata.history import Row, Told
from floorbroker.marketdata.providers.polygon.adapter import Polygon
from floorbroker.marketdata.providers.polygon.rest.calls import Calls
from floorbroker.marketdata.providers.polygon.rest.reads import Reads
from floorbroker.marketdata.providers.polygon.stream import MarketSession
from floorbroker.marketdata.providers.yahoo.mapping import actions_of, rows_of
from floorbroker.transport.actions import Emit
from tests.fuzz.ledger import NOW
from tests.fuzz.replies import SINCE, Loop, Replies
from tests.fuzz.target import Target

Ask = Callable[[Polygon], Any]
ORIGIN = "https://api.massive.com"
COLUMNS = ("Open", "High", "Low", "Close", "Volume", "Dividends", "Stock Splits")
CALLS: dict[str, Ask] = {
    "bars": lambda polygon: polygon.bars("AAPL", span_s=60, start=SINCE, end=NOW),
    "actions": lambda polygon: polygon.actions("AAPL", start=SINCE, end=NOW),
    "grouped": lambda polygon: polygon.grouped(NOW.date()),
    "trades": lambda polygon: polygon.trades("AAPL", start=SINCE, end=NOW),
    "quotes": lambda polygon: polygon.quotes("AAPL", start=SINCE, end=NOW),
    "last_quote": lambda polygon: polygon.last_quote("AAPL"),
    "snapshots": lambda polygon: polygon.snapshots(["AAPL"]),
    "tickers": lambda polygon: polygon.tickers(),
    "ticker": lambda polygon: polygon.ticker("AAPL"),
}
NAMES = sorted(CALLS)
LOOP = Loop()


def one_reply(data: bytes) -> object:
    """A call by its name, then the replies that it gets, one a line."""
    word, *lines = data.split(b"\n")
    name = {each.encode(): each for each in NAMES}.get(word) or NAMES[sum(word) % len(NAMES)]
    calls = Calls(origin=ORIGIN)
    polygon = Polygon(reads=Reads(Replies(lines), calls), calls=calls, feeds=_NO_FEEDS, closing=())
    made = LOOP.run(CALLS[name](polygon))
    assert_finite(made.rows if isinstance(made, Told) else made)
    return made


_NO_FEEDS: Any = None


def assert_finite(made: object) -> None:
    """Every number in records that came out is one.  Rows of bars are looked through where they are taken in."""
    records: Sequence[object] = (
        [*made.values()] if isinstance(made, dict) else made if isinstance(made, list | tuple) else [made]
    )
    for record in records:
        for member in fields(record) if hasattr(record, "__dataclass_fields__") and not isinstance(record, Row) else ():  # type: ignore[arg-type]
            value = getattr(record, member.name)
            assert not isinstance(value, Decimal) or value.is_finite(), f"{member.name} is no number"


def one_frame(data: bytes) -> object:
    """A frame of the stream after a log-in: an event is of something that was asked for, and of numbers."""
    session = MarketSession(Secret("key"))
    session.want([(kind, "AAPL") for kind in (DataKind.QUOTES, DataKind.TRADES)])
    session.on_open(0)
    session.on_frame(b'[{"ev":"status","status":"connected"}]', NOW, 1)
    session.on_frame(b'[{"ev":"status","status":"auth_success"}]', NOW, 2)
    made = [*session.on_frame(data, NOW, 3), *session.on_tick(4)]
    assert_finite([action.event for action in made if isinstance(action, Emit)])
    return made


class Moment(datetime):
    """A row's time, as the library's tables have it."""

    def to_pydatetime(self) -> datetime:
        return self


class Table:
    """Rows of a JSON list as the library's tables show them: a time (seconds since 1970), then one number a column."""

    def __init__(self, rows: Sequence[Sequence[float]], columns: Sequence[str] = COLUMNS) -> None:
        self._rows, self._columns = rows, columns

    def __getitem__(self, columns: list[str]) -> Table:
        places = [self._columns.index(name) for name in columns]
        return Table([[row[0], *(row[1 + place] for place in places)] for row in self._rows], columns)

    def itertuples(self, *, index: bool, name: None) -> Iterator[tuple[Any, ...]]:
        del index, name
        return ((Moment.fromtimestamp(row[0], UTC), *row[1:]) for row in self._rows)


def one_table(data: bytes) -> object:
    """Splits and dividends of a table, then its rows in the shares of their day."""
    read = json.loads(data)
    rows = [
        [min(max(row[0], 0), 4e9), *map(float, row[1:])]
        for row in (read if isinstance(read, list) else ())
        if isinstance(row, list) and len(row) == len(COLUMNS) + 1 and all(type(cell) in (int, float) for cell in row)
        if row[0] == row[0]
    ]
    table = Table(rows)
    actions = actions_of("AAPL", table)
    made = rows_of(table, [one for one in actions if isinstance(one, Split)])
    assert_finite(actions)
    assert_finite(made)
    return actions, made


TARGETS = (
    Target(name="polygon_replies", one_input=one_reply, declared=(FloorbrokerError,)),
    Target(name="polygon_stream", one_input=one_frame, declared=()),
    Target(
        name="yahoo_tables", one_input=one_table, declared=(FloorbrokerError, ValueError, RecursionError, OverflowError)
    ),
)
