"""Wishes as parameters, over REST and over the socket; symbols and ids."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.kraken import wire
from floorbroker.brokers.kraken.mapping.entry import amend_members, order_members
from floorbroker.brokers.kraken.mapping.identity import KrakenIdentity
from floorbroker.brokers.kraken.mapping.orders import amend_params, order_params
from floorbroker.brokers.kraken.mapping.symbols import Symbols, asset_of, by_rule
from floorbroker.domain.errors import InvalidRequest, NotSupported, Outcome, OwnRefusal
from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.values import (
    IntentId,
    OrderClass,
    OrderType,
    Price,
    Quantity,
    Side,
    TimeInForce,
)
from tests.unit.brokers.kraken.fakes import CL_ORD_ID, limit_order, payload

THEN = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
D = Decimal


def of_type(kind: OrderType, **terms: Any) -> NewOrder:
    return limit_order(**({"order_type": kind, "price": None} | terms))


CASES: list[tuple[NewOrder, dict[str, str], dict[str, object]]] = [
    (
        limit_order(),
        {"ordertype": "limit", "price": "64000.1", "volume": "0.01", "timeinforce": "GTC", "oflags": "fciq"},
        {"order_type": "limit", "limit_price": D("64000.1"), "order_qty": D("0.01"), "time_in_force": "gtc"},
    ),
    (
        limit_order(post_only=True, side=Side.SELL),
        {"type": "sell", "oflags": "fciq,post"},
        {"side": "sell", "post_only": True, "fee_preference": "quote"},
    ),
    (
        limit_order(display_qty=Quantity(D("0.002"))),
        {"ordertype": "iceberg", "displayvol": "0.002"},
        {"order_type": "iceberg", "display_qty": D("0.002")},
    ),
    (limit_order(tif=TimeInForce.IOC), {"timeinforce": "IOC"}, {"time_in_force": "ioc"}),
    (
        limit_order(tif=TimeInForce.GTD, expire_at=THEN),
        {"timeinforce": "GTD", "expiretm": "1772539200"},
        {"time_in_force": "gtd", "expire_time": "2026-03-03T12:00:00.000000Z"},
    ),
    (of_type(OrderType.MARKET), {"ordertype": "market", "volume": "0.01"}, {"order_type": "market"}),
    (
        of_type(OrderType.MARKET, order_qty=None, notional=D("100.50")),
        {"ordertype": "market", "volume": "100.5", "oflags": "fciq,viqc"},
        {"order_type": "market", "cash_order_qty": D("100.50")},
    ),
    (
        of_type(OrderType.STOP, stop_px=Price(D(65000))),
        {"ordertype": "stop-loss", "price": "65000"},
        {"order_type": "stop-loss", "triggers": {"reference": "last", "price": D(65000)}},
    ),
    (
        of_type(OrderType.STOP_LIMIT, stop_px=Price(D(65000)), price=Price(D(65010))),
        {"ordertype": "stop-loss-limit", "price": "65000", "price2": "65010"},
        {"order_type": "stop-loss-limit", "limit_price": D(65010)},
    ),
    (
        of_type(OrderType.MARKET_IF_TOUCHED, stop_px=Price(D(60000))),
        {"ordertype": "take-profit", "price": "60000"},
        {"order_type": "take-profit"},
    ),
    (
        of_type(OrderType.LIMIT_IF_TOUCHED, stop_px=Price(D(60000)), price=Price(D(59990))),
        {"ordertype": "take-profit-limit", "price": "60000", "price2": "59990"},
        {"order_type": "take-profit-limit", "limit_price": D(59990)},
    ),
    (
        of_type(OrderType.TRAILING_STOP, trail_percent=D("2.50")),
        {"ordertype": "trailing-stop", "price": "+2.5%"},
        {"triggers": {"reference": "last", "price": D("2.50"), "price_type": "pct"}},
    ),
    (
        of_type(OrderType.TRAILING_STOP, trail_amount=Price(D(50))),
        {"ordertype": "trailing-stop", "price": "+50"},
        {"triggers": {"reference": "last", "price": D(50), "price_type": "quote"}},
    ),
]


@pytest.mark.parametrize(("order", "params", "members"), CASES)
def test_an_order_is_spelled_for_both_doors(
    order: NewOrder, params: dict[str, str], members: dict[str, object]
) -> None:
    made, sent = order_params(order, CL_ORD_ID), order_members(order, CL_ORD_ID)
    assert params.items() <= made.items()
    assert all(sent[name] == value for name, value in members.items())
    assert made["cl_ord_id"] == sent["cl_ord_id"] == CL_ORD_ID


def test_reduce_only_is_the_desks_promise_and_no_flag_of_spot() -> None:
    assert order_params(limit_order(reduce_only=True), CL_ORD_ID) == order_params(limit_order(), CL_ORD_ID)
    assert order_members(limit_order(reduce_only=True), CL_ORD_ID) == order_members(limit_order(), CL_ORD_ID)


def test_nothing_is_sent_that_was_not_asked_for() -> None:
    assert set(order_params(of_type(OrderType.MARKET), CL_ORD_ID)) == {
        "ordertype", "type", "volume", "cl_ord_id", "oflags",
    }  # fmt: skip
    assert set(order_members(of_type(OrderType.MARKET), CL_ORD_ID)) == {
        "order_type", "side", "order_qty", "cl_ord_id", "fee_preference",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        (limit_order(tif=TimeInForce.DAY), NotSupported),
        (limit_order(tif=TimeInForce.FOK), NotSupported),
        (limit_order(order_class=OrderClass.OCO), NotSupported),
        (limit_order(order_qty=None, notional=D(5)), NotSupported),
        (of_type(OrderType.MARKET, order_qty=None, notional=D(5), side=Side.SELL), NotSupported),
        (limit_order(notional=D(5)), InvalidRequest),
        (limit_order(order_qty=None), InvalidRequest),
        (limit_order(tif=TimeInForce.GTD), InvalidRequest),
        (limit_order(extended_hours=True), NotSupported),
        (of_type(OrderType.MARKET, post_only=True), NotSupported),
        (of_type(OrderType.MARKET, display_qty=Quantity(D(1))), NotSupported),
        (of_type(OrderType.LIMIT), InvalidRequest),
        (of_type(OrderType.STOP), InvalidRequest),
        (of_type(OrderType.STOP_LIMIT, stop_px=Price(D(1))), InvalidRequest),
        (of_type(OrderType.TRAILING_STOP), InvalidRequest),
        (of_type(OrderType.TRAILING_STOP, trail_amount=Price(D(1)), trail_percent=D(1)), InvalidRequest),
    ],
)
def test_what_the_venue_has_no_words_for_is_refused_before_anything_leaves(
    order: NewOrder, kind: type[OwnRefusal]
) -> None:
    for spell in (order_params, order_members):
        with pytest.raises(kind) as caught:
            spell(order, CL_ORD_ID)
        assert caught.value.outcome is Outcome.NOT_SENT


def test_a_change_names_what_changes() -> None:
    changes = OrderChanges(order_qty=Quantity(D("0.02")), price=Price(D("63999.90")), stop_px=Price(D(1)))
    assert amend_params(changes, order_id="O1") == {
        "txid": "O1", "order_qty": "0.02", "limit_price": "63999.9", "trigger_price": "1",
    }  # fmt: skip
    assert amend_members(OrderChanges(price=Price(D(5))), order_id="O1") == {"order_id": "O1", "limit_price": D(5)}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        (OrderChanges(), InvalidRequest),
        (OrderChanges(tif=TimeInForce.IOC), NotSupported),
        (OrderChanges(trail=D(1)), NotSupported),
    ],
)
def test_what_an_amend_cannot_change_is_refused(changes: OrderChanges, kind: type[OwnRefusal]) -> None:
    for spell in (amend_params, amend_members):
        with pytest.raises(kind):
            spell(changes, order_id="O1")


# -- symbols ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("XXBTZUSD", "BTC/USD"),
        ("XBTUSD", "BTC/USD"),
        ("XBT/USD", "BTC/USD"),
        ("BTC/USD", "BTC/USD"),
        ("XETHZEUR", "ETH/EUR"),
        ("XETHXXBT", "ETH/BTC"),
        ("ETHXBT", "ETH/BTC"),
        ("XDGUSD", "DOGE/USD"),
        ("XTZUSD", "XTZ/USD"),
        ("USDTZUSD", "USDT/USD"),
        ("SOLUSDT", "SOL/USDT"),
        ("ZEURZUSD", "EUR/USD"),
        ("NOTHING", "NOTHING"),
    ],
)
def test_a_pair_is_read_by_rule_where_no_table_knows_it(name: str, symbol: str) -> None:
    assert by_rule(name) == symbol
    assert Symbols().from_rest(name) == symbol


def test_the_table_knows_every_spelling_of_its_pairs() -> None:
    pairs = wire.decode(
        wire.decode(payload("pairs"), wire.Envelope, what="pairs").result, dict[str, wire.Pair], what="pairs"
    )
    symbols = Symbols(pairs)
    for name in ("XXBTZUSD", "XBTUSD", "XBT/USD"):
        assert symbols.from_rest(name) == "BTC/USD"
    assert [symbols.to_rest(symbol) for symbol in ("BTC/USD", "DOGE/USD", "ETH/EUR")] == ["XBTUSD", "XDGUSD", "ETHEUR"]
    assert symbols.to_rest("SOL/BTC") == "SOLXBT"  # by rule
    assert set(symbols.pairs) == {"BTC/USD", "ETH/EUR", "DOGE/USD", "USDT/USD", "EUR/USD"}


@pytest.mark.parametrize(
    ("name", "ours", "is_free"),
    [
        ("XXBT", "BTC", True),
        ("ZUSD", "USD", True),
        ("XBT.F", "BTC.F", True),
        ("XBT.M", "BTC.M", False),
        ("ETH.B", "ETH.B", False),
        ("XXDG", "DOGE", True),
        ("SOL", "SOL", True),
    ],
)
def test_assets_are_named_as_everybody_names_them(name: str, ours: str, is_free: bool) -> None:
    asset = asset_of(name)
    assert (asset.name, asset.is_free) == (ours, is_free)


# -- ids ----------------------------------------------------------------------------------------------------------------


def test_our_id_is_the_canonical_text_of_the_intent_and_comes_back() -> None:
    identity = KrakenIdentity()
    made = identity.encode(IntentId("0195570E6A807ABC8DEF0123456789AB"))
    assert (made, len(made)) == (CL_ORD_ID, 36)
    assert identity.decode(made) == CL_ORD_ID


@pytest.mark.parametrize(
    "text", ["", "oc-000001", "0195570e6a807abc8def0123456789ab", "0195570E-6A80-7ABC-8DEF-0123456789AB", "x" * 36]
)
def test_ids_we_never_made_are_strangers(text: str) -> None:
    assert KrakenIdentity().decode(text) is None
