"""Requests and replies hold against the venue's published specification."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from floorbroker_sim.oanda.rest.routes import ROUTES

if TYPE_CHECKING:
    from tests.unit.sim.oanda.conftest import OandaAsker

A = "/accounts/{accountID}"
ONE_ORDER, ONE_TRADE = A + "/orders/{orderSpecifier}", A + "/trades/{tradeSpecifier}"
# Newer than the specification: the document's pages have them.
BESIDE = {("GET", f"{A}/candles/latest")}
KINDS = ("Order", "Transaction")  # base types, for which any of their kinds stands


def closed(schema: Any) -> Any:
    """The same with every object closed: a member that the specification does not know is an error."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(value) for name, value in schema.items() if name not in {"format", "description"}}
    if isinstance(found.get("properties"), dict) and found.get("type") == "object":
        found["additionalProperties"] = False
    return found


class Contract:
    """The specification; `check` validates an answer of one operation."""

    def __init__(self, path: Path) -> None:
        self.document = json.loads(path.read_text("utf-8"))
        self.definitions: dict[str, Any] = closed(self.document["definitions"])
        self.definitions["ClientPrice"]["properties"]["timestamp"] = {
            "type": "string"
        }  # in fills, as the page's example
        for base in KINDS:
            kinds = [name for name in self.definitions if name.endswith(base) and name != base]
            self.definitions[base] = {"anyOf": [{"$ref": f"#/definitions/{name}"} for name in kinds]}

    def check(self, method: str, path: str, answer: Any, *, status: int = 200) -> None:
        schema = closed(self.document["paths"][path][method.lower()]["responses"][str(status)]["schema"])
        self._hold(schema, answer)

    def request(self, name: str, body: Any) -> None:
        self._hold({"$ref": f"#/definitions/{name}"}, body)

    def _hold(self, schema: Any, value: Any) -> None:
        validator = Draft202012Validator({**schema, "definitions": self.definitions})
        errors = [(list(error.absolute_path), error.message[:300]) for error in validator.iter_errors(value)]
        assert not errors, errors


@pytest.fixture(scope="module")
def contract(contracts_dir: Path) -> Contract:
    return Contract(contracts_dir / "oanda" / "v20.openapi2.json")


def test_every_served_path_is_in_the_specification_or_known_to_stand_beside_it(contract: Contract) -> None:
    known = {(method.upper(), path) for path, methods in contract.document["paths"].items() for method in methods}
    served = {(method, path.removeprefix("/v3")) for method, path, _ in ROUTES}
    assert served - known == BESIDE


def test_the_check_itself_sees_a_wrong_reply(contract: Contract) -> None:
    with pytest.raises(AssertionError, match="balance"):
        contract.check("GET", f"{A}/summary", {"account": {"balance": 1}})
    with pytest.raises(AssertionError, match="unknown"):
        contract.check("GET", f"{A}/orders", {"orders": [], "unknown": 1})


def test_what_is_read_holds(ask: OandaAsker, contract: Contract) -> None:
    trade = ask.open(
        "100", takeProfitOnFill={"price": "1.2"}, stopLossOnFill={"price": "1"}, trailingStopLossOnFill={"distance": "0.1"},
        tradeClientExtensions={"id": "t"},
    )  # fmt: skip
    ask.place(type="LIMIT", price="1.05000", clientExtensions={"id": "c", "tag": "x", "comment": "y"})
    ask.place(type="STOP", price="1.15000", priceBound="1.16000", timeInForce="GTD", gtdTime="2027-01-01T00:00:00Z")
    ask.place(type="MARKET_IF_TOUCHED", price="1.05000")
    ask.open("-20000", "USD_JPY")
    ask.place(units="-30")
    ask.hand("/financing", trade=trade, amount="-0.1")
    for path, query in (
        (A, {}), (f"{A}/summary", {}), (f"{A}/instruments", {}),
        (f"{A}/changes", {"sinceTransactionID": 2}), (f"{A}/orders", {"state": "ALL"}),
        (f"{A}/pendingOrders", {}), (f"{A}/trades", {"state": "ALL"}), (f"{A}/openTrades", {}), (f"{A}/positions", {}),
        (f"{A}/openPositions", {}), (f"{A}/transactions", {"type": "ORDER"}),
        (f"{A}/transactions/idrange", {"from_": 1, "to": 9}),
        (f"{A}/transactions/sinceid", {"id": 0}), (f"{A}/pricing", {"instruments": "EUR_USD", "includeHomeConversions": "true"}),
        ("/instruments/{instrument}/candles", {"price": "MBA", "count": 3}), ("/instruments/{instrument}/orderBook", {}),
        ("/instruments/{instrument}/positionBook", {}), (A + "/instruments/{instrument}/candles", {"count": 2}),
        (ONE_TRADE, {}), (ONE_ORDER, {}), (A + "/positions/{instrument}", {}), (A + "/transactions/{transactionID}", {}),
    ):  # fmt: skip
        real = path.replace(A, ".").replace("{instrument}", "EUR_USD").replace("{tradeSpecifier}", "@t")
        real = real.replace("{orderSpecifier}", "@c").replace("{transactionID}", "4")
        contract.check("GET", path, ask("GET", real if real.startswith(".") else f"/v3{real}", **query))
    contract.check("GET", "/accounts", ask("GET", "/v3/accounts"))


