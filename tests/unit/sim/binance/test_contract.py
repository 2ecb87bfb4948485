"""Replies hold against the published contracts: the vendor's own OpenAPI, and third-party ones where it has none.

The contracts require hardly anything, so besides types a check asks for every member they know, but for those that the venue's
prose shows in some cases alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from floorbroker_sim.binance.rest.routes import BY_METHOD, BY_PATH
from tests.unit.sim.binance.conftest import Asker
from tests.unit.sim.binance.test_lists import OTO, OTOCO, SELL_OCO

# Members of some cases alone: self-trade prevention, strategies, icebergs, trailing stops, smart order routing, pegs.
SOMETIMES = frozenset(
    {
        "preventedMatchId", "preventedQuantity", "strategyId", "strategyType", "stopPrice", "icebergQty", "trailingDelta",
        "trailingTime", "usedSor", "workingFloor", "workingTime", "fills", "sors", "matchType", "allocationId",
        "allocatedQty", "isIsolated", "tradeGroupId", "origClientOrderId", "origQuoteOrderQty", "transactTime",
        "pegPriceType", "pegOffsetType", "pegOffsetValue", "peggedPrice", "maxPosition", "isUsingBnb", "exchangeMaxNumOrders",
        "allocations", "error", "rateLimits", "listStatus", "serverTime", "takerPreventedQuantity",
    }
)  # fmt: skip
EVENTS_SOMETIMES = frozenset("d D j J v A B u U Cs pl pL pY W b a k uS eR gP gOT gOV gp".split())  # noqa: SIM905 - a line
# Calls that no symbol here allows.
LATER = frozenset(
    f"POST /api/v3/{path}" for path in ("sor/order", "sor/order/test", "orderList/opo", "orderList/opoco")
)


def modern(schema: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: examples go, `nullable` becomes a type that takes null."""
    if isinstance(schema, list):
        return [modern(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        name: modern(value) for name, value in schema.items() if name not in {"example", "examples", "discriminator"}
    }
    if found.pop("nullable", False) is True:
        return {"anyOf": [found, {"type": "null"}]}
    return found


class Contract:
    """One document; `check` validates a value by one of its schemas and looks for members that are left out."""

    def __init__(self, path: Path) -> None:
        self.document = modern(yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader))

    def check(self, schema: dict[str, Any], value: Any, *, sometimes: frozenset[str] = SOMETIMES) -> None:
        whole = schema | {"components": self.document["components"]}
        errors = list(Draft202012Validator(whole).iter_errors(value))
        assert not errors, [(list(error.absolute_path), error.message[:200]) for error in errors]
        left_out = set(self._left_out(schema, value)) - sometimes
        assert not left_out, left_out

    def answer(self, method: str, path: str, value: Any) -> None:
        content = self.document["paths"][path][method.lower()]["responses"]["200"]["content"]
        self.check(content["application/json"]["schema"], value)

    def named(self, name: str, value: Any, *, sometimes: frozenset[str] = SOMETIMES) -> None:
        self.check(self.document["components"]["schemas"][name], value, sometimes=sometimes)

    def _left_out(self, schema: dict[str, Any], value: Any) -> Iterator[str]:
        """Members that a schema knows and a value has not; alternatives are not looked into."""
        while "$ref" in schema:
            found: Any = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        if isinstance(value, list):
            for item in value if isinstance(schema.get("items"), dict) else ():
                yield from self._left_out(schema["items"], item)
        elif isinstance(value, dict):
            for name, inner in schema.get("properties", {}).items():
                if name in value:
                    yield from self._left_out(inner, value[name])
                else:
                    yield name


@pytest.fixture(scope="session")
def vendor(contracts_dir: Path) -> Contract:
    return Contract(contracts_dir / "binance" / "spot.swagger-2024-10.yaml")


@pytest.fixture(scope="session")
def sockets(contracts_dir: Path) -> Contract:
    return Contract(contracts_dir / "binance" / "spot-ws-api.openxapi.asyncapi.yaml")


@pytest.fixture(scope="session")
def market(contracts_dir: Path) -> Contract:
    return Contract(contracts_dir / "binance" / "spot-streams.openxapi.asyncapi.yaml")


