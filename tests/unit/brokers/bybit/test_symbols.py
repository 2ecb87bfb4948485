"""Symbols both ways, numbers, times and ids."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.brokers.bybit.mapping.identity import BybitIdentity
from floorbroker.brokers.bybit.mapping.symbols import LINEAR, SPOT, Place, Symbols, by_rule, to_wire
from floorbroker.brokers.bybit.mapping.values import above_zero, lenient_moment, moment, moment_needed, needed, number
from floorbroker.domain.errors import ApiError, SymbolNotFound
from floorbroker.domain.values import ClOrdId, IntentId
from tests.unit.brokers.bybit.fakes import CL_ORD_ID, INTENT

PAIRS = [
    ("BTC/USDT", SPOT, "BTCUSDT"),
    ("BTC/USDC", SPOT, "BTCUSDC"),
    ("ETH/BTC", SPOT, "ETHBTC"),
    ("BTC/EUR", SPOT, "BTCEUR"),
    ("BTC/USDT:USDT", LINEAR, "BTCUSDT"),
    ("1000PEPE/USDT:USDT", LINEAR, "1000PEPEUSDT"),
    ("BTC/USDC:USDC", LINEAR, "BTCPERP"),
]


@pytest.mark.parametrize(("ours", "category", "theirs"), PAIRS)
def test_a_symbol_has_one_spelling_there_and_back(ours: str, category: str, theirs: str) -> None:
    assert to_wire(ours) == Place(category, theirs)
    assert by_rule(category, theirs) == ours


@pytest.mark.parametrize("symbol", ["AAPL", "BTC/USD:BTC", "BTC/USDT:USDC", "btc/usdt", "", "A/B/C"])
def test_what_is_neither_a_pair_nor_a_linear_perpetual_is_not_found(symbol: str) -> None:
    with pytest.raises(SymbolNotFound):
        to_wire(symbol)


@pytest.mark.parametrize(
    ("ours", "category", "theirs"),
    [
        ("BTC/USDC:USDC-27MAR26", LINEAR, "BTC-27MAR26"),
        ("BTC/USDT:USDT-27MAR26", LINEAR, "BTCUSDT-27MAR26"),
        ("ABCXYZ/?", SPOT, "ABCXYZ"),
        ("BTCUSD/?:?", LINEAR, "BTCUSD"),
    ],
)
def test_what_is_not_traded_here_can_be_asked_about_and_cancelled(ours: str, category: str, theirs: str) -> None:
    assert by_rule(category, theirs) == ours
    assert to_wire(ours) == Place(category, theirs)


@given(
    st.sampled_from([SPOT, LINEAR]),
    st.from_regex(r"[A-Z0-9]{1,6}(USDT|USDC|PERP|BTC)?(-[0-9]{2}[A-Z]{3}[0-9]{2})?", fullmatch=True),
)
def test_every_spelling_of_the_venue_comes_back_to_it(category: str, spelled: str) -> None:
    ours = Symbols().from_wire(category, spelled)
    assert ":" in ours or category == SPOT
    assert to_wire(ours) == Place(category, spelled)


def test_the_instrument_list_knows_better_than_the_rule() -> None:
    symbols = Symbols()
    assert symbols.from_wire(SPOT, "USDTBRL") == "USDT/BRL"
    symbols.learn("ABCXYZ", "ABC", "XYZ")
    assert symbols.from_wire(SPOT, "ABCXYZ") == "ABC/XYZ"
    symbols.learn("BTCUSDT", "BT", "CUSD")
    assert symbols.from_wire(SPOT, "BTCUSDT") == "BTC/USDT"


def test_an_id_comes_back_as_the_intent_it_stands_for() -> None:
    identity = BybitIdentity()
    assert identity.encode(INTENT) == CL_ORD_ID
    assert identity.decode(CL_ORD_ID) == INTENT
    assert len(CL_ORD_ID) == 36


@pytest.mark.parametrize("text", ["", "x", "oc-0001", str(INTENT).upper(), f"{INTENT}0", "a" * 36])
def test_ids_that_we_never_made_are_nobodys(text: str) -> None:
    assert BybitIdentity().decode(text) is None


def test_what_is_no_uuid_gets_no_client_id() -> None:
    with pytest.raises(ValueError, match="UUID"):
        BybitIdentity().encode(IntentId("nonsense"))
    assert ClOrdId(str(INTENT)) == CL_ORD_ID


def test_numbers_come_as_text_and_absent_ones_as_an_empty_text() -> None:
    assert (number("1.50"), number(""), number(None)) == (Decimal("1.50"), None, None)
    assert (above_zero("0.00"), above_zero(""), above_zero("0.1")) == (None, None, Decimal("0.1"))
    for monster in ("NaN", "1e400", "0x1", "1_0", "Infinity", "9" * 90):
        with pytest.raises(ApiError):
            number(monster)
    with pytest.raises(ApiError):
        needed("", what="a price")


def test_times_are_milliseconds_as_text_or_as_a_number() -> None:
    at = datetime(2026, 3, 2, 15, 4, 10, 123_000, tzinfo=UTC)
    assert moment("1772463850123") == moment(1772463850123) == at
    assert (moment(""), moment("0"), moment(0), moment(None)) == (None, None, None, None)
    for odd in ("soon", -1, 10**18, "9" * 15, "1.5"):
        with pytest.raises(ApiError):
            moment(odd)
        assert lenient_moment(odd) is None
    with pytest.raises(ApiError):
        moment_needed("")


@given(st.text(max_size=30))
def test_no_text_crashes_the_readers_of_values(text: str) -> None:
    for read in (number, moment):
        try:
            read(text)
        except ApiError:
            continue
