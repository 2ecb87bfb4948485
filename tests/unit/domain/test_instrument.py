"""Symbols and the steps of a venue, with everything that outside text may hold."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.instrument import Instrument, OptionContract, TickRule
from floorbroker.domain.values import AssetClass, NotExact, decimal_of, is_multiple

TINY = Instrument(
    symbol="BTC/USD",
    asset_class=AssetClass.CRYPTO,
    currency="USD",
    ticks=(TickRule(from_price=Decimal(0), tick=Decimal("1e-18")),),
    fraction=Decimal("1e-18"),
)


def test_an_option_symbol_is_read_and_written_back() -> None:
    contract = OptionContract.parse("AAPL260320P00150000")
    assert contract is not None
    assert (contract.root, contract.right, contract.strike) == ("AAPL", "P", 150)
    assert contract.symbol == "AAPL  260320P00150000"


@pytest.mark.parametrize(
    "symbol",
    [
        "AAPL260320P0015000²",
        "AAPL26032\u0660P00150000",
        "ÄAPL260320P00150000",
        "AAPL260320\u216d00150000",
        "²" * 21,
        "",
    ],
)
def test_digits_and_letters_of_other_alphabets_make_no_option(symbol: str) -> None:
    assert OptionContract.parse(symbol) is None


@given(st.text(max_size=30))
def test_no_text_at_all_breaks_the_reading_of_options(text: str) -> None:
    OptionContract.parse(text)


@pytest.mark.parametrize("size", ["9" * 38, "1e20", "99999999999999999999.000000000000000001"])
def test_a_number_many_powers_of_ten_above_the_step_is_still_measured(size: str) -> None:
    assert TINY.is_on_lot(decimal_of(size))
    assert TINY.is_on_tick(decimal_of(size))
    assert not TINY.is_on_lot(decimal_of("0.0000000000000000005"))


@given(st.integers(-(10**37), 10**37), st.integers(-20, 18), st.integers(1, 10**20), st.integers(-20, 0))
def test_a_multiple_is_what_whole_numbers_say_it_is(value: int, shift: int, step: int, step_shift: int) -> None:
    scaled_value, scaled_step = value * 10 ** (shift + 20), step * 10 ** (step_shift + 20)
    found = is_multiple(Decimal(f"{value}e{shift}"), Decimal(f"{step}e{step_shift}"))
    assert found == (scaled_value % scaled_step == 0)


@pytest.mark.parametrize(
    "text", ["NaN", "sNaN", "-Infinity", "1e400", "1_0", " 1", "²", "\u0661", "", "9" * 39, "1e-21"]
)
def test_what_is_no_exact_number_is_named_so(text: str) -> None:
    with pytest.raises(NotExact):
        decimal_of(text)
