"""What we send and read against the specifications on record, where they say anything.

They were rebuilt by a third party: names and enumerations count, examples do not, and what the venue's own pages have besides
(`consolidate_taker`, `cl_ord_id` in batches) is named here.
"""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from floorbroker.brokers.kraken import origins_for
from floorbroker.brokers.kraken.auth import DATED, Credentials, sign
from floorbroker.brokers.kraken.errors import row_of
from floorbroker.brokers.kraken.mapping.orders import amend_params, order_params
from floorbroker.brokers.kraken.rest.calls import Calls
from floorbroker.brokers.kraken.stream.market import MarketSession
from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.records import DataKind
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, OrderType, Price, Quantity, TimeInForce
from floorbroker.transport.actions import Send
from floorbroker.transport.types import Request
from tests.unit.brokers.kraken.fakes import CL_ORD_ID, NOW, limit_order

yaml = pytest.importorskip("yaml")
CALLS = Calls(origins=origins_for(Environment.LIVE))
CREDENTIALS = Credentials(key=Secret("k"), secret=Secret("a" * 86 + "=="), otp=Secret("otp"))
D = Decimal

# In the venue's own pages, and not in the specification.
BESIDES = {
    "TradesHistory": {"consolidate_taker"},
    "AddOrderBatch": {"timeinforce", "cl_ord_id", "displayvol"},
    "GetApiKeyInfo": set[str](),
}


def order(kind: OrderType, **terms: Any) -> NewOrder:
    return limit_order(order_type=kind, **({"price": None} | terms))


ORDERS = [
    limit_order(post_only=True),
    limit_order(display_qty=Quantity(D("0.005"))),
    limit_order(tif=TimeInForce.IOC),
    limit_order(tif=TimeInForce.GTD, expire_at=NOW + timedelta(days=1)),
    order(OrderType.MARKET),
    order(OrderType.MARKET, order_qty=None, notional=D(5)),
    order(OrderType.STOP, stop_px=Price(D(1))),
    order(OrderType.STOP_LIMIT, stop_px=Price(D(1)), price=Price(D(2))),
    order(OrderType.MARKET_IF_TOUCHED, stop_px=Price(D(1))),
    order(OrderType.LIMIT_IF_TOUCHED, stop_px=Price(D(1)), price=Price(D(2))),
    order(OrderType.TRAILING_STOP, trail_percent=D(2)),
]
CHANGES = OrderChanges(order_qty=Quantity(D(1)), price=Price(D(1)), stop_px=Price(D(1)))

REQUESTS: list[Request] = [
    *(CALLS.submit(order_params(one, CL_ORD_ID), pair="XBTUSD", decided_at=0.0) for one in ORDERS),
    CALLS.submit_batch([order_params(one, CL_ORD_ID) for one in ORDERS[:4]], pair="XBTUSD", decided_at=0.0),
    CALLS.check(order_params(ORDERS[0], CL_ORD_ID), pair="XBTUSD"),
    CALLS.amend(amend_params(CHANGES, order_id="O1"), decided_at=0.0, cl_ord_id=CL_ORD_ID),
    CALLS.cancel({"txid": "O1"}, cl_ord_id=CL_ORD_ID),
    CALLS.cancel({"cl_ord_id": CL_ORD_ID}, cl_ord_id=CL_ORD_ID),
    CALLS.cancel_all(),
    CALLS.dead_man(60),
    CALLS.orders(["O1", "O2"]),
    CALLS.open_orders(),
    CALLS.open_orders(cl_ord_id=CL_ORD_ID),
    CALLS.closed_orders(start=NOW, offset=50),
    CALLS.closed_orders(cl_ord_id=CL_ORD_ID),
    CALLS.trades(start=NOW, offset=0),
    CALLS.balances(),
    CALLS.trade_balance("ZUSD"),
    CALLS.key(),
    CALLS.token(),
    CALLS.time(),
    CALLS.system_status(),
    CALLS.pairs(),
    CALLS.ticker(["XBTUSD"]),
    CALLS.ohlc("XBTUSD", minutes=1, since=0),
]


