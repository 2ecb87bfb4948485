"""A long put on recorded trades: bought, marked and sold, or held to its end, with every cent accounted for."""

from __future__ import annotations

import io
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.sim.tradier.conftest import TradierAsker

TEN_THOUSANDTHS = Decimal(10_000)


def _recorded_put(recorded_data: Path) -> tuple[str, list[Decimal]]:
    """The busiest put of the recorded day, listed here for another March, and the closes of its minutes."""
    best: tuple[str, list[Decimal]] = ("", [])
    for path in sorted((recorded_data / "options" / "aapl").glob("*trade*.zip")):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                words = name.removesuffix(".csv").split("_")
                if "put" not in words:
                    continue
                lines = io.TextIOWrapper(archive.open(name), "ascii").read().split()
                closes = [Decimal(line.split(",")[4]) / TEN_THOUSANDTHS for line in lines]
                if len(closes) > len(best[1]):
                    strike = int(words[words.index("put") + 1]) // 10
                    best = (f"AAPL260320P{strike:08d}", closes)
    return best


def _mark(ask: TradierAsker, symbol: str, price: Decimal) -> None:
    ask.price(str(price), str(price), symbol)


def test_a_put_bought_marked_and_sold_on_recorded_trades_adds_up(ask: TradierAsker, recorded_data: Path) -> None:
    symbol, closes = _recorded_put(recorded_data)
    if not closes:
        pytest.skip("no recorded trades of options")
    assert len(closes) > 3
    _mark(ask, symbol, closes[0])
    bought = ask.order(ask.option(symbol, "buy_to_open", "2"))
    assert (bought["status"], bought["avg_fill_price"]) == ("filled", closes[0])
    for price in closes[1:]:
        _mark(ask, symbol, price)
        balances = ask("GET", "./balances")["balances"]
        assert balances["option_long_value"] == price * 200
        assert balances["open_pl"] == (price - closes[0]) * 200
    sold = ask.order(ask.option(symbol, "sell_to_close", "2"))
    assert sold["avg_fill_price"] == closes[-1]
    gained = ask("GET", "./gainloss")["gainloss"]["closed_position"]["gain_loss"]
    assert gained == (closes[-1] - closes[0]) * 200
    assert ask("GET", "./balances")["balances"]["total_cash"] == 100_000 + gained
    assert ask("GET", "./positions")["positions"] == "null"


@pytest.mark.parametrize(("below", "shares"), [(False, 0), (True, -100)])
def test_a_put_held_to_its_end_is_worth_nothing_or_delivers(
    ask: TradierAsker, recorded_data: Path, *, below: bool, shares: int
) -> None:
    symbol, closes = _recorded_put(recorded_data)
    if not closes:
        pytest.skip("no recorded trades of options")
    strike = Decimal(symbol[-8:]) / 1000
    _mark(ask, symbol, closes[0])
    ask.option(symbol, "buy_to_open")
    spot = strike - 1 if below else strike + 1
    _mark(ask, "AAPL", spot)
    ask.door("POST", "/clock", {"now": "2026-03-20T20:01:00Z"})
    assert ask.positions().get("AAPL", 0) == shares
    balances = ask("GET", "./balances")["balances"]
    worth = (strike - spot) * 100 if below else 0
    assert balances["total_equity"] == 100_000 - closes[0] * 100 + worth
