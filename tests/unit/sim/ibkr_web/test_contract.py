"""Replies hold against the venue's published specification, but where its own examples do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from floorbroker_sim.ibkr_web.rest.routes import ROUTES
from tests.unit.sim.alpaca.test_contract import modern
from tests.unit.sim.ibkr_web.conftest import AAPL, Asker

# Served beside the specification: other methods and paths of the documentation pages, which clients use.
BESIDE = {("GET", "/iserver/auth/status"), ("GET", "/tickle"), ("POST", "/iserver/reauthenticate")}
WHOLE_TOO = "integer"  # the specification types amounts whole, its examples and the venue have fractions
# Members whose type in the specification contradicts its own example.
LOOSE = {
    "conid", "remainingQuantity", "filledQuantity", "totalSize", "totalCashSize", "lastExecutionTime_r", "side", "sub_type",
    "order_id", "account", "serverInfo", "isFt", "error", "currency", "multiplier",
}  # fmt: skip
NULLABLE = {
    "cusip", "expiry_full", "maturity_date", "contract_clarification_type", "classifier", "text", "underlying_issuer",
    "contract_month", "listingExchange", "priceRendering", "QUALIFIED_FOR_MOBILE_AUTH", "expiry", "putOrCall", "exerciseStyle",
    "exchs", "lastTradingDay", "value", "strike", "sectorGroup",
}  # fmt: skip


def loosened(schema: Any) -> Any:
    """The specification as its examples read it."""
    if isinstance(schema, list):
        return [loosened(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: loosened(value) for name, value in schema.items()}
    if found.get("type") == WHOLE_TOO:
        found["type"] = "number"
    if found.get("type") == "boolean":
        found.pop("enum", None)  # it lists the text "true"
    properties = found.get("properties")
    if isinstance(properties, dict):
        for name in LOOSE & properties.keys():
            properties[name] = {}
        for name in NULLABLE & properties.keys():
            properties[name] = {"anyOf": [properties[name], {"type": "null"}]}
    if "oneOf" in found:
        found["anyOf"] = found.pop("oneOf")  # without required members every object fits several of them
    return found


class Contract:
    """The specification; `check` validates an answer of one operation."""

    def __init__(self, path: Path) -> None:
        self.document = loosened(modern(json.loads(path.read_text("utf-8"))))
        by_account = self.document["paths"]["/portfolio/positions/{conid}"]["get"]["responses"]["200"]
        schema = by_account["content"]["application/json"]["schema"]
        schema["additionalProperties"] = {"type": "array", "items": schema["additionalProperties"]}  # as its example

    def check(self, method: str, path: str, answer: Any, *, status: int = 200) -> None:
        content = self.document["paths"][path][method.lower()]["responses"][str(status)]["content"]
        schema = content["application/json"]["schema"] | {"components": self.document["components"]}
        errors = list(Draft202012Validator(schema).iter_errors(answer))
        assert not errors, [(list(error.absolute_path), error.message[:200]) for error in errors]


@pytest.fixture(scope="module")
def contract(contracts_dir: Path) -> Contract:
    return Contract(contracts_dir / "ibkr" / "ib-rest-api-2.20.0.openapi.json")


def shape(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def test_every_served_path_is_in_the_specification_or_known_to_stand_beside_it(contract: Contract) -> None:
    known = {
        (method.upper(), shape(path)) for path, methods in contract.document["paths"].items() for method in methods
    }
    assert {(method, path) for method, path, _ in ROUTES if (method, shape(path)) not in known} == BESIDE


def test_the_check_itself_sees_a_wrong_reply(contract: Contract) -> None:
    with pytest.raises(AssertionError, match="authenticated"):
        contract.check("POST", "/iserver/auth/status", {"authenticated": "yes"})
    with pytest.raises(AssertionError, match="orders"):
        contract.check("GET", "/iserver/account/orders", {"orders": {}, "snapshot": True})


READS: list[tuple[str, dict[str, str]]] = [
    ("/iserver/accounts", {}),
    ("/sso/validate", {}),
    ("/iserver/account/pnl/partitioned", {}),
    ("/iserver/account/trades", {"days": "7"}),
    ("/iserver/account/{accountId}/summary", {}),
    ("/iserver/account/{accountId}/summary/available_funds", {}),
    ("/iserver/account/{accountId}/summary/balances", {}),
    ("/iserver/account/{accountId}/summary/margins", {}),
    ("/iserver/account/{accountId}/summary/market_value", {}),
    ("/iserver/account/search/{searchPattern}", {}),
    ("/iserver/secdef/search", {"symbol": "AAPL"}),
    ("/iserver/secdef/strikes", {"conid": str(AAPL), "sectype": "OPT", "month": "MAR26"}),
    ("/iserver/secdef/info", {"conid": str(AAPL), "sectype": "OPT", "month": "MAR26", "strike": "150", "right": "P"}),
    ("/iserver/secdef/info", {"conid": str(AAPL), "sectype": "STK"}),
    ("/iserver/contract/{conid}/info", {}),
    ("/iserver/contract/{conid}/info-and-rules", {}),
    ("/iserver/contract/{conid}/algos", {}),
    ("/iserver/marketdata/history", {"conid": str(AAPL), "period": "2d", "bar": "1h"}),
    ("/iserver/marketdata/unsubscribeall", {}),
    ("/portfolio/accounts", {}),
    ("/portfolio/subaccounts", {}),
    ("/portfolio/{accountId}/meta", {}),
    ("/portfolio/{accountId}/allocation", {}),
    ("/portfolio/{accountId}/summary", {}),
    ("/portfolio/{accountId}/ledger", {}),
    ("/portfolio/{accountId}/positions/{pageId}", {}),
    ("/portfolio/{accountid}/position/{conid}", {}),
    ("/portfolio/positions/{conid}", {}),
    ("/trsrv/stocks", {"symbols": "AAPL,NONE"}),
    ("/trsrv/secdef", {"conids": f"{AAPL},8314,7"}),
    ("/trsrv/futures", {"symbols": "ES"}),
]


@pytest.mark.parametrize(("path", "query"), READS)
def test_every_read(ask: Asker, contract: Contract, path: str, query: dict[str, str]) -> None:
    ask.market(cOID="held")
    ask.price("4.90", "5.00", symbol="AAPL  260320P00150000")
    ask.market(conid=ask.option(right="P", strike="150"), quantity=1)
    ask("GET", "/portfolio/accounts")
    filled = path.replace("{accountId}", ask.account).replace("{accountid}", ask.account).replace("{pageId}", "0")
    filled = filled.replace("{conid}", str(AAPL)).replace("{searchPattern}", "DU")
    contract.check("GET", path, ask("GET", filled, **query))


def test_the_session(ask: Asker, contract: Contract) -> None:
    contract.check("POST", "/iserver/auth/status", ask("POST", "/iserver/auth/status"))
    contract.check("POST", "/tickle", ask("POST", "/tickle"))
    opened = ask("POST", "/iserver/auth/ssodh/init", {"publish": True, "compete": True})
    contract.check("POST", "/iserver/auth/ssodh/init", opened)
    ask("GET", "/iserver/accounts")
    chosen = ask("POST", "/iserver/account", {"acctId": ask.account})
    contract.check("POST", "/iserver/account", chosen)
    status, _ = ask.refused("POST", "/iserver/account", {"acctId": "U"})
    assert status == 500
    suppressed = ask("POST", "/iserver/questions/suppress", {"messageIds": ["o163"]})
    contract.check("POST", "/iserver/questions/suppress", suppressed)
    contract.check("POST", "/logout", ask("POST", "/logout"))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"price": 160},
        {"orderType": "MKT", "price": None, "tif": "DAY"},
        {"orderType": "STP", "price": 160},
        {"orderType": "STOP_LIMIT", "price": 161, "auxPrice": 160},
        {"orderType": "TRAIL", "price": None, "trailingAmt": 2, "trailingType": "amt"},
        {"quantity": 100_000},
    ],
)
def test_every_kind_of_order_and_each_of_its_answers(ask: Asker, contract: Contract, changes: dict[str, Any]) -> None:
    path = "/iserver/account/{accountId}/orders"
    wish = ask.ticket(cOID="c", **changes)
    contract.check(
        "POST",
        f"{path}/whatif",
        {**ask("POST", path.replace("{accountId}", ask.account) + "/whatif", {"orders": [wish]})},
    )
    answer = ask.send(wish)
    contract.check("POST", path, answer)
    while isinstance(answer, list) and "id" in answer[0]:
        answer = ask("POST", f"/iserver/reply/{answer[0]['id']}", {"confirmed": True})
        contract.check("POST", "/iserver/reply/{replyId}", answer)
    if isinstance(answer, dict):
        assert answer["error"]
        return
    order_id = answer[0]["order_id"]
    ask.rows()
    contract.check("GET", "/iserver/account/orders", ask("GET", "/iserver/account/orders"))
    status = ask("GET", f"/iserver/account/order/status/{order_id}")
    contract.check("GET", "/iserver/account/order/status/{orderId}", status)
    one = "/iserver/account/{accountId}/order/{orderId}"
    contract.check("POST", one, ask.modify(order_id, **{"quantity": 11, **changes}))
    contract.check("DELETE", one, ask.cancel(order_id))


def test_every_member_of_a_documented_ticket_is_read(contract: Contract) -> None:
    import msgspec

    from floorbroker_sim.ibkr_web import wire

    schema = contract.document["components"]["schemas"]["singleOrderSubmissionRequest"]
    assert set(schema["properties"]) <= {field.encode_name for field in msgspec.structs.fields(wire.Ticket)}
