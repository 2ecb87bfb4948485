"""Answers hold against the specifications that others rebuilt from the documents: REST, public sockets, error strings."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from floorbroker_sim.kraken import errors
from floorbroker_sim.kraken.rest.routes import PRIVATE, PUBLIC
from tests.unit.sim.kraken.conftest import Desk

yaml = pytest.importorskip("yaml", reason="the specifications are written in YAML")

# Whole families that a trading desk has no part in: funding, sub-accounts, earning.
OUT_OF_SCOPE = ("Deposit", "Withdraw", "Wallet", "CreateSub", "AccountTransfer", "Earn", "AddExport", "Export", "RetrieveExport",
                "RemoveExport", "Stake", "Unstake", "Staking")  # fmt: skip


def modern(schema: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: `nullable` becomes a type that takes null; examples and stray prose go."""
    if isinstance(schema, list):
        return [modern(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: modern(value) for name, value in schema.items() if name not in {"example", "examples"}}
    if found.pop("nullable", False):
        return {"anyOf": [found, {"type": "null"}]}
    return found


class Contract:
    """One specification; `check` validates a value against one of its schemas."""

    def __init__(self, path: Path) -> None:
        self.document = modern(yaml.safe_load(path.read_text("utf-8")))

    def check(self, schema: Any, value: Any) -> None:
        whole = schema | {"components": self.document["components"]}
        found = list(Draft202012Validator(whole).iter_errors(value))
        assert not found, [(list(error.absolute_path), error.message[:200]) for error in found]

    def answer(self, path: str, value: Any) -> None:
        method = "get" if "/public/" in path else "post"
        content = self.document["paths"][path][method]["responses"]["200"]["content"]
        self.check(content["application/json"]["schema"], value)

    def named(self, name: str, value: Any) -> None:
        self.check({"$ref": f"#/components/schemas/{name}"}, value)


@pytest.fixture(scope="session")
def rest(contracts_dir: Path) -> Contract:
    return Contract(contracts_dir / "kraken" / "spot-rest.thirdparty.openapi.yaml")


@pytest.fixture(scope="session")
def sockets(contracts_dir: Path) -> Contract:
    return Contract(contracts_dir / "kraken" / "ws-v2-public.thirdparty.asyncapi.yaml")


def test_the_check_itself_sees_a_wrong_answer(rest: Contract) -> None:
    with pytest.raises(AssertionError, match="unixtime"):
        rest.answer("/0/public/Time", {"error": [], "result": {"unixtime": "now"}})


def test_every_path_in_scope_is_answered(rest: Contract) -> None:
    methods = {path.split("/private/")[-1].split("/public/")[-1] for path in rest.document["paths"]}
    missing = {m for m in methods if m not in PUBLIC and m not in PRIVATE and not m.startswith(OUT_OF_SCOPE)}
    assert missing == set()


@pytest.mark.parametrize("method", sorted(PUBLIC))
def test_every_public_answer(desk: Desk, rest: Contract, method: str) -> None:
    query = {} if method in {"Time", "SystemStatus", "Assets", "AssetPairs"} else {"pair": "XBTUSD"}
    rest.answer(f"/0/public/{method}", json.loads(desk.get(method, **query).body))


def test_every_private_answer(desk: Desk, rest: Contract) -> None:
    txid = desk.order(cl_ord_id="mine", close_ordertype="limit", close_price="65000")
    desk.order(ordertype="trailing-stop", type="sell", volume="0.1", price="+5%")
    desk.order(ordertype="iceberg", volume="0.1", displayvol="0.05", timeinforce="GTD", expiretm="+100")
    done = desk.market("sell", "0.2")
    [trade] = desk.look(done, trades="true")["trades"]
    [line] = [name for name, row in desk("Ledgers", {"asset": "XBT", "type": "trade"})["ledger"].items() if row]
    plain = desk.order(volume="0.1")
    orders = [{"ordertype": "limit", "type": "buy", "volume": "0.01", "price": "50000"}] * 2
    calls: dict[str, tuple[dict[str, Any], bool]] = {
        "Balance": ({}, False), "BalanceEx": ({}, False), "TradeBalance": ({}, False),
        "OpenOrders": ({"trades": "true"}, False), "ClosedOrders": ({"trades": "true"}, False),
        "QueryOrders": ({"txid": f"{txid},{done}", "trades": "true"}, False),
        "TradesHistory": ({"ledgers": "true"}, False), "QueryTrades": ({"txid": trade}, False),
        "OpenPositions": ({}, False), "Ledgers": ({}, False), "QueryLedgers": ({"id": line}, False),
        "TradeVolume": ({}, False), "AddOrder": (desk.wish(volume="0.01"), False),
        "AddOrderBatch": ({"pair": "XBTUSD", "orders": orders}, True),
        "AmendOrder": ({"txid": txid, "order_qty": "0.5"}, True),
        "EditOrder": ({"txid": plain, "pair": "XBTUSD", "price": "49000"}, False),
        "CancelOrder": ({"txid": txid}, False), "CancelAllOrdersAfter": ({"timeout": "60"}, False),
        "CancelOrderBatch": ({"orders": [desk.order(volume="0.01")]}, True), "CancelAll": ({}, False),
        "GetWebSocketsToken": ({}, False),
    }  # fmt: skip
    assert set(PRIVATE) - set(calls) == {"OrderAmends"}  # which that specification does not have
    for method, (fields, as_json) in calls.items():
        reply = desk.post(method, fields, as_json=as_json)
        desk.result(reply)
        rest.answer(f"/0/private/{method}", json.loads(reply.body))


def test_a_refusal_is_an_envelope_too(desk: Desk, rest: Contract) -> None:
    rest.answer("/0/private/AddOrder", json.loads(desk.post("AddOrder", desk.wish(volume="0")).body))


@pytest.mark.parametrize(
    ("channel", "schema", "params"),
    [
        ("book", "BookEnvelope", {"depth": 10}),
        ("ticker", "TickerEnvelope", {}),
        ("trade", "TradeEnvelope", {"snapshot": True}),
        ("ohlc", "OHLCEnvelope", {"interval": 1}),
    ],  # that specification writes the rules of instruments as text, the venue's own page as numbers
)
def test_every_public_channel(desk: Desk, sockets: Contract, channel: str, schema: str, params: dict[str, Any]) -> None:
    line = desk.socket()
    symbols = {} if channel == "instrument" else {"symbol": ["BTC/USD"]}
    line.session.received(
        json.dumps({"method": "subscribe", "params": {"channel": channel, **symbols, **params}, "req_id": 3})
    )
    desk.price("61000", "61000.1", "61000")
    messages = [json.loads(text) for text in line.texts()]
    told = [message for message in messages if message.get("channel") == channel]
    assert told
    for message in told:
        sockets.named(schema, message)
    [ack] = [message for message in messages if message.get("method") == "subscribe"]
    sockets.named("SubscriptionStatusResponse", ack)


def test_every_error_string_we_use_is_on_the_list(contracts_dir: Path) -> None:
    """Or stands in the documents that list lacks: the mode of limits, waiting, sessions, requests that cannot be read."""
    known = yaml.safe_load((contracts_dir / "kraken" / "error-strings.thirdparty.yaml").read_text("utf-8"))
    listed = {error["code"] for error in known["errors"]}
    ours = {text for name, text in inspect.getmembers(errors) if name.isupper() and isinstance(text, str)}
    beside = {
        "EGeneral:Unknown method", "EOrder:Unknown order", "EOrder:Unknown position", "EOrder:Invalid order",
        "EOrder:Cannot open position", "ESession:Invalid session",
    }  # fmt: skip
    assert ours - listed == beside
