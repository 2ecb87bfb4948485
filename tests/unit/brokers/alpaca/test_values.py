"""Symbols, ids, times and numbers between their spelling and ours."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.brokers.alpaca.mapping.identity import AlpacaIdentity
from floorbroker.brokers.alpaca.mapping.values import from_wire_symbol, moment, to_wire_symbol
from floorbroker.domain.errors import ApiError
from floorbroker.domain.ids import IdSource
from floorbroker.domain.values import IntentId
from tests.unit.brokers.alpaca.fakes import NOW


@pytest.mark.parametrize(
    ("ours", "theirs", "asset_class"),
    [
        ("AAPL", "AAPL", "us_equity"),
        ("BRK.B", "BRK.B", "us_equity"),
        ("BTC/USD", "BTC/USD", "crypto"),
        ("AAPL  260320C00150000", "AAPL260320C00150000", "us_option"),
        ("SPXW  260320P05000500", "SPXW260320P05000500", None),
    ],
)
def test_symbols_cross_the_wire_both_ways(ours: str, theirs: str, asset_class: str | None) -> None:
    assert to_wire_symbol(ours) == theirs
    assert from_wire_symbol(theirs, asset_class) == ours


@pytest.mark.parametrize(
    ("theirs", "asset_class", "ours"),
    [
        ("BTCUSD", "crypto", "BTC/USD"),
        ("ETHUSDT", "crypto", "ETH/USDT"),
        ("USDTUSD", "crypto", "USDT/USD"),
        ("LTCBTC", "crypto", "LTC/BTC"),
        ("BTCUSD", None, "BTC/USD"),
        ("GOOGL", None, "GOOGL"),
        ("", None, ""),
        (None, None, ""),
    ],
)
def test_a_coin_without_its_slash_gets_it_back(theirs: str | None, asset_class: str | None, ours: str) -> None:
    assert from_wire_symbol(theirs, asset_class) == ours


def test_a_share_is_never_taken_for_a_coin() -> None:
    assert from_wire_symbol("BITUSD", "us_equity") == "BITUSD"


def test_an_intent_id_comes_back_from_its_client_id() -> None:
    identity = AlpacaIdentity()
    intent = IdSource(tag=77, random=Random(1)).intent(NOW)
    encoded = identity.encode(intent)
    assert len(encoded) <= 48
    assert identity.decode(encoded) == intent


@pytest.mark.parametrize(
    "text",
    ["", "fb-", "oc-000117", f"fb-{uuid.UUID(int=5)}", "FB-0195570e-6a80-7abc-8def-0123456789ab", "fb-" + "x" * 36],
)
def test_ids_we_never_made_are_nobodys(text: str) -> None:
    assert AlpacaIdentity().decode(text) is None


@given(st.text(max_size=60))
def test_decoding_any_text_gives_an_id_that_encodes_to_it_or_none(text: str) -> None:
    identity = AlpacaIdentity()
    found = identity.decode(text)
    assert found is None or identity.encode(found) == text


def test_an_id_that_could_not_be_decoded_is_not_encoded() -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        AlpacaIdentity().encode(IntentId("intent-1"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T15:04:05Z", datetime(2026, 3, 2, 15, 4, 5, tzinfo=UTC)),
        ("2026-03-02T15:04:05.12Z", datetime(2026, 3, 2, 15, 4, 5, 120000, tzinfo=UTC)),
        ("2026-03-02T10:04:05.123456789-05:00", datetime(2026, 3, 2, 15, 4, 5, 123457, tzinfo=UTC)),
        (None, None),
        ("", None),
    ],
)
def test_times_have_any_number_of_digits(text: str | None, expected: datetime | None) -> None:
    assert moment(text) == expected


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
def test_an_unreadable_time_is_an_error_of_ours(text: str) -> None:
    with pytest.raises(ApiError):
        moment(text)
