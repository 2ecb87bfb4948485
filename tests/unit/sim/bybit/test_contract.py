"""The venue's own specification says which requests there are; each is served as it is written there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from floorbroker_sim.bybit import wire
from floorbroker_sim.bybit.rest import commands, routes
from tests.unit.sim.bybit.conftest import Asker

FILES = ("trade", "position", "account", "market", "asset", "user")
BODIES: dict[str, type[wire.Body]] = {
    "/v5/order/create": wire.CreateOrder,
    "/v5/order/amend": wire.AmendOrder,
    "/v5/order/cancel": wire.CancelOrder,
    "/v5/order/cancel-all": wire.CancelAll,
    "/v5/order/create-batch": wire.Batch,
    "/v5/order/amend-batch": wire.Batch,
    "/v5/order/cancel-batch": wire.Batch,
    "/v5/position/set-leverage": wire.SetLeverage,
    "/v5/position/switch-mode": wire.SwitchMode,
    "/v5/position/trading-stop": wire.TradingStop,
    "/v5/account/set-margin-mode": wire.SetMarginMode,
}
OPTIONS_ONLY = {"orderIv", "mmp"}  # members that only options have
READS_WITH = {"symbol": "BTCUSDT", "interval": "5", "side": "Buy", "accountType": "UNIFIED", "coin": "BTC"}


@pytest.fixture(scope="module")
def paths(contracts_dir: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name in FILES:
        text = (contracts_dir / "bybit" / f"v5-{name}.openapi.yaml").read_text("utf-8")
        found |= yaml.safe_load(text)["paths"]
    return found


def test_every_served_path_is_in_the_specification_or_known_to_be_newer(paths: dict[str, dict[str, Any]]) -> None:
    newer = {"/v5/market/price-limit", "/v5/order/pre-check"}
    served = {*routes.PUBLIC, *routes.SIGNED, *commands.PATHS}
    assert served - paths.keys() == newer
    assert set(BODIES) == set(commands.PATHS) - newer


def test_methods_agree(paths: dict[str, dict[str, Any]]) -> None:
    for path in {*routes.PUBLIC, *routes.SIGNED} & paths.keys():
        assert list(paths[path]) == ["get"], path
    for path in commands.PATHS & paths.keys():
        assert list(paths[path]) == ["post"], path


@pytest.mark.parametrize("path", BODIES)
def test_every_documented_member_of_a_command_is_read(paths: dict[str, dict[str, Any]], path: str) -> None:
    schema = paths[path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    known = {field.encode_name for field in msgspec.structs.fields(BODIES[path])}
    assert set(schema["properties"]) - OPTIONS_ONLY <= known


def test_every_documented_word_of_an_order_is_understood(ask: Asker, paths: dict[str, dict[str, Any]]) -> None:
    schema = paths["/v5/order/create"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
    changes: dict[str, dict[str, Any]] = {"Sell": {"price": "60500"}, "Market": {"price": None}}
    for member in ("side", "orderType", "timeInForce", "smpType"):
        for word in schema[member]["enum"]:
            ask.order(**{member: str(word)}, **changes.get(str(word), {}))


def test_reads_answer_with_their_documented_parameters(ask: Asker, paths: dict[str, dict[str, Any]]) -> None:
    for path in sorted({*routes.PUBLIC, *routes.SIGNED} & paths.keys()):
        named = [p for p in paths[path]["get"].get("parameters", []) if p["in"] == "query"]
        query = {p["name"]: READS_WITH[p["name"]] for p in named if p["name"] in READS_WITH and p.get("required")}
        if any(p["name"] == "category" for p in named):
            query["category"] = "spot" if "borrow" in path else "linear"
        if path in {"/v5/order/realtime", "/v5/position/list"}:
            query["settleCoin"] = "USDT"
        answer = json.loads(ask.raw("GET", path, query=query).body)
        assert answer["retCode"] == 0, (path, answer)
        assert set(answer) == {"retCode", "retMsg", "result", "retExtInfo", "time"}
