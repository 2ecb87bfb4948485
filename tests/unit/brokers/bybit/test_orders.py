"""Wishes as request bodies, against tables and the published specification."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.brokers.bybit import Options, PositionStops, wire
from floorbroker.brokers.bybit.mapping.orders import amend_request, cancel_request, item_of, order_request
from floorbroker.brokers.bybit.mapping.reports import Heard
from floorbroker.brokers.bybit.mapping.stops import trading_stop_request
from floorbroker.brokers.bybit.mapping.symbols import to_wire
from floorbroker.domain.errors import FloorbrokerError, InvalidRequest, NotSupported, Outcome, SymbolNotFound
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.values import OrderClass, OrderType, PositionIntent, Price, Quantity, Side, TimeInForce
from tests.unit.brokers.bybit.fakes import CL_ORD_ID, NOW, PAIR, PERP, limit_order, parsed, reader, ref

HEDGED = Options(position_mode="hedge")
MARKET = {"order_type": OrderType.MARKET, "price": None}


def px(text: str) -> Price:
    return Price(Decimal(text))


def qty(text: str) -> Quantity:
    return Quantity(Decimal(text))


def body_of(order: NewOrder, options: Options | None = None) -> dict[str, Any]:
    return json.loads(msgspec.json.encode(order_request(order, CL_ORD_ID, options or Options())))


LINEAR = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.01",
    "orderLinkId": CL_ORD_ID,
    "price": "64000.1",
    "timeInForce": "GTC",
    "positionIdx": 0,
}
SPOT = {key: value for key, value in LINEAR.items() if key != "positionIdx"} | {"category": "spot"}
BARE = {key: value for key, value in LINEAR.items() if key not in ("price", "timeInForce")}
BARE_SPOT = {key: value for key, value in SPOT.items() if key not in ("price", "timeInForce")}
STOP = {"triggerPrice": "65000", "triggerBy": "LastPrice"}

ORDERS: dict[str, tuple[NewOrder, Options, dict[str, Any]]] = {
    "a limit": (limit_order(), Options(), LINEAR),
    "a spot limit": (limit_order(symbol=PAIR), Options(), SPOT),
    "usdc": (limit_order(symbol="BTC/USDC:USDC"), Options(), LINEAR | {"symbol": "BTCPERP"}),
    "post-only": (limit_order(post_only=True), Options(), LINEAR | {"timeInForce": "PostOnly"}),
    "ioc": (limit_order(tif=TimeInForce.IOC), Options(), LINEAR | {"timeInForce": "IOC"}),
    "fok sell": (
        limit_order(tif=TimeInForce.FOK, side=Side.SELL),
        Options(),
        LINEAR | {"timeInForce": "FOK", "side": "Sell"},
    ),
    "reduce-only": (limit_order(reduce_only=True), Options(), LINEAR | {"reduceOnly": True}),
    "a spot sale that only reduces": (
        limit_order(symbol=PAIR, reduce_only=True, side=Side.SELL),
        Options(),
        SPOT | {"side": "Sell"},
    ),
    "a market": (limit_order(**MARKET), Options(), BARE | {"orderType": "Market"}),
    "a spot market": (
        limit_order(symbol=PAIR, **MARKET),
        Options(),
        BARE_SPOT | {"orderType": "Market", "marketUnit": "baseCoin"},
    ),
    "a spot market by money": (
        limit_order(symbol=PAIR, **MARKET, order_qty=None, notional=Decimal("250.00")),
        Options(),
        BARE_SPOT | {"orderType": "Market", "marketUnit": "quoteCoin", "qty": "250"},
    ),
    "a stop": (
        limit_order(order_type=OrderType.STOP, price=None, stop_px=px("65000")),
        Options(),
        BARE | STOP | {"orderType": "Market", "triggerDirection": 1},
    ),
    "a selling stop": (
        limit_order(order_type=OrderType.STOP, price=None, stop_px=px("65000"), side=Side.SELL),
        Options(trigger_by="MarkPrice"),
        BARE | STOP | {"orderType": "Market", "side": "Sell", "triggerDirection": 2, "triggerBy": "MarkPrice"},
    ),
    "a stop-limit": (
        limit_order(order_type=OrderType.STOP_LIMIT, stop_px=px("65000")),
        Options(),
        LINEAR | STOP | {"triggerDirection": 1},
    ),
    "touched": (
        limit_order(order_type=OrderType.MARKET_IF_TOUCHED, price=None, stop_px=px("65000")),
        Options(),
        BARE | STOP | {"orderType": "Market", "triggerDirection": 2},
    ),
    "a selling limit if touched": (
        limit_order(order_type=OrderType.LIMIT_IF_TOUCHED, stop_px=px("65000"), side=Side.SELL),
        Options(),
        LINEAR | STOP | {"side": "Sell", "triggerDirection": 1},
    ),
    "a spot stop-limit": (
        limit_order(symbol=PAIR, order_type=OrderType.STOP_LIMIT, stop_px=px("65000")),
        Options(),
        SPOT | {"triggerPrice": "65000", "orderFilter": "StopOrder"},
    ),
    "a spot stop": (
        limit_order(symbol=PAIR, order_type=OrderType.STOP, price=None, stop_px=px("65000")),
        Options(),
        BARE_SPOT
        | {"orderType": "Market", "triggerPrice": "65000", "orderFilter": "StopOrder", "marketUnit": "baseCoin"},
    ),
    "opening a long in hedge mode": (
        limit_order(position_intent=PositionIntent.BUY_TO_OPEN),
        HEDGED,
        LINEAR | {"positionIdx": 1},
    ),
    "closing a long in hedge mode": (
        limit_order(position_intent=PositionIntent.SELL_TO_CLOSE, side=Side.SELL),
        HEDGED,
        LINEAR | {"positionIdx": 1, "side": "Sell", "reduceOnly": True},
    ),
    "opening a short in hedge mode": (
        limit_order(position_intent=PositionIntent.SELL_TO_OPEN, side=Side.SELL),
        HEDGED,
        LINEAR | {"positionIdx": 2, "side": "Sell"},
    ),
    "closing a short in hedge mode": (
        limit_order(position_intent=PositionIntent.BUY_TO_CLOSE),
        HEDGED,
        LINEAR | {"positionIdx": 2, "reduceOnly": True},
    ),
    "closing in one-way mode": (
        limit_order(position_intent=PositionIntent.SELL_TO_CLOSE, side=Side.SELL),
        Options(),
        LINEAR | {"side": "Sell", "reduceOnly": True},
    ),
}


@pytest.mark.parametrize("name", ORDERS)
def test_a_wish_in_the_venues_words(name: str) -> None:
    order, options, expected = ORDERS[name]
    assert body_of(order, options) == expected


REFUSED: dict[str, tuple[NewOrder, type[FloorbrokerError]]] = {
    "day": (limit_order(tif=TimeInForce.DAY), NotSupported),
    "a bracket": (limit_order(order_class=OrderClass.BRACKET), NotSupported),
    "trailing": (limit_order(order_type=OrderType.TRAILING_STOP, price=None), NotSupported),
    "iceberg": (limit_order(display_qty=qty("0.001")), NotSupported),
    "extended hours": (limit_order(extended_hours=True), NotSupported),
    "money for a perpetual": (limit_order(**MARKET, order_qty=None, notional=Decimal(5)), NotSupported),
    "money with a limit": (limit_order(symbol=PAIR, order_qty=None, notional=Decimal(5)), NotSupported),
    "two sizes": (limit_order(notional=Decimal(5)), InvalidRequest),
    "no size": (limit_order(order_qty=None), InvalidRequest),
    "a limit without a price": (limit_order(price=None), InvalidRequest),
    "a market with a price": (limit_order(order_type=OrderType.MARKET), InvalidRequest),
    "a stop without a trigger": (limit_order(order_type=OrderType.STOP, price=None), InvalidRequest),
    "a limit with a trigger": (limit_order(stop_px=px("1")), InvalidRequest),
    "a post-only market": (limit_order(**MARKET, post_only=True), NotSupported),
    "a fok market": (limit_order(**MARKET, tif=TimeInForce.FOK), NotSupported),
    "post-only ioc": (limit_order(post_only=True, tif=TimeInForce.IOC), InvalidRequest),
    "a spot purchase that only reduces": (limit_order(symbol=PAIR, reduce_only=True), NotSupported),
    "a spot purchase that closes": (
        limit_order(symbol=PAIR, position_intent=PositionIntent.BUY_TO_CLOSE),
        NotSupported,
    ),
    "a spot sale that opens": (
        limit_order(symbol=PAIR, side=Side.SELL, position_intent=PositionIntent.SELL_TO_OPEN),
        NotSupported,
    ),
    "a share": (limit_order(symbol="AAPL"), SymbolNotFound),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_venue_has_no_words_for_is_refused_before_sending(name: str) -> None:
    order, kind = REFUSED[name]
    with pytest.raises(kind):
        body_of(order)


def test_in_hedge_mode_an_order_says_what_it_opens_or_closes() -> None:
    with pytest.raises(InvalidRequest) as caught:
        body_of(limit_order(), HEDGED)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert "positionIdx" not in body_of(limit_order(symbol=PAIR), HEDGED)


def test_an_item_of_a_batch_is_the_order_without_its_category() -> None:
    item = item_of(order_request(limit_order(), CL_ORD_ID, Options()))
    assert json.loads(msgspec.json.encode(item)) == {key: LINEAR[key] for key in LINEAR if key != "category"}


def test_an_amend_sends_what_changes_and_the_new_total() -> None:
    body = amend_request(ref(), OrderChanges(order_qty=qty("0.020"), price=px("64001.0")))
    assert json.loads(msgspec.json.encode(body)) == {
        "category": "linear",
        "symbol": "BTCUSDT",
        "orderId": ref().order_id,
        "qty": "0.02",
        "price": "64001",
    }
    nameless = amend_request(ref(order_id=None), OrderChanges(stop_px=px("5")))
    assert (nameless.order_id, nameless.order_link_id, nameless.trigger_price) == (None, CL_ORD_ID, "5")


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        (OrderChanges(), InvalidRequest),
        (OrderChanges(tif=TimeInForce.IOC), NotSupported),
        (OrderChanges(trail=Decimal(1)), NotSupported),
    ],
)
def test_an_amend_of_nothing_or_of_what_cannot_change_is_no_request(
    changes: OrderChanges, kind: type[FloorbrokerError]
) -> None:
    with pytest.raises(kind):
        amend_request(ref(), changes)


def test_a_cancel_names_one_order_and_the_filter_of_a_conditional_one() -> None:
    assert json.loads(msgspec.json.encode(cancel_request(ref()))) == {
        "category": "linear",
        "symbol": "BTCUSDT",
        "orderId": ref().order_id,
    }
    conditional = cancel_request(ref(order_id=None, symbol=PAIR), kind="StopOrder")
    assert (conditional.order_link_id, conditional.order_filter) == (CL_ORD_ID, "StopOrder")
    assert cancel_request(ref(symbol=PAIR), kind="Order").order_filter is None


def test_stops_of_a_position() -> None:
    whole = trading_stop_request(PERP, PositionStops(take_profit=px("70000"), stop_loss=px("0")))
    assert (whole.tpsl_mode, whole.take_profit, whole.stop_loss, whole.tp_size) == ("Full", "70000", "0", None)
    part = trading_stop_request(
        PERP,
        PositionStops(take_profit=px("70000"), take_profit_px=px("69990"), qty=qty("0.1"), position_idx=1),
    )
    assert (part.tpsl_mode, part.tp_size, part.tp_order_type, part.tp_limit_price) == (
        "Partial",
        "0.1",
        "Limit",
        "69990",
    )
    assert (part.position_idx, part.sl_size) == (1, None)


@pytest.mark.parametrize(
    ("symbol", "stops", "kind"),
    [
        (PAIR, PositionStops(take_profit=px("1")), NotSupported),
        (PERP, PositionStops(), InvalidRequest),
        (PERP, PositionStops(take_profit=px("1"), take_profit_px=px("1")), InvalidRequest),
        (PERP, PositionStops(take_profit=px("1"), position_idx=7), InvalidRequest),
    ],
)
def test_stops_that_no_position_can_have(symbol: str, stops: PositionStops, kind: type[FloorbrokerError]) -> None:
    with pytest.raises(kind):
        trading_stop_request(symbol, stops)


# -- the published specification ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def specification(contracts_dir: Path) -> dict[str, Any]:
    folder = contracts_dir / "bybit"
    found: dict[str, Any] = {}
    for part in ("trade", "position"):
        found |= yaml.safe_load((folder / f"v5-{part}.openapi.yaml").read_text(encoding="utf-8"))["paths"]
    return found


# What the prose of the documents has and the explorer's specification lacks.
ADDED: dict[str, dict[str, Any]] = {
    "/v5/order/create": {"marketUnit": {"enum": ["baseCoin", "quoteCoin"]}},
    "/v5/order/cancel-all": {"orderFilter": {"enum": ["Order", "StopOrder", "tpslOrder", "OpenOrder"]}},
    "/v5/position/trading-stop": {"tpslMode": {"enum": ["Full", "Partial"]}},
}


def validate(specification: dict[str, Any], path: str, body: wire.Body) -> None:
    """Against the schema with unknown members refused, so that a misspelt one is seen."""
    schema = specification[path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    members = schema["properties"] | ADDED.get(path, {})
    closed = schema | {"properties": members, "additionalProperties": False}
    jsonschema.Draft202012Validator(closed).validate(json.loads(msgspec.json.encode(body)))


@pytest.mark.parametrize("name", ORDERS)
def test_every_order_body_satisfies_the_specification(specification: dict[str, Any], name: str) -> None:
    order, options, _ = ORDERS[name]
    validate(specification, "/v5/order/create", order_request(order, CL_ORD_ID, options))


def test_the_other_commands_satisfy_the_specification(specification: dict[str, Any]) -> None:
    changes = OrderChanges(order_qty=qty("1"), price=px("2"), stop_px=px("3"))
    item = item_of(order_request(limit_order(), CL_ORD_ID, Options()))
    stops = PositionStops(
        take_profit=px("1"), stop_loss=px("2"), qty=qty("1"), take_profit_px=px("1"), stop_loss_px=px("2")
    )
    for path, body in (
        ("/v5/order/amend", amend_request(ref(), changes)),
        ("/v5/order/cancel", cancel_request(ref(symbol=PAIR), kind="StopOrder")),
        ("/v5/order/cancel-all", wire.CancelAllRequest(category="linear", settle_coin="USDC")),
        ("/v5/order/cancel-all", wire.CancelAllRequest(category="spot", order_filter="StopOrder")),
        ("/v5/order/create-batch", wire.BatchRequest(category="linear", request=(item,))),
        ("/v5/position/trading-stop", trading_stop_request(PERP, stops)),
        ("/v5/position/switch-mode", wire.ModeRequest(category="linear", mode=3, coin="USDT")),
    ):
        validate(specification, path, body)


def test_the_leverage_is_spelled_as_the_venue_reads_it_and_not_as_the_specification_misspells_it(
    specification: dict[str, Any],
) -> None:
    """The explorer's file requires `buyLevarge` and describes `buyLeverage`, as the official client has it."""
    body = wire.LeverageRequest(category="linear", symbol="BTCUSDT", buy_leverage="5", sell_leverage="5")
    schema = specification["/v5/position/set-leverage"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(json.loads(msgspec.json.encode(body))) == set(schema["properties"])


def test_a_misspelt_member_would_be_seen(specification: dict[str, Any]) -> None:
    class Misspelt(wire.Body, frozen=True, kw_only=True):
        category: str = "linear"
        symbol: str = "BTCUSDT"
        quantity: str = "1"

    with pytest.raises(jsonschema.ValidationError):
        validate(specification, "/v5/order/amend", Misspelt(quantity="4"))


# -- properties ---------------------------------------------------------------------------------------------------------

amounts = st.decimals(min_value="0.000001", max_value="999999", places=6)
prices = st.decimals(min_value="0.1", max_value="999999", places=1)
_LIMITS = (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED)
_PLAIN = (OrderType.MARKET, OrderType.LIMIT)


@st.composite
def simple_orders(draw: st.DrawFn) -> NewOrder:
    kind = draw(st.sampled_from([kind for kind in OrderType if kind is not OrderType.TRAILING_STOP]))
    symbol = draw(st.sampled_from([PERP, PAIR, "BTC/USDC:USDC", "ETH/BTC"]))
    by_money = kind is OrderType.MARKET and ":" not in symbol and draw(st.booleans())
    size = draw(amounts)
    return NewOrder(
        symbol=symbol,
        side=draw(st.sampled_from(Side)),
        order_type=kind,
        order_qty=None if by_money else Quantity(size),
        notional=size if by_money else None,
        price=Price(draw(prices)) if kind in _LIMITS else None,
        stop_px=None if kind in _PLAIN else Price(draw(prices)),
        tif=draw(st.sampled_from([TimeInForce.GTC, TimeInForce.IOC])),
    )


@given(simple_orders())
def test_an_order_echoed_by_the_venue_is_the_order_we_meant(order: NewOrder) -> None:
    sent = order_request(order, CL_ORD_ID, Options())
    body = json.loads(msgspec.json.encode(sent))
    echo = parsed("order_linear") | body | {"orderStatus": "New", "timeInForce": body.get("timeInForce", "IOC")}
    if sent.trigger_price and sent.category == "spot":  # the venue tells where the price was
        rises = (order.side is Side.BUY) == (order.order_type in (OrderType.STOP, OrderType.STOP_LIMIT))
        echo |= {"stopOrderType": "Stop", "basePrice": "0.01" if rises else "10000000"}
    decoded = wire.decode(json.dumps(echo).encode(), wire.Order, what="an order")
    category = to_wire(order.symbol).category
    report = reader().order(decoded, Heard(source=Source.QUERY, at=NOW), category=category)
    back = NewOrder(
        symbol=report.symbol,
        side=report.side or order.side.opposite,
        order_type=report.order_type or OrderType.MARKET,
        order_qty=report.order_qty,
        notional=report.notional,
        price=report.price,
        stop_px=report.stop_px,
        tif=order.tif,
    )
    assert back == order
    assert body_of(back) == body
