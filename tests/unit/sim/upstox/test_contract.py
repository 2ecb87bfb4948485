"""Requests and replies hold against the tables of the venue's own client."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from floorbroker_sim.upstox.rest.routes import OPEN_ROUTES, ROUTES
from tests.unit.sim.upstox.conftest import NIFTY, RELIANCE

if TYPE_CHECKING:
    from tests.unit.sim.upstox.conftest import UpstoxAsker

# Members the documents have and the client does not read: newer spellings of old ones, and one tax.
BESIDE = {
    "BrokerageData": {"other_taxes", "dp_plan"},
    "OtherTaxes": {"ipft"},
    "TradeHistoryResponse": {"meta_data"},
    "WebsocketAuthRedirectResponseData": {"authorized_redirect_uri"},
    "Problem": {"error_code", "property_path", "invalid_value"},
    "MultiOrderError": {"errorCode", "propertyPath", "invalidValue"},
}
# Served, and in no table of the client.
UNLISTED = {
    ("POST", "/v2/login/authorization/dialog"),
    ("GET", "/market-quote/instruments/exchange/{}"),
    ("GET", "/v3/feed/market-data-feed"),
    ("GET", "/v3/feed/market-data-feed/authorize"),
}
PLAIN: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float, Decimal),
    "bool": (bool,),
    "object": (object,),
}


class Contract:
    """The tables; `check` validates an answer of one endpoint."""

    def __init__(self, path: Path) -> None:
        document = json.loads(path.read_text("utf-8"))
        self.models: dict[str, Any] = document["models"]
        self.endpoints = {(one["method"], shape(one["path"])): one for one in document["endpoints"]}

    def check(self, method: str, path: str, answer: Any) -> None:
        self.hold(self.endpoints[method, shape(path)]["response"], answer, path)

    def request(self, name: str, body: dict[str, Any]) -> None:
        missing = [one for one in self.models[name].get("required", []) if one not in body]
        assert not missing, missing
        self.hold(name, body, name)

    def hold(self, kind: str, value: Any, where: str) -> None:
        if value is None:
            return
        if found := re.fullmatch(r"list\[(.*)\]", kind):
            assert isinstance(value, list), where
            for number, one in enumerate(value):
                self.hold(found[1], one, f"{where}[{number}]")
        elif found := re.fullmatch(r"dict\(str, (.*)\)", kind):
            for name, one in value.items():
                self.hold(found[1], one, f"{where}.{name}")
        elif kind == "datetime":
            assert date.fromisoformat(value), where
        elif kind in PLAIN:
            fits = isinstance(value, PLAIN[kind]) and (kind in {"bool", "object"} or not isinstance(value, bool))
            assert fits, f"{where} is no {kind}: {value!r}"
        else:
            self._model(kind, value, where)

    def _model(self, kind: str, value: Any, where: str) -> None:
        assert isinstance(value, dict), where
        model = self.models[kind]
        unknown = set(value) - set(model["fields"]) - BESIDE.get(kind, set())
        assert not unknown, f"{where} ({kind}) has unknown members: {sorted(unknown)}"
        for name, one in value.items():
            if name in model["fields"]:
                self.hold(model["fields"][name], one, f"{where}.{name}")
            allowed = model.get("enums", {}).get(name)
            words = one if isinstance(one, list) else [one]
            assert allowed is None or one is None or set(words) <= set(allowed), f"{where}.{name}: {one}"


def shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


@pytest.fixture(scope="module")
def contract(contracts_dir: Path) -> Contract:
    return Contract(contracts_dir / "upstox" / "sdk-2.30.0.derived.json")


def test_every_served_path_is_in_the_tables_or_known_to_stand_beside_them(contract: Contract) -> None:
    served = {(method, shape(path)) for method, path, _ in (*OPEN_ROUTES, *ROUTES)}
    assert served - set(contract.endpoints) == UNLISTED


def test_the_check_itself_sees_a_wrong_reply(contract: Contract) -> None:
    with pytest.raises(AssertionError, match="quantity"):
        contract.check("GET", "/v2/order/retrieve-all", {"status": "success", "data": [{"quantity": "1"}]})
    with pytest.raises(AssertionError, match="surprise"):
        contract.check("GET", "/v2/order/retrieve-all", {"status": "success", "data": [], "surprise": 1})
    with pytest.raises(AssertionError, match="status"):
        contract.check("GET", "/v2/order/retrieve-all", {"status": "fine", "data": []})
    with pytest.raises(AssertionError, match="product"):
        contract.request("PlaceOrderV3Request", {"quantity": 1})


READS: list[tuple[str, dict[str, str]]] = [
    ("/v2/user/profile", {}),
    ("/v2/user/get-funds-and-margin", {}),
    ("/v3/user/get-funds-and-margin", {}),
    ("/v2/user/ip", {}),
    ("/v2/user/kill-switch", {}),
    ("/v2/order/retrieve-all", {}),
    ("/v2/order/details", {"order_id": "ORDER"}),
    ("/v2/order/history", {"order_id": "ORDER"}),
    ("/v2/order/trades", {"order_id": "ORDER"}),
    ("/v2/order/trades/get-trades-for-day", {}),
    ("/v3/order/gtt", {}),
    ("/v2/portfolio/short-term-positions", {}),
    ("/v3/portfolio/mtf-positions", {}),
    (
        "/v2/charges/historical-trades",
        {"start_date": "2026-03-01", "end_date": "2026-03-31", "page_number": "1", "page_size": "2"},
    ),
    (
        "/v2/charges/brokerage",
        {"instrument_token": RELIANCE, "quantity": "10", "product": "D", "transaction_type": "SELL", "price": "1400"},
    ),
    ("/v2/trade/profit-loss/metadata", {"segment": "EQ", "financial_year": "2526"}),
    ("/v2/trade/profit-loss/data", {"segment": "EQ", "financial_year": "2526", "page_number": "1", "page_size": "5"}),
    ("/v2/trade/profit-loss/charges", {"segment": "EQ", "financial_year": "2526"}),
    ("/v2/market-quote/quotes", {"symbol": f"{RELIANCE},{NIFTY}"}),
    ("/v2/market-quote/ltp", {"symbol": RELIANCE}),
    ("/v2/market-quote/ohlc", {"symbol": RELIANCE, "interval": "1d"}),
    ("/v3/market-quote/quotes", {"instrument_key": f"{RELIANCE},{NIFTY}"}),
    ("/v3/market-quote/ltp", {"instrument_key": RELIANCE}),
    ("/v3/market-quote/ohlc", {"instrument_key": RELIANCE, "interval": "I30"}),
    ("/v3/market-quote/option-greek", {"instrument_key": "OPTION"}),
    ("/v2/option/contract", {"instrument_key": NIFTY}),
    ("/v2/option/chain", {"instrument_key": NIFTY, "expiry_date": "EXPIRY"}),
    ("/v2/instruments/search", {"query": "RELIANCE"}),
    ("/v2/market/holidays", {}),
    ("/v2/feed/portfolio-stream-feed/authorize", {"update_types": "order,position"}),
]


@pytest.fixture
def busy(ask: UpstoxAsker) -> UpstoxAsker:
    """An account that has something of everything."""
    ask.market()
    ask.market(transaction_type="SELL", quantity=3)
    ask.market(product="MTF", quantity=1)
    ask.market(product="I", transaction_type="SELL", quantity=2)
    ask.place()
    ask.place(quantity=10_000)
    rules = [
        {"strategy": "ENTRY", "trigger_type": "ABOVE", "trigger_price": 1500},
        {"strategy": "STOPLOSS", "trigger_type": "IMMEDIATE", "trigger_price": 1450, "trailing_gap": 2},
    ]
    body = {
        "type": "MULTIPLE", "quantity": 1, "product": "D", "rules": rules, "instrument_token": RELIANCE, "transaction_type": "BUY"
    }  # fmt: skip
    ask("POST", "/v3/order/gtt/place", body)
    return ask


@pytest.mark.parametrize(("path", "query"), READS, ids=[path for path, _ in READS])
def test_what_is_read_holds(busy: UpstoxAsker, contract: Contract, path: str, query: dict[str, str]) -> None:
    option = busy.data("GET", "/v2/option/contract", instrument_key=NIFTY)[0]
    first = busy.data("GET", "/v2/order/retrieve-all")[0]["order_id"]
    known = {"ORDER": first, "OPTION": option["instrument_key"], "EXPIRY": option["expiry"]}
    reply = busy.raw("GET", path, **{name: known.get(value, value) for name, value in query.items()})
    answer = json.loads(reply.body)
    assert answer["data"], path
    contract.check("GET", path, answer)


def test_paths_with_parts_and_the_holdings_of_the_next_day_hold(contract: Contract, new_upstox: Any) -> None:
    ask: UpstoxAsker = new_upstox(calendar=True)
    ask.market()
    ask.advance(86_400)
    ask.login()
    for path, real in (
        ("/v2/portfolio/long-term-holdings", "/v2/portfolio/long-term-holdings"),
        ("/v2/market/status/{exchange}", "/v2/market/status/NSE"),
        ("/v2/market/timings/{date}", "/v2/market/timings/2026-03-02"),
        ("/v2/market/holidays/{date}", "/v2/market/holidays/2026-01-26"),
        ("/v3/historical-candle/{k}/{u}/{i}/{t}/{f}", f"/v3/historical-candle/{RELIANCE}/days/1/2026-02-27/2026-02-20"),
        ("/v3/historical-candle/{k}/{u}/{i}/{t}", f"/v3/historical-candle/{RELIANCE}/minutes/30/2026-02-27"),
        ("/v2/historical-candle/{k}/{i}/{t}", f"/v2/historical-candle/{RELIANCE}/day/2026-02-27"),
    ):
        answer = json.loads(ask.raw("GET", real).body)
        assert answer["data"], path
        contract.check("GET", path, answer)


def test_orders_and_their_answers_hold(ask: UpstoxAsker, contract: Contract) -> None:
    wish = ask.wish(slice=False, market_protection=0)
    contract.request("PlaceOrderV3Request", wish)
    answer = ask("POST", "/v3/order/place", wish)
    contract.check("POST", "/v3/order/place", answer)
    order_id = answer["data"]["order_ids"][0]
    change = {"order_id": order_id, "validity": "DAY", "price": 1210, "order_type": "LIMIT", "trigger_price": 0}
    contract.request("ModifyOrderRequest", change)
    contract.check("PUT", "/v3/order/modify", ask("PUT", "/v3/order/modify", change))
    contract.check("PUT", "/v2/order/modify", ask("PUT", "/v2/order/modify", change))
    contract.check("DELETE", "/v3/order/cancel", ask("DELETE", "/v3/order/cancel", order_id=order_id))
    contract.check("POST", "/v2/order/place", ask("POST", "/v2/order/place", ask.wish()))
    many = [ask.wish(correlation_id="1", slice=False), ask.wish(correlation_id="2", slice=False, quantity=0)]
    contract.request("MultiOrderRequest", many[0])
    contract.check("POST", "/v2/order/multi/place", ask("POST", "/v2/order/multi/place", many))
    contract.check("DELETE", "/v2/order/multi/cancel", ask("DELETE", "/v2/order/multi/cancel"))
    ask.market()
    contract.check("POST", "/v2/order/positions/exit", ask("POST", "/v2/order/positions/exit"))


def test_the_rest_of_the_commands_holds(ask: UpstoxAsker, contract: Contract) -> None:
    rule = {"strategy": "ENTRY", "trigger_type": "ABOVE", "trigger_price": 1500}
    body: dict[str, Any] = {
        "type": "SINGLE", "quantity": 1, "product": "D", "rules": [rule], "instrument_token": RELIANCE, "transaction_type": "BUY"
    }  # fmt: skip
    contract.request("GttPlaceOrderRequest", body)
    answer = ask("POST", "/v3/order/gtt/place", body)
    contract.check("POST", "/v3/order/gtt/place", answer)
    name = answer["data"]["gtt_order_ids"][0]
    change = {"type": "SINGLE", "quantity": 2, "rules": [rule], "gtt_order_id": name}
    contract.request("GttModifyOrderRequest", change)
    contract.check("PUT", "/v3/order/gtt/modify", ask("PUT", "/v3/order/gtt/modify", change))
    contract.check("DELETE", "/v3/order/gtt/cancel", ask("DELETE", "/v3/order/gtt/cancel", {"gtt_order_id": name}))
    item = {"instrument_key": RELIANCE, "quantity": 1, "product": "D", "transaction_type": "BUY", "price": 0}
    contract.check("POST", "/v2/charges/margin", ask("POST", "/v2/charges/margin", {"instruments": [item]}))
    ask.market(product="I")
    move = {
        "instrument_token": RELIANCE, "new_product": "D", "old_product": "I", "transaction_type": "BUY", "quantity": 4
    }  # fmt: skip
    contract.request("ConvertPositionRequest", move)
    contract.check("PUT", "/v2/portfolio/convert-position", ask("PUT", "/v2/portfolio/convert-position", move))
    switch = [{"segment": "NSE_FO", "action": "DISABLE"}]
    contract.check("POST", "/v2/user/kill-switch", ask("POST", "/v2/user/kill-switch", switch))
    contract.check("PUT", "/v2/user/ip", ask("PUT", "/v2/user/ip", {"primary_ip": "10.0.0.1"}))


def test_refusals_hold(ask: UpstoxAsker, contract: Contract) -> None:
    for method, path, body in (
        ("POST", "/v3/order/place", ask.wish(quantity=0)),
        ("GET", "/v2/order/details", None),
        ("GET", "/v2/nowhere", None),
    ):
        reply = ask.raw(method, path, body)
        contract.hold("ApiGatewayErrorResponse", json.loads(reply.body), path)
