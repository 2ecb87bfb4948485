"""Order bodies: what is sent, that it satisfies the published specification, and that nothing is lost on the way."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.brokers.alpaca import wire
from floorbroker.brokers.alpaca.mapping.orders import TYPES, order_request, replace_request
from floorbroker.brokers.alpaca.mapping.reports import Heard, order_reports
from floorbroker.domain.errors import InvalidRequest, NotSupported, Outcome
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import NewOrder, OrderChanges, OrderLeg, StopLoss
from floorbroker.domain.values import OrderClass, OrderType, PositionIntent, Price, Quantity, Side, TimeInForce
from tests.unit.brokers.alpaca.fakes import CL_ORD_ID, NOW, limit_order


def price(text: str) -> Price:
    return Price(Decimal(text))


def qty(text: str) -> Quantity:
    return Quantity(Decimal(text))


MARKET: dict[str, Any] = {"order_type": OrderType.MARKET, "price": None}
SPREAD = (
    OrderLeg(
        symbol="AAPL  260320C00150000",
        side=Side.BUY,
        ratio_qty=qty("1"),
        position_intent=PositionIntent.BUY_TO_OPEN,
    ),
    OrderLeg(symbol="AAPL  260320C00160000", side=Side.SELL, ratio_qty=qty("1")),
)
EXITS: dict[str, Any] = {"take_profit": price("160"), "stop_loss": StopLoss(stop_px=price("145"), price=price("144.5"))}

ORDERS: dict[str, tuple[NewOrder, dict[str, Any]]] = {
    "limit": (limit_order(), {"type": "limit", "limit_price": "150.5", "qty": "3", "side": "buy", "symbol": "AAPL"}),
    "market": (limit_order(**MARKET), {"type": "market"}),
    "stop": (
        limit_order(order_type=OrderType.STOP, price=None, stop_px=price("160"), tif=TimeInForce.GTC),
        {"type": "stop", "stop_price": "160", "time_in_force": "gtc"},
    ),
    "stop_limit": (
        limit_order(order_type=OrderType.STOP_LIMIT, stop_px=price("149")),
        {"type": "stop_limit", "stop_price": "149", "limit_price": "150.5"},
    ),
    "trail_price": (
        limit_order(order_type=OrderType.TRAILING_STOP, price=None, trail_amount=price("2.5")),
        {"type": "trailing_stop", "trail_price": "2.5"},
    ),
    "trail_percent": (
        limit_order(order_type=OrderType.TRAILING_STOP, price=None, trail_percent=Decimal("1.50")),
        {"type": "trailing_stop", "trail_percent": "1.5"},
    ),
    "notional": (
        limit_order(**MARKET, order_qty=None, notional=Decimal("25.50")),
        {"notional": "25.5", "type": "market"},
    ),
    "fractional": (limit_order(**MARKET, order_qty=qty("0.123456789")), {"qty": "0.123456789"}),
    "extended": (limit_order(extended_hours=True), {"extended_hours": True}),
    "opening auction": (limit_order(tif=TimeInForce.OPG), {"time_in_force": "opg"}),
    "closing auction": (limit_order(tif=TimeInForce.CLS), {"time_in_force": "cls"}),
    "fill or kill": (limit_order(tif=TimeInForce.FOK), {"time_in_force": "fok"}),
    "coin": (
        limit_order(symbol="BTC/USD", order_qty=qty("0.02"), tif=TimeInForce.IOC),
        {"symbol": "BTC/USD", "time_in_force": "ioc"},
    ),
    "option": (
        limit_order(symbol="AAPL  260320C00150000", position_intent=PositionIntent.BUY_TO_OPEN),
        {"symbol": "AAPL260320C00150000", "position_intent": "buy_to_open"},
    ),
    "bracket": (
        limit_order(order_class=OrderClass.BRACKET, tif=TimeInForce.GTC, **EXITS),
        {
            "order_class": "bracket",
            "limit_price": "150.5",
            "take_profit": {"limit_price": "160"},
            "stop_loss": {"stop_price": "145", "limit_price": "144.5"},
        },
    ),
    "oto": (
        limit_order(order_class=OrderClass.OTO, stop_loss=StopLoss(stop_px=price("145"))),
        {"order_class": "oto", "stop_loss": {"stop_price": "145"}},
    ),
    "mleg": (
        limit_order(order_class=OrderClass.MULTILEG, legs=SPREAD, price=price("-1.25")),
        {
            "order_class": "mleg",
            "limit_price": "-1.25",
            "legs": [
                {
                    "symbol": "AAPL260320C00150000",
                    "ratio_qty": "1",
                    "side": "buy",
                    "position_intent": "buy_to_open",
                },
                {"symbol": "AAPL260320C00160000", "ratio_qty": "1", "side": "sell"},
            ],
        },
    ),
}


def body_of(order: NewOrder) -> dict[str, Any]:
    return json.loads(msgspec.json.encode(order_request(order, CL_ORD_ID)))


@pytest.mark.parametrize(("order", "expected"), ORDERS.values(), ids=ORDERS)
def test_each_kind_of_order_is_spelled_as_documented(order: NewOrder, expected: dict[str, Any]) -> None:
    body = body_of(order)
    assert {name: body.get(name) for name in expected} == expected
    assert body["client_order_id"] == CL_ORD_ID


def test_nothing_is_sent_that_was_not_asked_for() -> None:
    assert body_of(limit_order()) == {
        "client_order_id": CL_ORD_ID,
        "symbol": "AAPL",
        "side": "buy",
        "type": "limit",
        "time_in_force": "day",
        "qty": "3",
        "limit_price": "150.5",
    }


def test_an_oco_speaks_of_its_exits_alone() -> None:
    order = limit_order(
        side=Side.SELL, order_class=OrderClass.OCO, price=price("160"), stop_loss=StopLoss(stop_px=price("145"))
    )
    body = body_of(order)
    assert "limit_price" not in body
    assert (body["take_profit"], body["stop_loss"]) == ({"limit_price": "160"}, {"stop_price": "145"})


def test_an_mleg_names_neither_symbol_nor_side_at_the_top() -> None:
    assert {"symbol", "side"}.isdisjoint(body_of(ORDERS["mleg"][0]))


def test_what_the_venue_has_no_words_for_is_refused_before_sending() -> None:
    with pytest.raises(NotSupported) as caught:
        order_request(limit_order(tif=TimeInForce.GTD), CL_ORD_ID)
    assert caught.value.outcome is Outcome.NOT_SENT


@pytest.mark.parametrize("sizes", [{"order_qty": None}, {"notional": Decimal(5)}])
def test_an_order_has_one_size(sizes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        order_request(limit_order(**sizes), CL_ORD_ID)


def test_a_replace_sends_what_changes_and_our_new_id() -> None:
    body = json.loads(
        msgspec.json.encode(replace_request(OrderChanges(price=price("151.0"), trail=Decimal(2)), CL_ORD_ID))
    )
    assert body == {"client_order_id": CL_ORD_ID, "limit_price": "151", "trail": "2"}


def test_a_replace_of_nothing_is_no_request() -> None:
    with pytest.raises(InvalidRequest):
        replace_request(OrderChanges(), CL_ORD_ID)


def test_a_replace_takes_whole_quantities_alone() -> None:
    with pytest.raises(NotSupported):
        replace_request(OrderChanges(order_qty=qty("1.5")), CL_ORD_ID)


# -- the published specification ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def specification(contracts_dir: Path) -> dict[str, Any]:
    return json.loads((contracts_dir / "alpaca" / "trading-api.openapi.json").read_text(encoding="utf-8"))


def _validate(specification: dict[str, Any], schema: dict[str, Any], body: object) -> None:
    whole = {"components": specification["components"], "allOf": [_closed(schema)]}
    jsonschema.Draft202012Validator(whole).validate(body)


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with unknown members refused, so that a misspelt one is seen."""
    return schema | {"additionalProperties": False}