def test_the_check_itself_sees_a_wrong_reply(vendor: Contract) -> None:
    with pytest.raises(AssertionError, match="is not of type"):
        vendor.answer("GET", "/api/v3/time", {"serverTime": "now"})
    with pytest.raises(AssertionError, match="mins"):
        vendor.answer("GET", "/api/v3/avgPrice", {"price": "1", "closeTime": 1})


# --- REST --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("ping", {}), ("time", {}), ("exchangeInfo", {}), ("depth", {"symbol": "BTCUSDT"}),
        ("trades", {"symbol": "BTCUSDT"}), ("historicalTrades", {"symbol": "BTCUSDT"}), ("aggTrades", {"symbol": "BTCUSDT"}),
        ("klines", {"symbol": "BTCUSDT", "interval": "1h"}), ("uiKlines", {"symbol": "BTCUSDT", "interval": "1h"}),
        ("avgPrice", {"symbol": "BTCUSDT"}), ("ticker/24hr", {"symbol": "BTCUSDT"}), ("ticker/24hr", {}),
        ("ticker/price", {"symbol": "BTCUSDT"}), ("ticker/bookTicker", {"symbol": "BTCUSDT"}),
        ("ticker", {"symbol": "BTCUSDT", "windowSize": "4h"}), ("ticker/tradingDay", {"symbol": "BTCUSDT"}),
    ],
)  # fmt: skip
def test_market_data(ask: Asker, vendor: Contract, path: str, query: dict[str, str]) -> None:
    answer = ask.public(f"/api/v3/{path}", **query)
    if path == "exchangeInfo":  # the contract takes every filter for one of prices
        for line in answer["symbols"]:
            line["filters"] = [found for found in line["filters"] if found["filterType"] == "PRICE_FILTER"]
    if path == "aggTrades":  # the contract takes the time for a truth value
        assert all(isinstance(line["T"], int) for line in answer)
        answer = [line | {"T": True} for line in answer]
    vendor.answer("GET", f"/api/v3/{path}", answer)


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"type": "MARKET", "timeInForce": None, "price": None},
        {"type": "MARKET", "timeInForce": None, "price": None, "quantity": None, "quoteOrderQty": "100"},
        {"type": "STOP_LOSS_LIMIT", "side": "SELL", "stopPrice": "58000", "price": "57000"},
        {"type": "TAKE_PROFIT", "side": "SELL", "trailingDelta": "100", "timeInForce": None, "price": None},
        {"type": "LIMIT_MAKER", "timeInForce": None}, {"icebergQty": "0.001"}, {"timeInForce": "IOC"},
        {"strategyId": "1", "strategyType": "1000001"},
    ],
)  # fmt: skip
def test_every_kind_of_order(ask: Asker, vendor: Contract, fields: dict[str, Any]) -> None:
    for response in ("ACK", "RESULT", "FULL"):
        placed = ask.order(newOrderRespType=response, **fields)
        schema = {"ACK": "orderResponseAck", "RESULT": "orderResponseResult", "FULL": "orderResponseFull"}[response]
        vendor.named(schema, placed)
        vendor.answer("GET", "/api/v3/order", ask.seen(placed))
    vendor.answer("GET", "/api/v3/allOrders", ask("GET", "/api/v3/allOrders", symbol="BTCUSDT"))
    vendor.answer("GET", "/api/v3/openOrders", ask("GET", "/api/v3/openOrders"))
    vendor.answer("GET", "/api/v3/myTrades", ask("GET", "/api/v3/myTrades", symbol="BTCUSDT"))


