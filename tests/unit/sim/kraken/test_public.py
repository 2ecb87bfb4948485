"""Market data over REST."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from tests.unit.sim.kraken.conftest import START, Desk

NOW_S = int(START.timestamp())


def test_time_is_the_venues(desk: Desk) -> None:
    assert desk.public("Time") == {"unixtime": NOW_S, "rfc1123": "Mon, 02 Mar 26 15:00:00 +0000"}
    desk.wait(60)
    assert desk.public("Time")["unixtime"] == NOW_S + 60


def test_pairs_have_their_names_and_rules(desk: Desk) -> None:
    pairs = desk.public("AssetPairs")
    assert {"XXBTZUSD", "XETHZUSD", "SOLUSD", "XXRPZUSD", "XDGUSD", "XLTCZUSD", "XXBTZEUR", "XETHXXBT"} == set(pairs)
    bitcoin = pairs["XXBTZUSD"]
    assert (bitcoin["altname"], bitcoin["wsname"], bitcoin["base"], bitcoin["quote"]) == (
        "XBTUSD",
        "XBT/USD",
        "XXBT",
        "ZUSD",
    )
    assert (bitcoin["pair_decimals"], bitcoin["lot_decimals"], bitcoin["tick_size"]) == (1, 8, "0.1")
    assert (bitcoin["ordermin"], bitcoin["costmin"], bitcoin["status"]) == ("0.00005", "0.5", "online")


def test_a_pair_is_keyed_by_its_id_or_by_a_name_with_a_slash(desk: Desk) -> None:
    assert set(desk.public("AssetPairs", pair="XBTUSD,eth/usd")) == {"XXBTZUSD", "eth/usd"}
    assert set(desk.public("AssetPairs", pair="BTC/USD")) == {"BTC/USD"}
    assert desk.public("AssetPairs", pair="XBTUSD", info="fees") == {
        "XXBTZUSD": {"fees": [], "fees_maker": [], "fee_volume_currency": "ZUSD"}
    }
    assert desk.error(desk.get("AssetPairs", pair="FOOBAR")) == "EQuery:Unknown asset pair"
    assert desk.error(desk.get("AssetPairs", info="colour")) == "EGeneral:Invalid arguments:info"


def test_assets_go_by_three_names(desk: Desk) -> None:
    for name in ("XBT", "XXBT", "BTC"):
        assert set(desk.public("Assets", asset=name)) == {"XXBT"}
    assert desk.error(desk.get("Assets", asset="GOLD")) == "EQuery:Unknown asset"


def test_the_ticker_shows_the_price_that_was_set(desk: Desk) -> None:
    row = desk.public("Ticker", pair="XBTUSD")["XXBTZUSD"]
    assert (row["a"], row["b"]) == (["60000.1", "10", "10.000"], ["59999.9", "10", "10.000"])
    assert row["c"][0] == "60000.0"
    assert Decimal(row["l"][1]) <= Decimal(row["p"][1]) <= Decimal(row["h"][1])
    assert len(desk.public("Ticker")) == 8


@pytest.mark.parametrize("interval", [1, 5, 15, 30, 60, 240, 1440, 10080, 21600])
def test_candles_end_with_the_one_under_way(new_desk: Callable[..., Desk], interval: int) -> None:
    desk = new_desk()
    answer = desk.public("OHLC", pair="XBTUSD", interval=interval)
    rows = answer["XXBTZUSD"]
    step = interval * 60
    assert 2 <= len(rows) <= 720
    assert rows[-1][0] == NOW_S // step * step
    assert {later[0] - earlier[0] for earlier, later in pairwise(rows)} == {step}
    assert answer["last"] == rows[-2][0]
    for earlier, later in pairwise(rows[:-1]):
        assert earlier[4] == later[1]  # a candle opens where the one before it closed
    for row in rows:
        low, high = Decimal(row[3]), Decimal(row[2])
        assert low <= min(Decimal(row[1]), Decimal(row[4])) <= max(Decimal(row[1]), Decimal(row[4])) <= high


def test_candles_since_a_moment_include_it(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk()
    rows = desk.public("OHLC", pair="XBTUSD", interval=1, since=NOW_S - 600)["XXBTZUSD"]
    assert [row[0] for row in rows] == list(range(NOW_S - 600, NOW_S + 60, 60))
    rows = desk.public("OHLC", pair="XBTUSD", interval=1, since=NOW_S - 599)["XXBTZUSD"]
    assert rows[0][0] == NOW_S - 540
    assert len(desk.public("OHLC", pair="XBTUSD", interval=1, since=0)["XXBTZUSD"]) == 720
    assert desk.error(desk.get("OHLC", pair="XBTUSD", interval=7)) == "EGeneral:Invalid arguments"


def test_depth_is_sorted_and_starts_at_the_quote(desk: Desk) -> None:
    book = desk.public("Depth", pair="XBTUSD", count=500)["XXBTZUSD"]
    asks, bids = ([Decimal(row[0]) for row in book[side]] for side in ("asks", "bids"))
    assert (len(asks), len(bids)) == (500, 500)
    assert (asks[0], bids[0]) == (Decimal("60000.1"), Decimal("59999.9"))
    assert asks == sorted(set(asks))
    assert bids == sorted(set(bids), reverse=True)
    assert all(Decimal(row[1]) >= 0 for side in ("asks", "bids") for row in book[side])
    assert len(desk.public("Depth", pair="XBTUSD")["XXBTZUSD"]["asks"]) == 100
    assert desk.error(desk.get("Depth", pair="XBTUSD", count=501)) == "EGeneral:Invalid arguments:count"


def test_the_same_seed_gives_the_same_book_and_another_one_another(new_desk: Callable[..., Desk]) -> None:
    def book(seed: int) -> object:
        desk = new_desk(seed=seed)
        desk.price("60000", "60001")
        return desk.public("Depth", pair="XBTUSD")

    assert book(1) == book(1)
    assert book(1) != book(2)


def test_trades_are_paged_by_their_last(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk()
    first = desk.public("Trades", pair="XBTUSD", count=50)
    since = first["XXBTZUSD"][9][2]
    page = desk.public("Trades", pair="XBTUSD", since=int(since * 10**9), count=20)
    assert page["XXBTZUSD"] == first["XXBTZUSD"][10:30]
    following = desk.public("Trades", pair="XBTUSD", since=page["last"], count=20)
    assert following["XXBTZUSD"] == first["XXBTZUSD"][30:50]
    numbers = [row[6] for row in first["XXBTZUSD"]]
    assert numbers == sorted(set(numbers))
    empty = desk.public("Trades", pair="XBTUSD", since=NOW_S * 10**9)
    assert empty == {"XXBTZUSD": [], "last": str(NOW_S * 10**9)}


def test_spreads_are_quotes_of_the_past(new_desk: Callable[..., Desk]) -> None:
    answer = new_desk().public("Spread", pair="XBTUSD")
    assert len(answer["XXBTZUSD"]) == 201
    assert all(Decimal(bid) < Decimal(ask) for _, bid, ask in answer["XXBTZUSD"])


def test_recorded_days_play_by_the_clock(new_desk: Callable[..., Desk], recorded_data: Path) -> None:
    desk = new_desk(data=recorded_data, rate=None)
    assert set(desk.public("AssetPairs")) <= {"XXBTZUSD", "XETHZUSD"}
    assert desk.error(desk.get("Depth", pair="SOLUSD")) == "EQuery:Unknown asset pair"
    first = desk.venue.now()
    desk.wait(86_400)
    assert desk.venue.now() - first == timedelta(days=1)
    row = desk.public("Ticker", pair="XBTUSD")["XXBTZUSD"]
    assert 5_000 < Decimal(row["c"][0]) < 20_000  # April 2018
    assert len(desk.public("OHLC", pair="XBTUSD", interval=60)["XXBTZUSD"]) > 10
    assert desk.look(desk.market(volume="0.1"))["status"] == "closed"