@pytest.mark.parametrize("name", ORDERS)
def test_every_order_body_satisfies_the_specification(specification: dict[str, Any], name: str) -> None:
    post = specification["paths"]["/v2/orders"]["post"]
    schema = post["requestBody"]["content"]["application/json"]["schema"]
    _validate(specification, schema, body_of(ORDERS[name][0]))


def test_a_replace_body_satisfies_the_specification(specification: dict[str, Any]) -> None:
    changes = OrderChanges(
        order_qty=qty("4"), price=price("151"), stop_px=price("150"), trail=Decimal(2), tif=TimeInForce.GTC
    )
    body = json.loads(msgspec.json.encode(replace_request(changes, CL_ORD_ID)))
    _validate(specification, specification["components"]["schemas"]["PatchOrderRequest"], body)


def test_a_misspelt_member_would_be_seen(specification: dict[str, Any]) -> None:
    schema = specification["components"]["schemas"]["PatchOrderRequest"]
    with pytest.raises(jsonschema.ValidationError):
        _validate(specification, schema, {"quantity": "4"})


# -- properties ---------------------------------------------------------------------------------------------------------

amounts = st.decimals(min_value="0.000000001", max_value="999999999", places=9)
prices = st.decimals(min_value="0.0001", max_value="999999", places=4)
tifs = st.sampled_from([tif for tif in TimeInForce if tif is not TimeInForce.GTD])