ORDERS: list[tuple[str, dict[str, Any]]] = [
    ("MarketOrderRequest", {"type": "MARKET", "priceBound": "1.2"}),
    ("MarketOrderRequest", {"type": "MARKET", "units": "99999999"}),
    ("LimitOrderRequest", {"type": "LIMIT", "price": "1.05000"}),
    ("LimitOrderRequest", {"type": "LIMIT", "price": "1.20000"}),
    ("LimitOrderRequest", {"type": "LIMIT", "price": "1.05000", "timeInForce": "FOK"}),
    ("StopOrderRequest", {"type": "STOP", "price": "1.20000", "triggerCondition": "MID"}),
    ("MarketIfTouchedOrderRequest", {"type": "MARKET_IF_TOUCHED", "price": "1.05000", "timeInForce": "GFD"}),
]


@pytest.mark.parametrize(("name", "order"), ORDERS)
def test_orders_and_their_answers_hold(ask: OandaAsker, contract: Contract, name: str, order: dict[str, Any]) -> None:
    whole = {"instrument": "EUR_USD", "units": "100", "clientExtensions": {"id": "a"}} | order
    contract.request(name, whole)
    contract.check("POST", f"{A}/orders", ask("POST", "./orders", {"order": whole}), status=201)


def test_orders_of_trades_and_what_changes_them_hold(ask: OandaAsker, contract: Contract) -> None:
    trade = ask.open("100")
    for name, order in (
        ("TakeProfitOrderRequest", {"type": "TAKE_PROFIT", "price": "1.2"}),
        ("StopLossOrderRequest", {"type": "STOP_LOSS", "distance": "0.1"}),
        ("TrailingStopLossOrderRequest", {"type": "TRAILING_STOP_LOSS", "distance": "0.1"}),
    ):  # fmt: skip
        contract.request(name, order | {"tradeID": trade})
        answer = ask("POST", "./orders", {"order": order | {"tradeID": trade}})
        contract.check("POST", f"{A}/orders", answer, status=201)
    moved = {"takeProfit": {"price": "1.3"}, "stopLoss": None, "trailingStopLoss": {"distance": "0.2"}}
    contract.check("PUT", f"{ONE_TRADE}/orders", ask("PUT", f"./trades/{trade}/orders", moved))
    limit = {"type": "LIMIT", "instrument": "EUR_USD", "units": "100", "price": "1.05000"}
    order_id = ask("POST", "./orders", {"order": limit})["orderCreateTransaction"]["id"]
    words = ask("PUT", f"./orders/{order_id}/clientExtensions", {"clientExtensions": {"id": "c"}})
    contract.check("PUT", f"{ONE_ORDER}/clientExtensions", words)
    replaced = ask("PUT", "./orders/@c", {"order": limit | {"price": "1.2"}})
    contract.check("PUT", ONE_ORDER, replaced, status=201)
    ask("POST", "./orders", {"order": limit | {"clientExtensions": {"id": "d"}}})
    contract.check("PUT", f"{ONE_ORDER}/cancel", ask("PUT", "./orders/@d/cancel"))
    words = ask("PUT", f"./trades/{trade}/clientExtensions", {"clientExtensions": {"id": "t"}})
    contract.check("PUT", f"{ONE_TRADE}/clientExtensions", words)
    contract.check("PUT", f"{ONE_TRADE}/close", ask("PUT", "./trades/@t/close", {"units": "10"}))
    close = A + "/positions/{instrument}/close"
    contract.check("PUT", close, ask("PUT", "./positions/EUR_USD/close", {"longUnits": "ALL"}))
    contract.check("PATCH", f"{A}/configuration", ask("PATCH", "./configuration", {"alias": "x"}))
    for entry in ask.log():
        contract.request("Transaction", entry)


def test_refusals_hold(ask: OandaAsker, contract: Contract) -> None:
    trade = ask.open("100")
    order_id = ask.place(type="LIMIT", price="1.05000")["orderCreateTransaction"]["id"]
    limit = {"type": "LIMIT", "instrument": "EUR_USD", "units": "0", "price": "1.05000"}
    for method, path, real, body, status in (
        ("POST", f"{A}/orders", "./orders", {"order": limit}, 400),
        ("POST", f"{A}/orders", "./orders", {"order": {"type": "TAKE_PROFIT", "tradeID": "99", "price": "1"}}, 404),
        ("PUT", ONE_ORDER, f"./orders/{order_id}", {"order": limit}, 400),
        ("PUT", f"{ONE_ORDER}/cancel", "./orders/99/cancel", None, 404),
        ("PUT", f"{ONE_ORDER}/clientExtensions", f"./orders/{order_id}/clientExtensions", {}, 400),
        ("PUT", f"{ONE_ORDER}/clientExtensions", "./orders/99/clientExtensions", {"clientExtensions": {"id": "x"}}, 404),
        ("PUT", f"{ONE_TRADE}/clientExtensions", f"./trades/{trade}/clientExtensions", {}, 400),
        ("PUT", f"{ONE_TRADE}/orders", f"./trades/{trade}/orders", {"stopLoss": {}}, 400),
        ("PUT", f"{ONE_TRADE}/close", "./trades/99/close", {"units": "ALL"}, 404),
        ("PUT", A + "/positions/{instrument}/close", "./positions/EUR_USD/close", {"shortUnits": "ALL"}, 404),
        ("PATCH", f"{A}/configuration", "./configuration", {}, 400),
    ):  # fmt: skip
        found, answer = ask.refused(method, real, body)
        assert found == status
        contract.check(method, path, answer, status=status)
