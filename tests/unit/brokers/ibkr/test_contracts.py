"""Symbols to contracts and back, and our ids in order references."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.brokers.ibkr.mapping import IbkrIdentity, contract_for, symbol_of
from floorbroker.brokers.ibkr.wire import Contract
from floorbroker.domain.errors import SymbolNotFound
from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.values import IntentId

PUT = Contract(
    symbol="AAPL", sec_type="OPT", last_trade="20260320", strike=Decimal(150), right="P", multiplier="100",
    exchange="SMART", currency="USD", trading_class="AAPL",
)  # fmt: skip


@pytest.mark.parametrize(
    ("symbol", "contract"),
    [
        ("AAPL", Contract(symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD")),
        ("BRK.B", Contract(symbol="BRK B", sec_type="STK", exchange="SMART", currency="USD")),
        ("EUR/USD", Contract(symbol="EUR", sec_type="CASH", exchange="IDEALPRO", currency="USD")),
        ("AAPL  260320P00150000", PUT),
    ],
)
def test_a_symbol_is_the_contract_that_means_it_and_back(symbol: str, contract: Contract) -> None:
    assert contract_for(symbol) == contract
    assert symbol_of(contract) == symbol


@pytest.mark.parametrize("symbol", ["BTC/USD", "BTC/USDT:USDT", "", "A\0B", "../x"])
def test_what_is_not_traded_here_is_refused_by_name(symbol: str) -> None:
    with pytest.raises(SymbolNotFound):
        contract_for(symbol)


@given(
    root=st.text(alphabet="ABCXYZ", min_size=1, max_size=6),
    expiry=st.dates(min_value=date(2000, 1, 1), max_value=date(2099, 12, 31)),
    right=st.sampled_from("CP"),
    mills=st.integers(min_value=1, max_value=99_999_999),
)
def test_every_listed_option_comes_back(root: str, expiry: date, right: str, mills: int) -> None:
    symbol = OptionContract(root=root, expiry=expiry, right=right, strike=Decimal(mills) / 1000).symbol
    assert symbol_of(contract_for(symbol)) == symbol


def changed(**terms: object) -> Contract:
    members = {name: getattr(PUT, name) for name in PUT.__struct_fields__}
    return Contract(**{**members, **terms})


@pytest.mark.parametrize(
    "contract",
    [
        changed(right="X"),
        changed(strike=Decimal(0)),
        changed(strike=Decimal("150.0001")),
        changed(strike=Decimal(100_000)),
        changed(last_trade="202603"),
        changed(last_trade="20261399"),
        changed(trading_class="TOOLONGX"),
        changed(local_symbol="AAPL  260320P00155000"),
        changed(sec_type="FUT"),
        Contract(sec_type="STK"),
        Contract(sec_type="CASH", symbol="EURO", currency="USD"),
    ],
)
def test_a_contract_that_does_not_add_up_has_no_name(contract: Contract) -> None:
    assert symbol_of(contract) is None


def test_a_weekly_is_named_by_its_trading_class_and_words_of_rights_are_known() -> None:
    weekly = changed(symbol="SPX", trading_class="SPXW", right="PUT", local_symbol="SPXW  260320P00150000")
    assert symbol_of(weekly) == "SPXW  260320P00150000"


def test_our_ids_come_back_and_others_are_nobodys() -> None:
    intent = IntentId("0198f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a")
    identity = IbkrIdentity()
    assert identity.decode(identity.encode(intent)) == intent
    assert [identity.decode(text) for text in ("", "b-1", intent.upper(), f"{intent} ")] == [None] * 4
