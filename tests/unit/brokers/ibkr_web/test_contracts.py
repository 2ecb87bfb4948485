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
from floorbroker.transport.types import Request
from tests.unit.brokers.ibkr_web.fakes import ACCOUNT, Gateway, approved, broker, limit_order, payload

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
        ({"ticker": "BRK B"}, "BRK.B"),
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
        ({"ticker": "BRK B"}, "BRKB", "BRKB  260320P00150000"),
        ({"ticker": "BRK B"}, "BRK B", None),
        ({"ticker": "SPX"}, "SPXW", "SPXW  260320P00150000"),
        ({"ticker": "SPX"}, "SPX", "SPX   260320P00150000"),
        ({"ticker": "SPX"}, "SPXA", None),
        ({"ticker": "SPX"}, "", None),
        ({"ticker": "ABCDEFG"}, "ABCDEFG", None),
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


NAMED = [  # root, underlying, its number, what it is searched for as
    ("BRKB", "BRK B", 72063691, ["BRKB", "BRK B"]),
    ("SPXW", "SPX", 416904, ["SPXW", "SPX"]),
    ("SPX", "SPX", 416904, ["SPX"]),
]


def listing(root: str, underlying: str, conid: int) -> Gateway:
    """One underlying with options of one class, and of another one at the same terms."""
    gateway, found, rows = Gateway(), payload("search")[0], payload("option_info")[:1]
    of_it = [
        row | {"symbol": underlying, "conid": 7 + n, "tradingClass": c}
        for row in rows
        for n, c in enumerate(("X", root))
    ]

    def search(request: Request) -> object:
        asked = dict(request.query)["symbol"]
        return [found | {"symbol": asked, "conid": str(conid)}] if asked == underlying else {"error": "No symbol found"}

    gateway.set("/iserver/secdef/search", search)
    gateway.set("/iserver/secdef/info", lambda request: of_it if dict(request.query)["conid"] == str(conid) else [])
    return gateway


@pytest.mark.asyncio
@pytest.mark.parametrize(("root", "underlying", "conid", "searched"), NAMED)
async def test_a_class_that_is_no_ticker_is_found_on_what_it_is_about(
    root: str, underlying: str, conid: int, searched: list[str]
) -> None:
    gateway = listing(root, underlying, conid)
    venue = broker(gateway)
    await venue.connect()
    await venue.submit_order(approved(limit_order(symbol=f"{root:<6}260320P00150000")))
    (body,) = gateway.bodies(f"/iserver/account/{ACCOUNT}/orders")
    assert body["orders"][0]["conid"] == 8
    assert [dict(one.query)["symbol"] for one in gateway.requests if one.path.endswith("search")] == searched
    await venue.disconnect()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("symbol", "searched"),
    [("AAPL1 260320P00150000", ["AAPL1"]), ("NDXP  260320P00150000", ["NDXP", "NDX", "NDX P"])],
)
async def test_a_class_that_nobody_has_is_not_found(symbol: str, searched: list[str]) -> None:
    gateway = listing("AAPL", "AAPL", 265598)
    venue = broker(gateway)
    await venue.connect()
    with pytest.raises(SymbolNotFound, match=searched[0]):
        await venue.submit_order(approved(limit_order(symbol=symbol)))
    assert [dict(one.query)["symbol"] for one in gateway.requests if one.path.endswith("search")] == searched
    assert not gateway.bodies(f"/iserver/account/{ACCOUNT}/orders")
    await venue.disconnect()


@pytest.mark.asyncio
async def test_a_search_that_fails_is_no_word_on_what_is_listed() -> None:
    gateway = listing("BRKB", "BRK B", 72063691)
    gateway.set("/iserver/secdef/search", {"error": "Timeout"})
    venue = broker(gateway)
    await venue.connect()
    with pytest.raises(ApiError, match="answered with an error"):
        await venue.submit_order(approved(limit_order(symbol="BRKB  260320P00150000")))
    await venue.disconnect()


@pytest.mark.asyncio
async def test_a_share_class_is_asked_for_with_a_space() -> None:
    gateway = Gateway()
    gateway.set("/trsrv/stocks", lambda request: {dict(request.query)["symbols"]: payload("stocks")["AAPL"]})
    venue = broker(gateway)
    await venue.connect()
    await venue.submit_order(approved(limit_order(symbol="BRK.B")))
    assert [dict(one.query)["symbols"] for one in gateway.requests if one.path.endswith("stocks")] == ["BRK B"]
    await venue.disconnect()


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
