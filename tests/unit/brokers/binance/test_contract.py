"""Requests hold against the venue's published collection (paths, methods, names of parameters), and its published answers
are understood.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.auth import sign
from floorbroker.brokers.binance.info import origins_for
from floorbroker.brokers.binance.mapping import orders
from floorbroker.brokers.binance.mapping.symbols import Symbols
from floorbroker.brokers.binance.rest.answers import OrderName
from floorbroker.brokers.binance.rest.calls import Calls
from floorbroker.brokers.binance.stream.commands import METHODS, BinanceDialect
from floorbroker.domain.orders import StopLoss
from floorbroker.domain.values import Environment, OrderClass, OrderType, Price, Quantity, Side
from floorbroker.transport.order_socket import Answer
from floorbroker.transport.types import Request
from tests.unit.brokers.binance.fakes import CL_ORD_ID, CREDENTIALS, HEARD, NEXT, NOW, form, limit_order, reader

CALLS = Calls(origins=origins_for(Environment.LIVE))
STOP = Price(Decimal(65000))
PROFIT, LOSS = Price(Decimal(70000)), StopLoss(stop_px=Price(Decimal(60000)), price=Price(Decimal(59900)))
SINGLES: dict[str, dict[str, Any]] = {
    "limit": {},
    "maker": {"post_only": True},
    "iceberg": {"display_qty": Quantity(Decimal("0.005"))},
    "market": {"order_type": OrderType.MARKET, "price": None},
    "money": {"order_type": OrderType.MARKET, "price": None, "order_qty": None, "notional": Decimal(100)},
    "stop": {"order_type": OrderType.STOP, "price": None, "stop_px": STOP},
    "stop limit": {"order_type": OrderType.STOP_LIMIT, "stop_px": STOP},
    "touched": {"order_type": OrderType.MARKET_IF_TOUCHED, "price": None, "stop_px": STOP},
    "touched limit": {"order_type": OrderType.LIMIT_IF_TOUCHED, "stop_px": STOP},
    "trailing": {"order_type": OrderType.TRAILING_STOP, "price": None, "trail_percent": Decimal(1)},
}
GROUPS: dict[str, dict[str, Any]] = {
    "oco": {"order_class": OrderClass.OCO, "side": Side.SELL, "price": PROFIT, "stop_loss": LOSS},
    "oto profit": {"order_class": OrderClass.OTO, "take_profit": PROFIT},
    "oto stop": {"order_class": OrderClass.OTO, "stop_loss": LOSS},
    "otoco": {"order_class": OrderClass.BRACKET, "take_profit": PROFIT, "stop_loss": LOSS},
}


def commands() -> Iterator[tuple[str, Request]]:
    named: dict[str, Any] = {"cl_ord_id": CL_ORD_ID, "decided_at": 1.0}
    for name, terms in SINGLES.items():
        params = orders.single(limit_order(**terms), CL_ORD_ID, "BTCUSDT")
        yield name, CALLS.submit(params, **named)
        yield f"test of {name}", CALLS.test(params)
        yield (
            f"replace by {name}",
            CALLS.cancel_replace(orders.replacing(params, order_number="28", cl_ord_id=NEXT), **named),
        )
    for name, terms in GROUPS.items():
        kind, params = orders.group(limit_order(**terms), CL_ORD_ID, "BTCUSDT")
        yield name, CALLS.submit_list(kind, params, **named)
    amend = (("symbol", "BTCUSDT"), ("orderId", "28"), ("newQty", "0.01"), ("newClientOrderId", NEXT))
    yield "amend", CALLS.amend(amend, **named)
    for named_by in (OrderName("BTCUSDT", "28", ""), OrderName("BTCUSDT", None, CL_ORD_ID)):
        yield f"cancel by {named_by.params[1][0]}", CALLS.cancel(named_by.params, cl_ord_id=CL_ORD_ID)
    yield "cancel all", CALLS.cancel_all("BTCUSDT")


def reads() -> Iterator[tuple[str, Request]]:
    day = timedelta(days=1)
    yield "time", CALLS.time()
    yield "symbols", CALLS.exchange_info()
    yield "depth", CALLS.depth("BTCUSDT", levels=1000)
    yield "quote", CALLS.book_ticker("BTCUSDT")
    yield "prices", CALLS.prices(["BTCUSDT", "ETHUSDT"])
    yield "average", CALLS.average_price("BTCUSDT")
    yield "public trades", CALLS.public_trades("BTCUSDT", limit=10)
    yield "bars", CALLS.klines("BTCUSDT", "1m", start=NOW - day, end=NOW, limit=10)
    yield "order", CALLS.order(OrderName("BTCUSDT", None, CL_ORD_ID).params)
    yield "open orders", CALLS.open_orders()
    yield "open orders of one", CALLS.open_orders("BTCUSDT")
    yield "orders", CALLS.all_orders("BTCUSDT")
    yield "orders onward", CALLS.all_orders("BTCUSDT", order_number=28)
    yield "orders of a day", CALLS.all_orders_from("BTCUSDT", start=NOW - day, end=NOW)
    yield "list", CALLS.order_list(7)
    yield "trades", CALLS.trades("BTCUSDT", from_id=3)
    yield "trades since", CALLS.trades("BTCUSDT", start=NOW)
    yield "account", CALLS.account()
    yield "commission", CALLS.commission("BTCUSDT")


EVERY = [*commands(), *reads()]


@dataclass(frozen=True)
class Listed:
    """One call of the collection: its parameters, and those that are not optional."""

    known: frozenset[str]
    needed: frozenset[str]


@pytest.fixture(scope="session")
def collection(contracts_dir: Path) -> dict[tuple[str, str], Listed]:
    document = json.loads((contracts_dir / "binance" / "spot.postman.json").read_text("utf-8"))
    return dict(_calls(document["item"]))


def _calls(items: list[dict[str, Any]]) -> Iterator[tuple[tuple[str, str], Listed]]:
    for item in items:
        if "item" in item:
            yield from _calls(item["item"])
            continue
        url = item["request"]["url"]
        params = url.get("query", [])
        needed = frozenset(param["key"] for param in params if not param.get("disabled"))
        known = frozenset(param["key"] for param in params)
        yield (item["request"]["method"], "/" + "/".join(url["path"])), Listed(known, needed)


@pytest.mark.parametrize(("name", "request_"), EVERY, ids=[name for name, _ in EVERY])
def test_a_request_is_one_of_the_venues_own(
    name: str, request_: Request, collection: dict[tuple[str, str], Listed]
) -> None:
    listed = collection[request_.method, request_.path]
    sent = form(sign(request_, CREDENTIALS, NOW, recv_window_ms=5000))
    assert set(sent) <= listed.known | {"recvWindow"}, set(sent) - listed.known
    assert listed.needed <= set(sent), listed.needed - set(sent)


def test_the_check_itself_sees_a_parameter_that_is_none(collection: dict[tuple[str, str], Listed]) -> None:
    assert "colour" not in collection["POST", "/api/v3/order"].known
    assert {"symbol", "side", "type", "timestamp", "signature"} == collection["POST", "/api/v3/order"].needed


ANSWERS: list[tuple[str, str, Any]] = [
    ("post", "/api/v3/order", wire.Order),
    ("delete", "/api/v3/order", wire.Order),
    ("delete", "/api/v3/order", wire.Cancelled),
    ("post", "/api/v3/orderList/oco", wire.OrderList),
    ("post", "/api/v3/orderList/oto", wire.OrderList),
    ("post", "/api/v3/orderList/otoco", wire.OrderList),
    ("delete", "/api/v3/orderList", wire.OrderList),
    ("get", "/api/v3/order", wire.Order),
    ("get", "/api/v3/openOrders", list[wire.Order]),
    ("get", "/api/v3/allOrders", list[wire.Order]),
    ("get", "/api/v3/orderList", wire.OrderList),
    ("get", "/api/v3/myTrades", list[wire.Trade]),
    ("get", "/api/v3/account", wire.Account),
    ("get", "/api/v3/account/commission", wire.Commission),
    ("get", "/sapi/v1/account/apiRestrictions", wire.KeyRights),
    ("get", "/api/v3/exchangeInfo", wire.ExchangeInfo),
    ("get", "/api/v3/klines", list[wire.Kline]),
    ("get", "/api/v3/depth", wire.Book),
    ("get", "/api/v3/trades", list[wire.PublicTrade]),
    ("get", "/api/v3/avgPrice", wire.AveragePrice),
    ("get", "/api/v3/time", wire.ServerTime),
]


@pytest.fixture(scope="session")
def answers(contracts_dir: Path) -> dict[tuple[str, str], str]:
    """The example answer of each call, as text."""
    yaml = pytest.importorskip("yaml")
    with (contracts_dir / "binance" / "spot.openxapi.openapi.yaml").open(encoding="utf-8") as file:
        document = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    found: dict[tuple[str, str], str] = {}
    for method, path, _ in ANSWERS:
        schema = document["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
        while "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        found[method, path] = schema["example"]
    return found


@pytest.mark.parametrize(("method", "path", "kind"), ANSWERS, ids=[f"{m} {p} {k!r}" for m, p, k in ANSWERS])
def test_a_published_answer_is_understood(
    method: str, path: str, kind: Any, answers: dict[tuple[str, str], str]
) -> None:
    text = answers[method, path]
    found = wire.decode(text.encode(), kind, what="an example")
    read = reader()
    for order in _orders(found):
        if order.status:
            assert read.order(order, HEARD).unrecognised is None
    if isinstance(found, wire.ExchangeInfo):
        table = Symbols()
        table.learn(found.symbols)
        names = [wire.decode(raw, wire.SymbolName, what="x") for raw in found.symbols]
        assert all(table.find(f"{name.base_asset}/{name.quote_asset}") is not None for name in names)


def _orders(found: Any) -> list[wire.Order]:
    if isinstance(found, list):
        return [item for item in found if isinstance(item, wire.Order)]
    if isinstance(found, wire.OrderList):
        return found.order_reports or []
    return [found] if isinstance(found, wire.Order) else []


def test_the_call_for_the_rights_of_a_key_is_on_record(contracts_dir: Path) -> None:
    text = (contracts_dir / "binance" / "spot.openxapi.openapi.yaml").read_text("utf-8")
    assert CALLS.key_rights().path in text


@pytest.fixture(scope="session")
def socket_schemas(contracts_dir: Path) -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    with (contracts_dir / "binance" / "spot-ws-api.openxapi.asyncapi.yaml").open(encoding="utf-8") as file:
        document = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return document["components"]["schemas"]


def example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """The values that a schema gives as examples, put together."""
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "properties" in schema:
        return {name: example(part, schemas) for name, part in schema["properties"].items()}
    if schema.get("type") == "array":
        return [example(schema["items"], schemas)]
    return schema.get("example", schema.get("const"))


def test_the_published_events_of_an_account_are_understood(socket_schemas: dict[str, Any]) -> None:
    order = json.dumps(example(socket_schemas["orderUpdateEvent"], socket_schemas)["event"]).encode()
    report = reader().event(wire.decode(order, wire.ExecutionEvent, what="x"), HEARD)
    assert (report.order_id, report.symbol, report.unrecognised) == ("ETHBTC:4293153", "ETH/BTC", None)
    status = json.dumps(example(socket_schemas["listStatusEvent"], socket_schemas)["event"]).encode()
    assert [member.order_id for member in wire.decode(status, wire.ListEvent, what="x").orders] == [17]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("orderPlaceResponse", wire.Order),
        ("orderCancelResponse", wire.Order),
        ("orderCancelReplaceResponse", wire.CancelReplace),
        ("orderAmendKeepPriorityResponse", wire.Amendment),
        ("orderListPlaceOcoResponse", wire.OrderList),
        ("orderListPlaceOtocoResponse", wire.OrderList),
    ],
)
def test_the_published_answers_of_the_socket_are_understood(
    name: str, kind: Any, socket_schemas: dict[str, Any]
) -> None:
    body = example(socket_schemas[name], socket_schemas) | {"id": 7}
    (answer,) = BinanceDialect(lambda: NOW).on_frame(json.dumps(body).encode())
    assert isinstance(answer, Answer)
    assert (answer.number, answer.response.status) == (7, 200)
    wire.decode(answer.response.body, kind, what="x")


def test_every_command_of_the_socket_is_on_record(contracts_dir: Path) -> None:
    text = (contracts_dir / "binance" / "spot-ws-api.openxapi.asyncapi.yaml").read_text("utf-8")
    known = set(re.findall(r"const: ([A-Za-z.]+)", text))
    assert set(METHODS.values()) <= known
    assert "userDataStream.subscribe.signature" in known


def test_every_command_has_a_word_on_the_socket() -> None:
    sent = {(request.method, request.path) for name, request in commands() if not name.startswith("test of")}
    assert sent <= set(METHODS)
