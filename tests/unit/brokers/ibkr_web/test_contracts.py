"""Which contract a symbol names, and what contracts are called that others brought up."""

from __future__ import annotations

from contextlib import nullcontext
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.mapping.contracts import Contract, Known, assert_strike, option_in, symbol_in
from floorbroker.domain.errors import ApiError, SymbolNotFound
from floorbroker.domain.instrument import OptionContract
from tests.unit.brokers.ibkr_web.fakes import ACCOUNT, Gateway, approved, broker, payload

D = Decimal
PUT = "AAPL  260320P00150000"
SHARE, OPTION = payload("secdef")["secdef"][:2]
ROWS = payload("option_info")


def defined(row: dict[str, Any], **changes: Any) -> wire.Definition:
    return wire.decode(wire.encode(row | changes), wire.Definition, what="a definition")


@pytest.mark.parametrize(
    ("changes", "symbol"),
    [
        ({}, "AAPL"),
        ({"currency": "EUR"}, None),
        ({"currency": None}, None),
        ({"isUS": False}, None),
        ({"assetClass": "BOND"}, None),
        ({"ticker": None}, None),
    ],
)
def test_a_share_in_dollars_of_this_country_has_its_ticker(changes: dict[str, Any], symbol: str | None) -> None:
    assert symbol_in(defined(SHARE, **changes)) == symbol


@pytest.mark.parametrize(
    ("changes", "trading_class", "symbol"),
    [
        ({}, "AAPL", PUT),
        ({}, "AAPL1", None),
        ({}, None, None),
        ({"currency": "CAD"}, "AAPL", None),
        ({"multiplier": 10}, "AAPL", None),
        ({"putOrCall": None}, "AAPL", None),
    ],
)
def test_an_option_has_a_symbol_when_its_class_is_its_root(
    changes: dict[str, Any], trading_class: str | None, symbol: str | None
) -> None:
    assert symbol_in(defined(OPTION, **changes), trading_class=trading_class) == symbol


@pytest.mark.parametrize(
    ("told", "error"), [(["150"], None), (["151"], SymbolNotFound), (["sNaN", "150"], ApiError), (["1e99"], ApiError)]
)
def test_a_strike_is_held_against_those_of_the_month(told: list[str], error: type[Exception] | None) -> None:
    strikes, option = wire.decode(wire.encode({"put": told}), wire.Strikes, what="strikes"), OptionContract.parse(PUT)
    assert option is not None
    with pytest.raises(error) if error is not None else nullcontext():
        assert_strike(strikes, option)


@pytest.mark.parametrize("changes", [{"tradingClass": "AAPL1"}, {"tradingClass": None}, {"currency": "CAD"}])
def test_an_option_of_another_class_is_not_the_one_that_was_asked_for(changes: dict[str, Any]) -> None:
    option = OptionContract.parse(PUT)
    assert option is not None
    rows = [wire.decode(wire.encode(row | changes), wire.OptionInfo, what="an option") for row in ROWS]
    with pytest.raises(SymbolNotFound):
        option_in(rows, option)


def test_only_a_look_up_says_which_contract_a_symbol_names() -> None:
    known = Known()
    known.name(1, "AAPL")
    known.name(2, None)
    assert known.contract("AAPL") is None
    assert (known.symbol(1), known.symbol(2), known.symbol(3)) == ("AAPL", "conid 2", "")
    known.learn(Contract(symbol="AAPL", conid=265598))
    known.name(265598, None)
    assert known.contract("AAPL") == Contract(symbol="AAPL", conid=265598)
    assert known.symbol(265598) == "AAPL"


@pytest.mark.asyncio
async def test_a_position_in_a_foreign_share_of_that_name_changes_no_order() -> None:
    """The same ticker is listed in two countries; the account holds the other one."""
    gateway = Gateway()
    held = {**payload("positions")[0], "conid": 4391, "currency": "EUR"}
    gateway.set(f"/portfolio/{ACCOUNT}/positions/0", [held])
    gateway.set("/trsrv/secdef", {"secdef": [{**SHARE, "conid": 4391, "currency": "EUR", "isUS": False}]})
    venue = broker(gateway)
    await venue.connect()
    (position,) = (await venue.get_positions()).items
    assert (position.symbol, position.qty) == ("conid 4391", 10)
    await venue.submit_order(approved())
    (body,) = gateway.bodies(f"/iserver/account/{ACCOUNT}/orders")
    assert body["orders"][0]["conid"] == 265598
    await venue.disconnect()


@pytest.mark.asyncio
async def test_the_class_of_a_held_option_is_asked_for_and_must_be_about_it() -> None:
    gateway = Gateway()
    gateway.set(f"/portfolio/{ACCOUNT}/positions/0", payload("positions")[1:])
    gateway.set("/iserver/contract/685302909/info", {**payload("contract_info"), "trading_class": "AAPL1"})
    venue = broker(gateway)
    await venue.connect()
    assert [one.symbol for one in (await venue.get_positions()).items] == ["conid 685302909"]
    await venue.disconnect()
    gateway.set("/iserver/contract/685302909/info", {**payload("contract_info"), "con_id": 7})
    other = broker(gateway)
    await other.connect()
    with pytest.raises(ApiError, match="another contract"):
        await other.get_positions()
    await other.disconnect()
