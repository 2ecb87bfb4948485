"""Every format of the recorded data, on small files made here and on the recorded ones where they are present."""

from __future__ import annotations

import os
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from floorbroker.domain.bars import Bar
from floorbroker.domain.records import Quote
from floorbroker.domain.values import Price
from floorbroker.matching import XNYS
from floorbroker.tape import NotRecorded, Tape, load, merged

DATA = os.environ.get("FLOORBROKER_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="FLOORBROKER_DATA names no folder of recorded data")
WINTER, SUMMER = date(2013, 1, 7), date(2013, 10, 7)


def pack(path: Path, **members: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.csv", text)


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    return load(tmp_path)


def test_minute_trades_are_ten_thousandths_at_new_york_time(tape: Tape) -> None:
    for day in (WINTER, SUMMER):
        pack(
            tape.folder / f"equities/minute/spy/{day:%Y%m%d}_trade.zip",
            a="34200000,1457900,1458000,1457800,1457950,1200\n",
        )
    (winter,), (summer,) = tape.minutes("SPY", WINTER), tape.minutes("SPY", SUMMER)
    assert winter.start == datetime(2013, 1, 7, 14, 30, tzinfo=UTC)
    assert summer.start == datetime(2013, 10, 7, 13, 30, tzinfo=UTC)
    assert (summer.open, summer.high, summer.low, summer.close) == tuple(
        map(Decimal, ("145.79", "145.8", "145.78", "145.795"))
    )
    assert summer.volume == 1200


def test_minutes_of_the_day_the_clocks_change_follow_the_wall(tape: Tape) -> None:
    day = date(2013, 3, 10)  # two o'clock did not exist
    pack(tape.folder / "equities/minute/spy/20130310_trade.zip", a="3600000,1,1,1,1,1\n34200000,1,1,1,1,1\n")
    assert [bar.start.hour for bar in tape.minutes("SPY", day)] == [6, 13]


def test_minute_quotes_answer_with_the_close_at_the_end_of_the_minute(tape: Tape) -> None:
    row = "34200000,10000,10100,9900,10050,300,10100,10200,10000,10150,400\n"
    pack(tape.folder / "equities/minute/spy/20131007_quote.zip", a=row)
    series = tape.quotes("SPY", SUMMER)
    assert series.quote_at(0) == Quote(
        symbol="SPY", bid=Price(Decimal("1.005")), ask=Price(Decimal("1.015")), bid_size=Decimal(300), ask_size=Decimal(400),
        time=datetime(2013, 10, 7, 13, 31, tzinfo=UTC), source="tape",
    )  # fmt: skip
    assert (series.bid_at(0).low, series.ask_at(0).high) == (Decimal("0.99"), Decimal("1.02"))


def test_a_quote_row_with_one_side_has_no_other(tape: Tape) -> None:
    pack(tape.folder / "equities/minute/spy/20131007_quote.zip", a="34200000,,,,,,10100,10200,10000,10150,400\n")
    quote = tape.quotes("SPY", SUMMER).quote_at(0)
    assert (quote.bid, quote.bid_size, quote.ask) == (None, 0, Decimal("1.015"))


def test_daily_and_hourly_bars_start_on_the_wall_clock_of_new_york(tape: Tape) -> None:
    pack(tape.folder / "equities/daily/spy.zip", spy="20131007 00:00,1690000,1700000,1680000,1695000,99\n")
    pack(tape.folder / "equities/hour/spy.zip", spy="20131007 09:00,1690000,1700000,1680000,1695000,99\n")
    assert tape.daily("SPY")[0].start == datetime(2013, 10, 7, 4, tzinfo=UTC)
    assert tape.hourly("SPY")[0].start == datetime(2013, 10, 7, 13, tzinfo=UTC)
    assert tape.daily("SPY").span_s == 86_400


def test_currencies_are_plain_decimals_in_utc(tape: Tape) -> None:
    row = "1.31927,1.32125,1.3187,1.32095,0,1.32027,1.32225,1.3197,1.32195,0\n"
    pack(tape.folder / "fx/minute/eurusd/20140505_quote.zip", a=f"60000,{row}")
    pack(tape.folder / "fx/daily/eurusd.zip", a=f"20140505 00:00,{row}")
    quote = tape.quotes("EUR/USD", date(2014, 5, 5)).quote_at(0)
    assert (quote.bid, quote.ask, quote.time) == (
        Decimal("1.32095"),
        Decimal("1.32195"),
        datetime(2014, 5, 5, 0, 2, tzinfo=UTC),
    )
    assert tape.daily_quotes("EUR/USD").start_at(0) == datetime(2014, 5, 5, tzinfo=UTC)


def test_coins_keep_eight_decimals_and_lose_binary_noise(tape: Tape) -> None:
    pack(
        tape.folder / "crypto/coinbase/btcusd/20180404_trade.zip", a="0,7424.91,7424.91,7422,7422,7.1431971900000003\n"
    )
    (bar,) = tape.minutes("BTC/USD", date(2018, 4, 4))
    assert (bar.close, bar.volume) == (Decimal(7422), Decimal("7.14319719"))


def test_a_price_finer_than_the_columns_is_an_error(tape: Tape) -> None:
    pack(tape.folder / "crypto/coinbase/btcusd/20180404_trade.zip", a="0,1.001,1,1,1,1\n")
    with pytest.raises(ValueError, match="more than 2 decimals"):
        tape.minutes("BTC/USD", date(2018, 4, 4))


def test_option_files_are_named_for_their_contract(tape: Tape) -> None:
    path = tape.folder / "options/aapl/20140606_trade_american.zip"
    pack(path, **{"20140606_aapl_minute_trade_american_put_5250000_20140621": "34200000,17000,17000,17000,17000,28\n"})
    found = tape.options("AAPL", date(2014, 6, 6))
    assert list(found) == ["AAPL  140621P00525000"]
    assert found["AAPL  140621P00525000"][0].close == Decimal("1.7")


def test_factors_are_exact(tape: Tape) -> None:
    path = tape.folder / "equities/factors/aapl.csv"
    path.parent.mkdir(parents=True)
    path.write_text("19980102,0.8613657,0.00892857,1\n20501231,1,1,0")
    first, last = tape.factors("AAPL")
    assert (first.day, first.price, first.split) == (date(1998, 1, 2), Decimal("0.8613657"), Decimal("0.00892857"))
    assert last.split == 1


def test_what_is_not_there_is_refused_by_name(tape: Tape) -> None:
    with pytest.raises(NotRecorded, match="nope"):
        tape.daily("NOPE")
    with pytest.raises(NotRecorded):
        load(tape.folder / "absent")


def test_the_folder_lists_symbols_and_days_in_our_spelling(tape: Tape) -> None:
    for name in ("equities/minute/spy", "fx/minute/eurusd", "crypto/coinbase/btcusd"):
        pack(tape.folder / name / "20140505_quote.zip", a="")
        pack(tape.folder / name / "20140505_trade.zip", a="")
    assert tape.symbols() == ["BTC/USD", "EUR/USD", "SPY"]
    assert tape.days("BTC/USD") == [date(2014, 5, 5)]


def test_merged_events_come_in_time_order_with_quotes_before_bars(tape: Tape) -> None:
    for symbol, first in (("spy", 60_000), ("ibm", 0)):
        quote = "".join(f"{first + n * 60_000},1,1,1,1,1,2,2,2,2,1\n" for n in range(3))
        trade = "".join(f"{first + n * 60_000},1,1,1,1,1\n" for n in range(3))
        pack(tape.folder / f"equities/minute/{symbol}/20131007_quote.zip", a=quote)
        pack(tape.folder / f"equities/minute/{symbol}/20131007_trade.zip", a=trade)
    told = [(e.time.minute, e.event.symbol, type(e.event)) for e in merged(tape, ["SPY", "IBM"], [SUMMER, WINTER])]
    assert told[:6] == [
        (1, "IBM", Quote), (1, "IBM", Bar), (2, "SPY", Quote), (2, "IBM", Quote), (2, "SPY", Bar), (2, "IBM", Bar),
    ]  # fmt: skip
    assert len(told) == 12


@needs_data
def test_every_recorded_file_reads_and_is_in_order() -> None:
    tape = load(Path(DATA or ""))
    count = 0
    for symbol in tape.symbols():
        for day in tape.days(symbol):
            series = [tape.quotes(symbol, day)] if tape.has(symbol, day, "quote") else []
            trades = [tape.minutes(symbol, day)] if tape.has(symbol, day, "trade") else []
            for one in (*series, *trades):
                starts = [one.start_at(n) for n in range(len(one))]
                assert starts
                assert all(a < b for a, b in pairwise(starts))
                count += len(one)
    assert count == 18_217 + 15_732 + 6_810 + 4_311 + 3_456


@needs_data
def test_recorded_share_minutes_lie_inside_the_hours_of_new_york() -> None:
    tape = load(Path(DATA or ""))
    for day in tape.days("SPY"):
        session = XNYS.session(day)
        assert session is not None
        trades = tape.minutes("SPY", day)
        core = [n for n in range(len(trades)) if session.open <= trades.start_at(n) < session.close]
        assert len(core) == 390
        assert session.pre <= trades.start_at(0)
        assert trades.start_at(len(trades) - 1) < session.post


@needs_data
def test_recorded_bars_contain_their_open_and_close() -> None:
    tape = load(Path(DATA or ""))
    for bar in (*tape.daily("AAPL"), *tape.minutes("SPY", SUMMER), *tape.minutes("BTC/USD", date(2018, 4, 4))):
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
    assert tape.daily("AAPL")[-1].start == datetime(2021, 3, 31, 4, tzinfo=UTC)


@needs_data
def test_recorded_options_and_factors_read() -> None:
    tape = load(Path(DATA or ""))
    contracts = tape.options("AAPL", date(2014, 6, 6))
    assert sum(len(series) for series in contracts.values()) == 22_067
    assert all(len(symbol) == 21 for symbol in contracts)
    assert all(tape.factors(path.stem.upper()) for path in tape.folder.glob("equities/factors/*.csv"))