@st.composite
def simple_orders(draw: st.DrawFn) -> NewOrder:
    kind = draw(st.sampled_from(list(TYPES)))
    by_money = draw(st.booleans())
    trails_by_amount = kind is OrderType.TRAILING_STOP and draw(st.booleans())
    size = draw(amounts)
    return NewOrder(
        symbol=draw(st.sampled_from(["AAPL", "BRK.B", "BTC/USD", "AAPL  260320C00150000"])),
        side=draw(st.sampled_from(Side)),
        order_type=kind,
        order_qty=None if by_money else Quantity(size),
        notional=size if by_money else None,
        price=Price(draw(prices)) if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None,
        stop_px=Price(draw(prices)) if kind in (OrderType.STOP, OrderType.STOP_LIMIT) else None,
        trail_amount=Price(draw(prices)) if trails_by_amount else None,
        trail_percent=draw(prices) if kind is OrderType.TRAILING_STOP and not trails_by_amount else None,
        tif=draw(tifs),
    )


ASSET_CLASSES = {"AAPL": "us_equity", "BRK.B": "us_equity", "BTC/USD": "crypto"}


@given(simple_orders())
def test_an_order_echoed_by_the_venue_is_the_order_we_meant(order: NewOrder) -> None:
    echo = body_of(order) | {
        "id": "venue-id",
        "status": "new",
        "filled_qty": "0",
        "asset_class": ASSET_CLASSES.get(order.symbol, "us_option"),
    }
    decoded = wire.decode(json.dumps(echo).encode(), wire.Order, what="an order")
    (report,) = order_reports(decoded, Heard(source=Source.REPLY, at=NOW))
    back = NewOrder(
        symbol=report.symbol,
        side=report.side or order.side.opposite,
        order_type=report.order_type or OrderType.MARKET,
        order_qty=report.order_qty,
        notional=report.notional,
        price=report.price,
        stop_px=report.stop_px,
        trail_amount=report.trail_amount,
        trail_percent=report.trail_percent,
        tif=report.tif or TimeInForce.GTD,
    )
    assert back == order
    assert body_of(back) == body_of(order)


@pytest.mark.parametrize(
    "order",
    [
        limit_order(post_only=True),
        limit_order(display_qty=Quantity(Decimal(2))),
        limit_order(order_type=OrderType.MARKET_IF_TOUCHED, price=None, stop_px=Price(Decimal(9))),
    ],
)
def test_what_alpaca_has_no_word_for_is_not_sent(order: NewOrder) -> None:
    with pytest.raises(NotSupported) as refused:
        order_request(order, CL_ORD_ID)
    assert refused.value.outcome is Outcome.NOT_SENT
