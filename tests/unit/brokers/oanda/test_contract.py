"""What the adapter sends, and the payloads it is tested with, hold against the venue's published specification."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from floorbroker.brokers.oanda.mapping.orders import close_request, order_request, replace_request
from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.values import OrderType, PositionIntent, Price, Side
from tests.unit.brokers.oanda.fakes import CL_ORD_ID, OTHER_ID, as_json, limit_order, market_order
from tests.unit.brokers.oanda.test_orders import TABLE, TRAIL, WAITING
from tests.unit.sim.oanda.test_contract import Contract

A = "/accounts/{accountID}"
REQUESTS = {
    OrderType.MARKET: "MarketOrderRequest",
    OrderType.LIMIT: "LimitOrderRequest",
    OrderType.STOP: "StopOrderRequest",
    OrderType.MARKET_IF_TOUCHED: "MarketIfTouchedOrderRequest",
}


@pytest.fixture(scope="module")
def contract(contracts_dir: Path) -> Contract:
    return Contract(contracts_dir / "oanda" / "v20.openapi2.json")


def sent(body: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(body))


def test_every_order_is_a_request_of_its_kind(contract: Contract) -> None:
    for order, _ in TABLE:
        contract.request(REQUESTS[order.order_type], sent(order_request(order, CL_ORD_ID)))
    trail = order_request(limit_order(side=Side.SELL, **TRAIL), CL_ORD_ID, trade_id="12")
    contract.request("TrailingStopLossOrderRequest", sent(trail))
    changed = replace_request(WAITING, OrderChanges(price=Price(Decimal("1.2"))), OTHER_ID)
    contract.request("LimitOrderRequest", sent(changed))


def test_closing_a_position_has_the_members_of_its_operation(contract: Contract) -> None:
    operation = contract.document["paths"][f"{A}/positions/{{instrument}}/close"]["put"]
    (schema,) = [one["schema"] for one in operation["parameters"] if one.get("in") == "body"]
    order = market_order(side=Side.SELL, position_intent=PositionIntent.SELL_TO_CLOSE)
    assert set(sent(close_request(order, CL_ORD_ID))) <= set(schema["properties"])


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("log_bracket", f"{A}/transactions/idrange"),
        ("log_ends", f"{A}/transactions/idrange"),
        ("account", A),
        ("summary", f"{A}/summary"),
        ("positions", f"{A}/openPositions"),
        ("instruments", f"{A}/instruments"),
        ("price", f"{A}/pricing"),
        ("candles", "/instruments/{instrument}/candles"),
    ],
)
def test_the_payloads_are_answers_of_the_venue(contract: Contract, name: str, path: str) -> None:
    contract.check("GET", path, as_json(name))


def test_the_refusals_are_too(contract: Contract) -> None:
    contract.check("POST", f"{A}/orders", as_json("refused"), status=400)
    contract.check("PUT", f"{A}/orders/{{orderSpecifier}}/cancel", as_json("cancel_refused"), status=404)
