"""What we send, and what these tests take for answers, against the endpoints and models of the venue's own client on record."""

from __future__ import annotations

import json
import os
import re
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from floorbroker.brokers.upstox import Options
from floorbroker.brokers.upstox.mapping.orders import batch_body, change_body, gtt_body, place_body
from floorbroker.brokers.upstox.rest.calls import Calls
from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.values import OrderType, Price, Side, TimeInForce
from floorbroker.transport.types import Request
from tests.unit.brokers.upstox.fakes import CL_ORD_ID, KEY, ORIGINS, FakeTransport, broker_on, limit_order, payload
from tests.unit.brokers.upstox.test_reports import order

CONTRACT = Path(os.environ.get("FLOORBROKER_CONTRACTS", "/nowhere")) / "upstox" / "sdk-2.30.0.derived.json"
pytestmark = pytest.mark.skipif(not CONTRACT.is_file(), reason="the endpoints are not here")

CALLS = Calls(origins=ORIGINS, algo_name="mine")
KINDS: dict[str, type | tuple[type, ...]] = {"int": int, "float": (int, float), "str": str, "bool": bool}
STOP = {"price": None, "stop_px": Price(Decimal("1400.05"))}
ORDERS = [
    limit_order(),
    limit_order(side=Side.SELL, tif=TimeInForce.IOC),
    limit_order(order_type=OrderType.MARKET, price=None),
    limit_order(order_type=OrderType.STOP, **STOP),
    limit_order(order_type=OrderType.STOP_LIMIT, **(STOP | {"price": Price(Decimal(1401))})),
]


def placed(wish: NewOrder) -> Request:
    body = place_body(wish, CL_ORD_ID, key=KEY, options=Options(market_protection="auto"))
    return CALLS.submit(body, cl_ord_id=CL_ORD_ID, decided_at=0.0)


CHANGED = change_body(OrderChanges(price=Price(Decimal("1410.55"))), order())
BODIES = [
    *((placed(wish), "PlaceOrderV3Request") for wish in ORDERS),
    (CALLS.replace(CHANGED, cl_ord_id=CL_ORD_ID, decided_at=0.0), "ModifyOrderRequest"),
    (CALLS.cancel_gtt(gtt_body("GTT-C26030200000001"), cl_ord_id=None), "GttCancelOrderRequest"),
]
REQUESTS = [
    *(request for request, _ in BODIES),
    CALLS.submit_many(batch_body([placed(ORDERS[0]).body]), cl_ord_ids=[CL_ORD_ID], decided_at=0.0),
    CALLS.cancel("260302000000001", cl_ord_id=None),
    CALLS.cancel_all(),
    CALLS.orders(),
    CALLS.order("260302000000001"),
    CALLS.history(CL_ORD_ID),
    CALLS.trades(),
    CALLS.gtts(),
    CALLS.gtts("GTT-C26030200000001"),
    CALLS.profile(),
    CALLS.funds(),
    CALLS.positions(),
    CALLS.holdings(),
    CALLS.charges(key=KEY, quantity="1", product="D", side="BUY", price="1"),
    CALLS.margin(b"{}"),
    CALLS.quotes(KEY),
    CALLS.candles(KEY, "minutes", 5, first="2026-03-01", last="2026-03-02"),
    CALLS.candles_today(KEY, "minutes", 5),
    CALLS.timings("2026-03-02"),
    CALLS.authorize_orders(),
    CALLS.token(code="c", client_id="k", client_secret="s", redirect_uri="http://r"),
]
ANSWERS = {
    "orders": "OrderBookData",
    "history": "OrderData",
    "trades": "TradeData",
    "gtts": "GttOrderDetails",
    "positions": "PositionData",
    "holdings": "HoldingsData",
    "profile": "ProfileData",
    "margin": "MarginData",
    "timings": "ExchangeTimingData",
}
# The client names the query of quotes `symbol`, the documents `instrument_key`, which is what is sent.
RENAMED = {"/v2/market-quote/quotes": {"instrument_key"}}


@cache
def contract() -> Any:
    return json.loads(CONTRACT.read_bytes())


def endpoint(request: Request) -> Any:
    """The entry of a request: the same method, and a path with as many parts."""
    for entry in contract()["endpoints"]:
        pattern = re.sub(r"\{[^/]*\}", "[^/]+", entry["path"])
        if entry["method"] == request.method and re.fullmatch(pattern, request.path):
            return entry
    raise AssertionError(f"{request.method} {request.path} is no endpoint")


def wrong_members(told: dict[str, Any], model: str) -> list[str]:
    """Members that the model does not have, or has with another kind of value."""
    known = contract()["models"][model]["fields"]
    enums = contract()["models"][model].get("enums", {})
    return [
        name
        for name, value in told.items()
        if name not in known
        or (value is not None and known[name] in KINDS and not isinstance(value, KINDS[known[name]]))
        or (isinstance(value, str) and value not in enums.get(name, [value]))
    ]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda each: f"{each.method} {each.path}")
def test_every_request_is_one_of_the_documented_ones(request_: Request) -> None:
    entry = endpoint(request_)
    allowed = set(entry.get("query_params", ())) | RENAMED.get(request_.path, set())
    assert {name for name, _ in request_.query} <= allowed
    is_form = request_.headers.get("Content-Type", "").endswith("form-urlencoded")
    if is_form:
        assert {name for name, _ in parse_qsl(request_.body.decode())} <= set(entry["form_params"])
    assert bool(request_.body) == ("body" in entry or is_form)


@pytest.mark.parametrize(("request_", "model"), BODIES)
def test_every_body_has_what_is_required_and_nothing_else(request_: Request, model: str) -> None:
    body = json.loads(request_.body)
    assert endpoint(request_)["body"] == model
    assert wrong_members(body, model) == []
    assert set(contract()["models"][model]["required"]) <= body.keys()


def test_each_of_several_orders_has_what_is_required() -> None:
    for line in json.loads(batch_body([placed(wish).body for wish in ORDERS])):
        assert wrong_members(line, "MultiOrderRequest") == []
        assert set(contract()["models"]["MultiOrderRequest"]["required"]) <= line.keys()


@pytest.mark.asyncio
async def test_the_margin_of_an_order_is_asked_for_in_the_documented_shape() -> None:
    reads = FakeTransport()
    broker = await broker_on(reads)
    with pytest.raises(IndexError):  # nobody answers: what was asked is what counts
        await broker.get_margin_requirements(limit_order())
    body = json.loads(reads.requests[-1].body)
    assert wrong_members(body["instruments"][0], "Instrument") == []
    assert set(contract()["models"]["Instrument"]["required"]) <= body["instruments"][0].keys()


@pytest.mark.parametrize(("name", "model"), ANSWERS.items())
def test_the_answers_of_these_tests_have_the_documented_members(name: str, model: str) -> None:
    told = json.loads(payload(name))["data"]
    for each in told if isinstance(told, list) else [told]:
        assert wrong_members(each, model) == []
        for rule in each.get("rules", []):
            assert wrong_members(rule, "Rule") == []
