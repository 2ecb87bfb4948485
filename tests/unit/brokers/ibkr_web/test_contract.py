"""What we send against the specification on record: paths, query parameters, and bodies.

The specification has the order body as a bare array, the documentation page as an object with `orders`; the tickets inside are
the same, and are compared one by one.
"""

from __future__ import annotations

import json
import os
import re
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from floorbroker.brokers.ibkr_web import origins_for
from floorbroker.brokers.ibkr_web.mapping.contracts import Contract
from floorbroker.brokers.ibkr_web.mapping.orders import tickets
from floorbroker.brokers.ibkr_web.rest.calls import Calls
from floorbroker.domain.orders import StopLoss
from floorbroker.domain.values import Environment, OrderClass, OrderType, Price, TimeInForce
from floorbroker.transport.types import Request
from tests.unit.brokers.ibkr_web.fakes import CL_ORD_ID, NOW, PAYLOADS, limit_order, payload

jsonschema = pytest.importorskip("jsonschema")
CONTRACT = Path(os.environ.get("FLOORBROKER_CONTRACTS", "/nowhere")) / "ibkr" / "ib-rest-api-2.20.0.openapi.json"
pytestmark = pytest.mark.skipif(not CONTRACT.is_file(), reason="the specification is not here")

D = Decimal
CALLS = Calls(origins=origins_for(Environment.LIVE))
AAPL = Contract(symbol="AAPL", conid=265598)
ORDERS = [
    limit_order(),
    limit_order(order_type=OrderType.MARKET, price=None),
    limit_order(order_type=OrderType.STOP, price=None, stop_px=Price(D(140))),
    limit_order(order_type=OrderType.STOP_LIMIT, stop_px=Price(D(140))),
    limit_order(order_type=OrderType.TRAILING_STOP, price=None, trail_percent=D(2)),
    limit_order(order_type=OrderType.TRAILING_STOP, price=None, trail_amount=D("1.5")),
    limit_order(tif=TimeInForce.IOC),
    limit_order(tif=TimeInForce.OPG, extended_hours=True),
    limit_order(
        order_class=OrderClass.BRACKET,
        take_profit=Price(D(190)),
        stop_loss=StopLoss(stop_px=Price(D(1)), price=Price(D(1))),
    ),
]
TICKETS = [tickets(order, CL_ORD_ID, "DU123456", contract=AAPL) for order in ORDERS]
REQUESTS: list[Request] = [
    *(CALLS.submit("DU123456", group, decided_at=0.0) for group in TICKETS),
    CALLS.what_if("DU123456", TICKETS[0]),
    CALLS.modify("DU123456", "1", TICKETS[0][0], decided_at=0.0, order="c"),
    CALLS.reply("07a13a5a", confirmed=True, decided_at=0.0, order="c"),
    CALLS.reply("07a13a5a", confirmed=False, decided_at=None, order="c"),
    CALLS.cancel("DU123456", "1", order="c"),
    CALLS.cancel("DU123456", "-1", order=None),
    CALLS.auth_status(),
    CALLS.tickle(),
    CALLS.open_session(compete=False),
    CALLS.accounts(),
    CALLS.switch("DU123456"),
    CALLS.portfolio_accounts(),
    CALLS.orders("DU123456"),
    CALLS.order_status("1"),
    CALLS.trades("DU123456", days=7),
    CALLS.summary("DU123456"),
    CALLS.ledger("DU123456"),
    CALLS.positions("DU123456", 0),
    CALLS.invalidate("DU123456"),
    CALLS.stocks("AAPL"),
    CALLS.definitions([1, 2]),
    CALLS.search("AAPL"),
    CALLS.strikes(1, "MAR26"),
    CALLS.option(1, "MAR26", "150", "P"),
    CALLS.rules(1),
    CALLS.snapshot([1, 2]),
    CALLS.history(1, period="1d", bar="1min", start=NOW),
]
BESIDES = {"/iserver/secdef/strikes": {"month"}}  # in the documentation page, and not in the specification


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CONTRACT.read_bytes())
    return found


def whole(schema: Any) -> Any:
    """A schema with its references followed, for a validator that knows no others."""
    return {**schema, "components": document()["components"]}


def operation(request: Request) -> tuple[str, dict[str, Any]]:
    path = request.path.removeprefix("/v1/api")
    for template, methods in document()["paths"].items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path) and request.method.lower() in methods:
            return template, methods[request.method.lower()]
    raise AssertionError(f"the specification has no {request.method} {path}")


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda each: f"{each.endpoint}")
def test_what_we_send_is_in_the_specification(request_: Request) -> None:
    template, told = operation(request_)
    parameters = {one["name"]: one for one in told.get("parameters", []) if one["in"] == "query"}
    sent = dict(request_.query)
    assert sent.keys() <= parameters.keys() | BESIDES.get(template, set())
    assert {name for name, one in parameters.items() if one.get("required")} <= sent.keys()
    if not request_.body:
        return
    body = json.loads(request_.body)
    schema = told["requestBody"]["content"]["application/json"]["schema"]
    jsonschema.validate(body.get("orders", body), whole(schema))
    if request_.endpoint in ("orders.submit", "orders.replace", "account.preview"):
        known = document()["components"]["schemas"]["singleOrderSubmissionRequest"]["properties"]
        for ticket in body.get("orders", [body]):
            assert ticket.keys() <= known.keys()


REPLIES = {
    "accounts": CALLS.accounts(),
    "ledger": CALLS.ledger("DU123456"),
    "live_orders": CALLS.orders("DU123456"),
    "preview": CALLS.what_if("DU123456", TICKETS[0]),
    "rules": CALLS.rules(1),
    "stocks": CALLS.stocks("AAPL"),
    "summary": CALLS.summary("DU123456"),
}


@pytest.mark.parametrize("name", REPLIES)
def test_our_payloads_have_members_that_the_specification_has(name: str) -> None:
    _, told = operation(REPLIES[name])
    examples = json.dumps(told["responses"]["200"]) + json.dumps(document()["components"]["schemas"])
    body = payload(name)
    row = body["orders"][0] if name == "live_orders" else body
    besides = {"live_orders": {"order_ref"}}.get(name, set[str]())
    keyed = name in ("stocks", "ledger")  # by symbol, by currency
    members = (
        set(next(iter(body.values()))[0] if name == "stocks" else next(iter(body.values()))) if keyed else set(row)
    )
    missing = {member for member in members - besides if f'"{member}"' not in examples}
    assert not missing
    assert (PAYLOADS / f"{name}.json").is_file()
