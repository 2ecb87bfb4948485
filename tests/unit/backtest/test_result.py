"""Results: round trips, equity, statistics."""

from __future__ import annotations

import json
import statistics
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from floorbroker.backtest import Costs
from floorbroker.backtest.statistics import Point, by_month, drawdown, statistics_of
from floorbroker.matching import PerShare
from tests.unit.backtest.market import Scripted, flat, play, series

D = Decimal
DAY = timedelta(days=1)
NOON = datetime(2024, 1, 2, 17, tzinfo=UTC)


def test_round_trips_are_first_in_first_out_and_pay_their_fees() -> None:
    script = {
        0: lambda s: s.buy("SPY", 10),
        1: lambda s: s.buy("SPY", 10),
        2: lambda s: s.sell("SPY", 15),
        3: lambda s: s.sell("SPY", 15),
        4: lambda s: s.buy("SPY", 10),
    }
    result = play(
        Scripted(script), series(flat(100, 110, 120, 130, 140, 150)), costs=Costs(fees=PerShare(rate=D("0.01")))
    )
    assert [(t.qty, t.entry, t.exit) for t in result.trips] == [
        (10, D("1.00"), D("1.20")),
        (5, D("1.10"), D("1.20")),
        (5, D("1.10"), D("1.30")),
        (-10, D("1.30"), D("1.40")),
    ]
    assert result.trips[0].profit == 10 * D("0.20") - D("0.20")
    assert sum(trip.profit for trip in result.trips) == result.end_cash - 100_000
    assert result.statistics["trips"] == 4


def test_equity_follows_cash_and_closes() -> None:
    result = play(Scripted({0: lambda s: s.buy("SPY", 100)}), series(flat(100, 110, 90)), cash=D(1_000))
    assert [point.equity for point in result.equity] == [D(1_000), D(1_010), D(990)]


def test_statistics_of_a_known_curve() -> None:
    values = [100, 110, 99, 99, 120]
    curve = [Point(at=NOON + n * DAY, equity=D(value)) for n, value in enumerate(values)]
    found = statistics_of(curve, trips=(), start=D(100))
    assert found["profit"] == 20
    assert found["return_percent"] == 20
    assert found["drawdown_percent"] == 10
    returns = [0, 0.1, -0.1, 0, 120 / 99 - 1]
    sharpe = statistics.mean(returns) / statistics.stdev(returns) * 252**0.5
    assert found["sharpe"] == round(D(sharpe), 4)
    assert drawdown(curve, D(100)) == (D("0.1"), 2)
    assert found["won_percent"] is None


def test_months_compound_to_the_whole() -> None:
    curve = [Point(at=NOON + 20 * n * DAY, equity=D(100 + n)) for n in range(8)]
    months, whole = by_month(curve, D(100)), D(1)
    for part in months.values():
        whole *= 1 + part
    assert [*months] == [(2024, month) for month in range(1, 6)]
    assert round(whole, 12) == D("1.07")


def test_a_month_ends_with_its_last_day_in_new_york() -> None:
    """Half past three in the morning, UTC, on the first of February is still January there."""
    late = datetime(2024, 2, 1, 3, 30, tzinfo=UTC)
    curve = [Point(at=late - DAY, equity=D(100)), Point(at=late, equity=D(110)), Point(at=late + DAY, equity=D(121))]
    assert by_month(curve, D(100)) == {(2024, 1): D("0.1"), (2024, 2): D("0.1")}


def test_the_document_is_plain_json() -> None:
    document = play(Scripted({0: lambda s: s.buy("SPY", 1)}), series(flat(100, 110, 90))).document()
    assert json.loads(json.dumps(document))["fills"][0]["price"] == "1"
    assert document["currency"] == "USD"


def test_a_result_names_the_currency_that_its_amounts_are_in() -> None:
    flats = (series(flat(100, 110), symbol=symbol) for symbol in ("BTC/EUR", "ETH/BTC", "LTC/EUR"))
    assert play(Scripted({}), *flats).currency == "EUR"