def test_cancels_and_replacements(ask: Asker, vendor: Contract) -> None:
    first, second = ask.order(), ask.order()
    gone = ask("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=first["orderId"])
    vendor.answer("DELETE", "/api/v3/order", gone)
    wish = ask.order_of(cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=second["orderId"])
    vendor.answer("POST", "/api/v3/order/cancelReplace", ask("POST", "/api/v3/order/cancelReplace", **wish))
    vendor.answer("DELETE", "/api/v3/openOrders", ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT"))
    refusal = json.loads(ask.asked("GET", "/api/v3/order", symbol="BTCUSDT", orderId=1).body)
    vendor.named("error", refusal)


@pytest.mark.parametrize(("path", "wish"), [("oco", SELL_OCO), ("oto", OTO), ("otoco", OTOCO)])
def test_order_lists(ask: Asker, vendor: Contract, path: str, wish: dict[str, str]) -> None:
    made = ask("POST", f"/api/v3/orderList/{path}", **wish)
    vendor.answer("POST", f"/api/v3/orderList/{path}", with_stops(made))
    vendor.answer("GET", "/api/v3/orderList", ask("GET", "/api/v3/orderList", orderListId=made["orderListId"]))
    for name in ("openOrderList", "allOrderList"):
        found = ask("GET", f"/api/v3/{name}")
        for line in found:  # the contract borrows the shape from isolated margin
            line["isIsolated"] = False
        vendor.answer("GET", f"/api/v3/{name}", found)
    gone = ask("DELETE", "/api/v3/orderList", symbol="BTCUSDT", orderListId=made["orderListId"])
    vendor.answer("DELETE", "/api/v3/orderList", with_stops(gone))


def with_stops(orders: Any) -> Any:
    """The contract asks every order of a list for a stop price, the prose those that have one."""
    reports = [{"stopPrice": "0.00000000"} | line for line in orders["orderReports"]]
    return orders | {"orderReports": reports}


def test_the_account(ask: Asker, vendor: Contract) -> None:
    vendor.answer("GET", "/api/v3/account", ask("GET", "/api/v3/account"))
    vendor.answer("GET", "/api/v3/account/commission", ask("GET", "/api/v3/account/commission", symbol="BTCUSDT"))
    vendor.answer("GET", "/api/v3/rateLimit/order", ask("GET", "/api/v3/rateLimit/order"))
    first = ask.order(price="60000")
    ask.order(price="60000", side="SELL")
    found = ask("GET", "/api/v3/myPreventedMatches", symbol="BTCUSDT", orderId=first["orderId"])
    vendor.answer("GET", "/api/v3/myPreventedMatches", found)


def test_every_call_of_the_vendors_collection_is_known_with_its_parameters(contracts_dir: Path) -> None:
    document = json.loads((contracts_dir / "binance" / "spot.postman.json").read_text("utf-8"))
    checked = 0
    for request in requests_of(document["item"]):
        path = "/" + "/".join(request["url"]["path"])
        if f"{request['method']} {path}" in LATER:
            continue
        operation = BY_PATH[request["method"], path]
        names = {line["key"] for line in request["url"].get("query", [])}
        assert names <= operation.names | {"apiKey"}, (path, names - operation.names)
        checked += 1
    assert checked >= 40


def requests_of(items: list[Any]) -> Iterator[Any]:
    for item in items:
        if "item" in item:
            yield from requests_of(item["item"])
        else:
            yield item["request"]


# --- Sockets -----------------------------------------------------------------------------------------------------------


def test_every_method_of_the_websocket_api_is_known(sockets: Contract) -> None:
    gone = {"userDataStream.start", "userDataStream.ping", "userDataStream.stop"}
    own = {"session.logon", "session.status", "session.logout", "session.subscriptions"}
    later = {"sor.order.place", "sor.order.test", "orderList.place.opo", "orderList.place.opoco"}
    methods = set(methods_of(sockets.document["components"]["schemas"]))
    assert len(methods) > 40
    unknown = methods - set(BY_METHOD) - gone - own - later
    assert {name for name in unknown if not name.startswith("userDataStream.")} == set()


def methods_of(schemas: dict[str, Any]) -> Iterator[str]:
    for schema in schemas.values():
        method = schema.get("properties", {}).get("method", {}) if isinstance(schema, dict) else {}
        yield from method.get("enum", [method["const"]] if "const" in method else [])


@pytest.mark.parametrize(
    ("method", "schema", "params"),
    [
        ("account.status", "accountStatusResponse", {}),
        ("account.commission", "accountCommissionResponse", {"symbol": "BTCUSDT"}),
        ("account.rateLimits.orders", "accountRateLimitsOrdersResponse", {}),
        ("allOrders", "allOrdersResponse", {"symbol": "BTCUSDT"}), ("myTrades", "myTradesResponse", {"symbol": "BTCUSDT"}),
        ("openOrders.status", "openOrdersStatusResponse", {}), ("openOrderLists.status", "openOrderListsStatusResponse", {}),
        ("allOrderLists", "allOrderListsResponse", {}), ("session.status", "sessionStatusResponse", None),
        ("depth", "depthResponse", {"symbol": "BTCUSDT"}), ("klines", "klinesResponse", {"symbol": "BTCUSDT", "interval": "1m"}),
        ("avgPrice", "avgPriceResponse", {"symbol": "BTCUSDT"}), ("exchangeInfo", "exchangeInfoResponse", {}),
    ],
)  # fmt: skip
def test_answers_of_the_websocket_api(
    ask: Asker, sockets: Contract, method: str, schema: str, params: dict[str, str] | None
) -> None:
    ask.order()
    ask.market()
    ask("POST", "/api/v3/orderList/oco", **SELL_OCO)
    api = ask.listen("/ws-api/v3")
    is_open = method in BY_METHOD and not BY_METHOD[method].signed
    answer = (
        api.call(method) if params is None else api.call(method, **params) if is_open else api.signed(method, **params)
    )
    if method == "session.status":  # the prose: null while nobody is logged on
        assert answer["result"].pop("apiKey") is answer["result"].pop("authorizedSince") is None
    if method == "exchangeInfo":  # the contract takes every filter for one of prices
        for line in answer["result"]["symbols"]:
            line["filters"] = [found for found in line["filters"] if found["filterType"] == "PRICE_FILTER"]
    sometimes = SOMETIMES | {"apiKey", "authorizedSince", "allowAmend"}  # `amendAllowed` in the prose
    sockets.named(schema, answer, sometimes=sometimes)


def test_orders_and_amendments_of_the_websocket_api(ask: Asker, sockets: Contract) -> None:
    api = ask.listen("/ws-api/v3")
    placed = api.signed("order.place", **ask.order_of(quantity="0.02"))
    sockets.named("orderPlaceResponse", placed)
    number = placed["result"]["orderId"]
    named = {"symbol": "BTCUSDT", "orderId": number}
    sockets.named("orderStatusResponse", api.signed("order.status", **named))
    sockets.named("orderAmendKeepPriorityResponse", api.signed("order.amend.keepPriority", **named, newQty="0.01"))
    sockets.named("orderAmendmentsResponse", api.signed("order.amendments", **named))
    sockets.named("orderCancelResponse", api.signed("order.cancel", **named))


def test_user_data_events(ask: Asker, sockets: Contract) -> None:
    user = ask.account()
    ask.order(newClientOrderId="life")
    ask.door("POST", "/fill", {"order": "life", "qty": "0.004", "price": "50000"})
    ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
    ask("POST", "/api/v3/orderList/oco", **SELL_OCO)
    ask.door("POST", "/deposit", {"asset": "BTC", "amount": "1"})
    names = {
        "executionReport": "orderUpdateEvent", "outboundAccountPosition": "accountUpdateEvent",
        "listStatus": "listStatusEvent", "balanceUpdate": "balanceUpdateEvent",
    }  # fmt: skip
    events = user.events()
    assert {event["e"] for event in events} == set(names)
    for event in events:
        if event.get("N", "") is None:  # as the prose has it; the contract knows texts alone
            del event["N"]
        sockets.named(names[event["e"]], {"subscriptionId": 0, "event": event}, sometimes=EVENTS_SOMETIMES | {"N"})


@pytest.mark.parametrize(
    ("stream", "schema"),
    [
        ("btcusdt@trade", "tradeEvent"), ("btcusdt@aggTrade", "aggregateTradeEvent"), ("ethusdt@kline_1m", "klineEvent"),
        ("ethusdt@miniTicker", "miniTickerEvent"), ("ethusdt@ticker", "tickerEvent"), ("ethusdt@avgPrice", "averagePriceEvent"),
        ("ethusdt@ticker_4h", "rollingWindowTickerEvent"), ("ethusdt@bookTicker", "bookTickerEvent"),
        ("ethusdt@depth@100ms", "diffDepthEvent"), ("ethusdt@depth10@100ms", "partialDepthEvent"),
    ],
)  # fmt: skip
def test_market_streams(ask: Asker, market: Contract, stream: str, schema: str) -> None:
    listener = ask.listen(f"/ws/{stream}")
    ask.market()
    ask.step(2)
    frames = listener.heard()
    assert frames
    for frame in frames:
        if schema == "tradeEvent":  # order ids of both sides are gone from the prose
            frame |= {"b": 1, "a": 1}
        market.named(schema, frame, sometimes=frozenset())
