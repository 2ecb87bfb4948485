"""The ready-made strategies do what their first sentence says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from floorbroker.backtest import Backtest, Feed, Span, recorded_feed, within
from floorbroker.domain.options import OptionContract
from floorbroker.domain.values import Side
from floorbroker.matching.calendar import XNYS
from floorbroker.strategy import Columns
from floorbroker.strategy.shelf import SHELF, Hedge, Momentum, Ranked, Rotation
from floorbroker.tape import load

DAY = date(2014, 6, 6)


def test_a_hedge_buys_a_put_below_the_market_for_every_hundred_shares(recorded_data: Path) -> None:
    tape = load(recorded_data)
    feed, _ = recorded_feed(tape, ("AAPL",), Span.MINUTE, since=DAY, until=DAY)
    puts = {
        symbol: within(Columns.of(series), XNYS)
        for symbol, series in tape.options("AAPL", DAY).items()
        if (contract := OptionContract.parse(symbol)) is not None and contract.right == "P"
    }
    whole = Feed(bars=feed.bars | puts)
    hedge = Hedge(symbols=("AAPL", *puts), shares=200, minutes=60)
    result = Backtest(hedge, whole, cash=Decimal(1_000_000), sessions=True).run()
    shares, put = result.fills
    contract = OptionContract.parse(put.symbol)
    assert contract is not None
    assert (shares.symbol, shares.qty, put.side, put.qty) == ("AAPL", 200, Side.BUY, 2)
    assert contract.right == "P"
    assert abs(contract.strike / shares.price - Decimal("0.95")) < Decimal("0.03")
    assert (contract.expiry - DAY).days >= 5
    spent = 200 * shares.price + 2 * 100 * put.price
    assert result.end_cash == 1_000_000 - spent


def test_a_rotation_holds_one_of_the_two(recorded_data: Path) -> None:
    feed, actions = recorded_feed(load(recorded_data), ("SPY", "EEM"), since=date(2015, 1, 2), until=date(2018, 12, 31))
    result = Backtest(Rotation(symbols=("SPY", "EEM"), period=50), feed, actions=actions, sessions=True).run()
    held = {"SPY": Decimal(0), "EEM": Decimal(0)}
    assert len(result.fills) > 6
    for fill in result.fills:
        held[fill.symbol] += fill.signed_qty
        assert min(held.values()) == 0


def test_a_ranking_holds_the_best_of_what_its_model_says(recorded_data: Path) -> None:
    class ByName(Momentum):
        """Likes the last of the rows best."""

        def predict(self, rows: Sequence[Sequence[Any]]) -> Sequence[Any]:
            return [*range(len(rows))]

    class Named(Ranked):
        def on_start(self) -> None:
            super().on_start()
            self._model = ByName()

    symbols = ("SPY", "IBM", "BAC")
    feed, actions = recorded_feed(load(recorded_data), symbols, since=date(2016, 1, 4), until=date(2016, 12, 30))
    result = Backtest(Named(symbols=symbols, best=1, horizons=(5, 20)), feed, actions=actions, sessions=True).run()
    assert {*result.positions} == {"BAC"}


def test_everything_on_the_shelf_has_a_name_and_says_what_it_does() -> None:
    assert [*SHELF] == ["crossover", "reversion", "ranked", "rotation", "hedge", "patient"]
    assert all(strategy.__doc__ for strategy in SHELF.values())