@pytest.fixture(scope="module")
def specification(contracts_dir: Path) -> dict[str, Any]:
    return yaml.safe_load((contracts_dir / "kraken" / "spot-rest.thirdparty.openapi.yaml").read_text(encoding="utf-8"))


def members_of(specification: dict[str, Any], schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The properties of a schema, with those of everything it is made of."""
    if "$ref" in schema:
        schema = specification["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    found = dict(schema.get("properties", {}))
    for part in schema.get("allOf", []):
        found |= members_of(specification, part)
    return found


def sent(request: Request) -> dict[str, Any]:
    deadline = "2026-03-02T15:04:15.000Z" if request.endpoint in DATED else None
    signed = sign(request, CREDENTIALS, nonce=1, deadline=deadline)
    if signed.body.startswith(b"{"):
        return json.loads(signed.body)
    if signed.method == "GET":
        return dict(signed.query)
    return {name: values[0] for name, values in parse_qs(signed.body.decode()).items()}


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: one.path.rpartition("/")[2])
def test_every_parameter_is_one_of_its_endpoint(specification: dict[str, Any], request_: Request) -> None:
    name = request_.path.rpartition("/")[2]
    if name in BESIDES and request_.path not in specification["paths"]:
        pytest.skip(f"{name} is younger than the specification")
    operation = specification["paths"][request_.path][request_.method.lower()]
    if request_.method == "GET":
        known = {one["name"]: one.get("schema", {}) for one in operation.get("parameters", ())}
    else:
        (content,) = operation["requestBody"]["content"].values()
        known = members_of(specification, content["schema"])
    given = sent(request_)
    assert set(given) - set(known) - BESIDES.get(name, set()) == set()
    for member, value in given.items():
        words = known.get(member, {}).get("enum")
        assert words is None or value in words, f"{member} is {value}"


def test_every_order_of_a_batch_has_the_members_of_a_batch(specification: dict[str, Any]) -> None:
    schema = members_of(specification, {"$ref": "#/components/schemas/AddOrderBatchRequest"})["orders"]
    (batch,) = [request for request in REQUESTS if request.path.endswith("AddOrderBatch")]
    for one in json.loads(batch.body)["orders"]:
        assert set(one) <= set(schema["items"]["properties"]) | BESIDES["AddOrderBatch"]


def test_every_error_string_on_record_is_in_the_table(contracts_dir: Path) -> None:
    told = yaml.safe_load((contracts_dir / "kraken" / "error-strings.thirdparty.yaml").read_text(encoding="utf-8"))
    assert [one["code"] for one in told["errors"] if row_of(one["code"]) is None] == []


def test_every_subscription_names_a_channel_and_members_it_has(contracts_dir: Path) -> None:
    told = yaml.safe_load(
        (contracts_dir / "kraken" / "ws-v2-public.thirdparty.asyncapi.yaml").read_text(encoding="utf-8")
    )
    session = MarketSession(depth=25)
    session.want([(kind, "BTC/USD") for kind in DataKind])
    for action in session.on_open(0.0):
        if isinstance(action, Send):
            params = json.loads(action.data)["params"]
            assert params["channel"] in told["channels"]
            schema = _params_of(told, params["channel"])
            assert set(params) <= set(schema), params
            for name, value in params.items():
                words = schema[name].get("enum")
                assert words is None or value in words


def _params_of(told: dict[str, Any], channel: str) -> dict[str, Any]:
    """The parameters of a channel's subscribe message."""
    name = f"Subscribe{'OHLC' if channel == 'ohlc' else channel.capitalize()}Request"
    params = members_of(told, {"$ref": f"#/components/schemas/{name}"})["params"]
    return members_of(told, params)
