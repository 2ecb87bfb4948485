"""Symbols in OCC form, and the steps a venue sets for prices and quantities."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.instrument import Instrument, OptionContract, TickRule, asset_class_of
from floorbroker.domain.values import AssetClass


@given(
    root=st.from_regex(r"[A-Z]{1,6}", fullmatch=True),
    expiry=st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    right=st.sampled_from("CP"),
    strike=st.integers(1, 99_999_999).map(lambda thousandths: Decimal(thousandths) / 1000),
)
def test_a_contract_reads_back_from_its_symbol_padded_or_not(
    root: str, expiry: date, right: str, strike: Decimal
) -> None:
    contract = OptionContract(root=root, expiry=expiry, right=right, strike=strike)
    assert OptionContract.parse(contract.symbol) == contract
    assert OptionContract.parse(contract.symbol.replace(" ", "")) == contract


@pytest.mark.parametrize(
    "text", ["AAPL", "", "AAPL  261320P00150000", "AAPL  260320X00150000", "AAPL  260320P0015000²"]
)
def test_what_is_no_contract_is_none(text: str) -> None:
    assert OptionContract.parse(text) is None


@pytest.mark.parametrize(
    ("symbol", "kind"),
    [
        ("AAPL", AssetClass.EQUITY),
        ("BRK.B", AssetClass.EQUITY),
        ("BTC/USD", AssetClass.CRYPTO),
        ("EUR/USD", AssetClass.FX),
        ("AAPL  260320P00150000", AssetClass.OPTION),
        ("NIFTY260310C25000.NFO", AssetClass.OPTION),
        ("SENSEX260312P82000.5.BFO", AssetClass.OPTION),
        ("RELIANCE.NSE", AssetClass.EQUITY),
        ("NIFTY.NFO", AssetClass.EQUITY),
    ],
)
def test_the_spelling_tells_the_asset_class(symbol: str, kind: AssetClass) -> None:
    assert asset_class_of(symbol) is kind


def test_price_steps_change_with_the_price() -> None:
    rules = (
        TickRule(from_price=Decimal(0), tick=Decimal("0.0001")),
        TickRule(from_price=Decimal(1), tick=Decimal("0.01")),
    )
    share = Instrument(symbol="F", asset_class=AssetClass.EQUITY, currency="USD", ticks=rules)
    assert share.is_on_tick(Decimal("0.9999"))
    assert not share.is_on_tick(Decimal("1.005"))
    assert share.is_on_tick(Decimal("1.01"))


def test_fractions_count_only_where_the_venue_takes_them() -> None:
    whole = Instrument(symbol="F", asset_class=AssetClass.EQUITY, currency="USD")
    split = Instrument(symbol="F", asset_class=AssetClass.EQUITY, currency="USD", fraction=Decimal("0.001"))
    assert not whole.is_on_lot(Decimal("0.5"))
    assert split.is_on_lot(Decimal("0.5"))
    assert not split.is_on_lot(Decimal("0.0005"))
