"""Recorded EUR/USD minutes as prices and as candles, with every cent of a trade accounted for."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.tape import NotRecorded, load
from floorbroker_sim.oanda.venue import create_venue
from tests.unit.sim.oanda.conftest import OandaAsker

DAY = date(2014, 5, 6)


def test_a_recorded_day_is_traded_to_the_cent(recorded_data: Path) -> None:
    tape = load(recorded_data)
    if DAY not in tape.days("EUR/USD"):
        pytest.skip("no recorded minutes of EUR/USD")
    quotes = tape.quotes("EUR/USD", DAY)
    clock = ManualClock(datetime(2026, 3, 2, tzinfo=UTC))
    ask = OandaAsker(create_venue(clock=clock, data=recorded_data), clock)
    assert [one["name"] for one in ask("GET", "./instruments")["instruments"]] == ["EUR_USD"]
    assert ask.no() == "INSTRUMENT_PRICE_UNKNOWN"  # nothing has been played yet
    first, last = quotes.quote_at(0), quotes.quote_at(599)
    step = Decimal("0.00001")
    ask.hand("/clock", now=first.time.isoformat())
    bought = ask.place(units="10000")["orderFillTransaction"]
    assert first.ask is not None
    assert bought["price"] == str(first.ask.quantize(step))
    ask.hand("/clock", now=last.time.isoformat())
    assert last.bid is not None
    gained = ((last.bid.quantize(step) - Decimal(bought["price"])) * 10_000).quantize(Decimal("0.0001"))
    assert Decimal(ask.summary()["unrealizedPL"]) == gained
    sold = ask("PUT", "./positions/EUR_USD/close", {"longUnits": "ALL"})["longOrderFillTransaction"]
    assert (sold["price"], Decimal(sold["pl"])) == (str(last.bid.quantize(step)), gained)
    assert Decimal(ask.summary()["balance"]) == 100_000 + gained
    start = quotes.start_at(10)
    candles = ask(
        "GET", "/v3/instruments/EUR_USD/candles", granularity="M1", price="B", from_=start.isoformat(), count=5
    )
    bars = [quotes.bid_at(index) for index in range(10, 15)]
    shown = [tuple(Decimal(candle["bid"][letter]) for letter in "ohlc") for candle in candles["candles"]]
    assert shown == [tuple(one.quantize(step) for one in (bar.open, bar.high, bar.low, bar.close)) for bar in bars]
    assert (
        ask("GET", "/v3/instruments/EUR_USD/candles", granularity="H1", to=(start - timedelta(days=400)).isoformat())[
            "candles"
        ]
        == []
    )


def test_heartbeats_go_on_while_the_clock_of_a_recorded_day_stands(recorded_data: Path) -> None:
    if DAY not in load(recorded_data).days("EUR/USD"):
        pytest.skip("no recorded minutes of EUR/USD")
    clock = ManualClock(datetime(2026, 3, 2, tzinfo=UTC))
    ask = OandaAsker(create_venue(clock=clock, data=recorded_data), clock)
    assert ask.raw("GET", "./transactions/stream").status == 200

    async def main() -> None:
        feeding = asyncio.ensure_future(ask.venue.run())
        await asyncio.sleep(0)
        for _ in range(2):
            await clock.advance(5)
        feeding.cancel()

    asyncio.run(main())
    assert ask.venue.streams[0].outbox.waiting == 2


def test_a_folder_without_currencies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotRecorded, match="fx"):
        create_venue(clock=ManualClock(datetime(2026, 3, 2, tzinfo=UTC)), data=tmp_path)
