"""Options of NSE and BSE: how they are named, what their rules are, and that they are asked for."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from floorbroker.brokers.upstox import Options, wire
from floorbroker.brokers.upstox.mapping.orders import place_body
from floorbroker.brokers.upstox.mapping.rules import broken_rules
from floorbroker.brokers.upstox.mapping.symbols import Symbols, instrument_from
from floorbroker.domain.errors import SymbolNotFound
from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.values import AssetClass, PositionIntent, Price, Quantity, Side
from floorbroker.oms.schema_types import symbol_of
from tests.unit.brokers.upstox.fakes import CL_ORD_ID, NOW, FakeTransport, broker_on, limit_order, payload, reply

PUT, KEY = "NHPC260129P75.NFO", "NSE_FO|52618"
OPTIONS = Options(derivatives="options")


def row(**members: Any) -> dict[str, Any]:
    return json.loads(payload("instruments"))[-1] | members


def known(*rows: dict[str, Any], with_options: bool = True) -> Symbols:
    symbols = Symbols(with_options=with_options)
    symbols.learn(msgspec.json.decode(json.dumps(list(rows)), type=list[wire.Row]))
    return symbols


def order(**changes: Any) -> Any:
    return limit_order(
        **({"symbol": PUT, "order_qty": Quantity(Decimal(6400)), "price": Price(Decimal("4.65"))} | changes)
    )


def broken(options: Options = OPTIONS, **changes: Any) -> list[tuple[str, str]]:
    listed = known(row()).of(PUT)
    return [(field.pointer, field.code) for field in broken_rules(order(**changes), listed, options)]


@pytest.mark.parametrize(
    ("members", "symbol"),
    [
        ({}, PUT),
        ({"instrument_type": "CE", "strike_price": 77.5}, "NHPC260129C77.5.NFO"),
        ({"segment": "BSE_FO", "underlying_symbol": "SENSEX", "strike_price": 82000.0}, "SENSEX260129P82000.BFO"),
        ({"underlying_symbol": "BAJAJ-AUTO"}, "BAJAJ-AUTO260129P75.NFO"),
        ({"underlying_symbol": "M&M"}, "M&M260129P75.NFO"),
    ],
)
def test_an_option_is_named_by_what_it_is_about_its_day_and_its_strike(members: dict[str, Any], symbol: str) -> None:
    symbols = known(row(**members))
    assert symbols.key_of(symbol) == KEY
    assert symbols.named(KEY, exchange="NFO", trading="NHPC 75 PE 29 JAN 26") == symbol
    assert (asset_class_of(symbol), symbol_of(symbol)) == (AssetClass.OPTION, symbol)


@pytest.mark.parametrize(
    "members",
    [
        {"instrument_type": "FUT", "strike_price": 0.0},
        {"segment": "NCD_FO"},
        {"segment": "MCX_FO"},
        {"underlying_symbol": None},
        {"underlying_symbol": "A NAME TOO LONG"},
        {"strike_price": None},
        {"expiry": None},
        {"expiry": 0},
        {"expiry": 10**30},
        {"strike_price": -75.0},
    ],
)
def test_what_has_no_such_name_is_not_traded(members: dict[str, Any]) -> None:
    assert len(known(row(**members))) == 0


def test_options_are_read_where_the_profile_says_so() -> None:
    assert len(known(row(), with_options=False)) == 0
    with pytest.raises(SymbolNotFound, match="derivatives = options"):
        known(with_options=False).of(PUT)


def test_its_rules_are_in_units_and_one_contract_is_a_lot_of_them() -> None:
    rules = instrument_from(known(row()).of(PUT), is_intraday=False, as_of=NOW)
    assert (rules.asset_class, rules.currency, rules.multiplier) == (AssetClass.OPTION, "INR", 1)
    assert (rules.lot, rules.min_qty, rules.max_qty) == (6400, 6400, 128_000)
    assert rules.tick_at(Decimal(5)) == Decimal("0.05")


def test_lots_freeze_quantities_ticks_and_products_are_looked_at_before_anything_is_sent() -> None:
    assert broken() == []
    assert broken(order_qty=Quantity(Decimal(6401))) == [("/quantity", "not_whole")]
    assert broken(order_qty=Quantity(Decimal(134_400))) == [("/quantity", "too_large")]
    assert broken(price=Price(Decimal("4.66"))) == [("/limit_price", "off_tick")]
    assert broken(Options(derivatives="options", product="MTF")) == [("/symbol", "not_supported")]
    assert broken(side=Side.SELL, position_intent=PositionIntent.SELL_TO_OPEN) == []


def test_its_body_has_the_key_and_the_units() -> None:
    body = json.loads(place_body(order(), CL_ORD_ID, key=KEY, options=OPTIONS))
    assert (body["instrument_token"], body["quantity"], body["product"]) == (KEY, 6400, "D")


@pytest.mark.asyncio
async def test_a_position_in_an_option_is_told_under_its_name() -> None:
    held = {"quantity": -6400, "exchange": "NFO", "instrument_token": KEY, "trading_symbol": "x", "average_price": 4.65}
    paths = {"/v2/portfolio/short-term-positions": reply([held]), "/v2/portfolio/long-term-holdings": reply([])}
    broker = await broker_on(FakeTransport(by_path=paths), options=OPTIONS)
    (found,) = (await broker.get_positions()).items
    assert (found.symbol, found.qty) == (PUT, -6400)
