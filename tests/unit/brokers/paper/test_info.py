"""Options as text, and the rules that follow from a symbol's spelling."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal

import pytest

from floorbroker.brokers.paper import INFO, Options, instrument_for, options_from
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.values import Price


def test_options_are_read_by_type() -> None:
    options = options_from({"cash": "5000.50", "latency_max_ms": "40", "hours": "real", "reject_percent": "2.5"})
    assert options == Options(cash=Decimal("5000.50"), latency_max_ms=40, hours="real", reject_percent=Decimal("2.5"))
    assert options_from({}) == Options()


@pytest.mark.parametrize(
    "given",
    [
        {"colour": "blue"},
        {"hours": "sometimes"},
        {"cash": "much"},
        {"cash": "0"},
        {"cash": "NaN"},
        {"latency_max_ms": "1.5"},
        {"latency_max_ms": "1"},
        {"reject_percent": "101"},
        {"late_ms": "-1"},
        {"step_ms": "0"},
    ],
)
def test_wrong_options_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(ConfigInvalid):
        options_from(given)


def test_rules_follow_from_the_spelling() -> None:
    share, option, coin, pair = (instrument_for(s) for s in ("AAPL", "AAPL261218C00230000", "BTC/USD", "EUR/USD"))
    assert share.tick_at(Decimal("0.5")) == Decimal("0.0001")
    assert share.is_on_tick(Price(Decimal("1.01")))
    assert not share.is_on_tick(Price(Decimal("1.001")))
    assert (option.symbol, option.multiplier) == ("AAPL  261218C00230000", 100)
    assert (coin.calendar, pair.calendar, share.calendar) == ("24x7", "FX", "XNYS")
    assert not coin.shortable


def test_what_is_published_about_options_is_what_they_are() -> None:
    assert {option.name: option.default for option in INFO.options} == {
        field.name: str(field.default) for field in fields(Options)
    }
