"""What of a source's rows can be believed.  Pure: the same rows give the same bars and the same troubles.

The order of the questions: rows nobody asked for, days in the wrong zone, numbers that cannot be, rows told twice, the order they
came in, and what a calendar misses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from itertools import groupby

from floorbroker.domain.bars import BarSeries
from floorbroker.marketdata.calendars import day_of, day_start, is_round_the_clock, is_session, sessions
from floorbroker.marketdata.history import DAY_S, History, Kind, Row, Told, Trouble

PRICE_DECIMALS = 8
SIZE_DECIMALS = 8
_MOST = (1 << 63) - 1
_NAMED = 5  # starts that a trouble spells out


def examined(told: Told, *, symbol: str, source: str, span_s: int, start: datetime, end: datetime) -> History:
    """Bars in order of their start, each once, and a trouble for everything that is not among them."""
    troubles = list(told.notes)

    def note(kind: Kind, rows: Sequence[Row], detail: str) -> None:
        if rows:
            troubles.append(_about(kind, symbol, rows, detail))

    rows = _kept(
        told.rows, lambda row: start <= row.start < end, "outside", "beyond the range that was asked for", note
    )
    if span_s == DAY_S:
        rows = _kept(
            rows, lambda row: _begins_a_day(symbol, row.start), "wrong_zone", "no midnight of its market", note
        )
    rows = _kept(rows, _is_possible, "impossible", "prices or a volume that cannot be", note)
    note("late", _late(rows), "behind a later row")
    rows = _once(sorted(rows, key=lambda row: row.start), note)
    note("rounded", [row for row in rows if _is_fine(row)], f"more than {PRICE_DECIMALS} decimals")
    series = series_of(symbol, rows, span_s=span_s)
    if span_s == DAY_S:
        troubles += holes(symbol, (row.start for row in rows), start, end)
    return History(
        symbol=symbol, source=source, span_s=span_s, start=start, end=end, bars=series, troubles=tuple(troubles)
    )  # fmt: skip


def holes(symbol: str, starts: Iterable[datetime], start: datetime, end: datetime) -> list[Trouble]:
    """One trouble for each run of sessions without a bar."""
    have = {day_of(symbol, at) for at in starts}
    expected = sessions(symbol, start, end)
    found: list[Trouble] = []
    for is_there, group in groupby(expected, key=have.__contains__):
        days = list(group)
        if not is_there:
            first, last = day_start(symbol, days[0]), day_start(symbol, days[-1] + timedelta(days=1))
            text = days[0].isoformat() if len(days) == 1 else f"{days[0].isoformat()} to {days[-1].isoformat()}"
            found.append(Trouble(kind="hole", symbol=symbol, start=first, end=last, rows=len(days), detail=text))
    return found


def series_of(symbol: str, rows: Sequence[Row], *, span_s: int) -> BarSeries:
    """Scaled columns as fine as the finest number, at most eight decimals."""
    prices = _decimals(value for row in rows for value in (row.open, row.high, row.low, row.close))
    sizes = _decimals(row.volume for row in rows)
    series = BarSeries(symbol, span_s=span_s, price_decimals=prices, size_decimals=sizes)
    for row in rows:
        scaled = [_scaled(value, prices) for value in (row.open, row.high, row.low, row.close)]
        series.append_scaled(row.start, (scaled[0], scaled[1], scaled[2], scaled[3]), _scaled(row.volume, sizes))
    return series


Note = Callable[[Kind, Sequence[Row], str], None]


def _kept(rows: Iterable[Row], test: Callable[[Row], bool], kind: Kind, detail: str, note: Note) -> list[Row]:
    good, bad = list[Row](), list[Row]()
    for row in rows:
        (good if test(row) else bad).append(row)
    note(kind, bad, detail)
    return good


def _begins_a_day(symbol: str, at: datetime) -> bool:
    day = day_of(symbol, at)
    return at == day_start(symbol, day) and (is_round_the_clock(symbol) or is_session(day))


def _is_possible(row: Row) -> bool:
    numbers = (row.open, row.high, row.low, row.close, row.volume)
    if not all(number.is_finite() and 0 <= number.scaleb(PRICE_DECIMALS) <= _MOST for number in numbers):
        return False
    return 0 < row.low <= min(row.open, row.close) and max(row.open, row.close) <= row.high


def _late(rows: Sequence[Row]) -> list[Row]:
    found, latest = list[Row](), None
    for row in rows:
        if latest is not None and row.start < latest:
            found.append(row)
        latest = row.start if latest is None else max(latest, row.start)
    return found


def _once(rows: Sequence[Row], note: Note) -> list[Row]:
    kept, again, torn = list[Row](), list[Row](), list[Row]()
    for _, group in groupby(rows, key=lambda row: row.start):
        first, *rest = group
        if all(row == first for row in rest):
            kept.append(first)
            again += rest
        else:
            torn.append(first)
    note("duplicate", again, "told twice with the same numbers, counted once")
    note("conflict", torn, "told twice with different numbers, none is believed")
    return kept


def _about(kind: Kind, symbol: str, rows: Sequence[Row], detail: str) -> Trouble:
    starts = sorted(row.start for row in rows)
    named = ", ".join(at.isoformat().replace("+00:00", "Z") for at in starts[:_NAMED])
    more = f" and {len(starts) - _NAMED} more" if len(starts) > _NAMED else ""
    return Trouble(
        kind=kind, symbol=symbol, start=starts[0], end=starts[-1], rows=len(rows), detail=f"{detail}: {named}{more}"
    )  # fmt: skip


def _is_fine(row: Row) -> bool:
    return _decimals((row.open, row.high, row.low, row.close, row.volume), most=99) > PRICE_DECIMALS


def _decimals(values: Iterable[Decimal], *, most: int = PRICE_DECIMALS) -> int:
    finest = 0
    for value in values:
        exponent = value.normalize().as_tuple().exponent
        finest = max(finest, -exponent if isinstance(exponent, int) else 0)
    return min(finest, most)


def _scaled(value: Decimal, decimals: int) -> int:
    with localcontext() as context:
        context.prec = 60
        return int(value.scaleb(decimals).to_integral_value(rounding=ROUND_HALF_EVEN))
