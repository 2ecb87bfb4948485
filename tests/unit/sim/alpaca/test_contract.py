"""Replies hold against the venue's published specification."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from tests.unit.sim.conftest import Asker

EXITS = {"take_profit": {"limit_price": "160"}, "stop_loss": {"stop_price": "140"}}
CONTRACT = "AAPL260327C00150000"


def modern(schema: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: `nullable` becomes a type or an enum that takes null."""
    if isinstance(schema, list):
        return [modern(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        name: modern(value) for name, value in schema.items() if name not in {"example", "examples", "discriminator"}
    }
    if found.pop("nullable", False):
        return {"anyOf": [found, {"type": "null"}]}
    return found


class Contract:
    """One specification; `check` validates an answer of one operation."""

    def __init__(self, path: Path) -> None:
        self.document = modern(json.loads(path.read_text("utf-8")))

    def check(self, method: str, path: str, answer: Any, *, status: int = 200) -> None:
        content = self.document["paths"][path][method.lower()]["responses"][str(status)]["content"]
        schema = content["application/json"]["schema"] | {"components": self.document["components"]}
        errors = list(Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(answer))
        assert not errors, [(list(error.absolute_path), error.message[:200]) for error in errors]


@pytest.fixture(scope="session")
def trading(contracts_dir: Path) -> Contract:
    return Contract(contracts_dir / "alpaca" / "trading-api.openapi.json")


@pytest.fixture(scope="session")
def data(contracts_dir: Path) -> Contract:
    return Contract(contracts_dir / "alpaca" / "market-data-api.openapi.json")


def test_the_check_itself_sees_a_wrong_reply(trading: Contract) -> None:
    with pytest.raises(AssertionError, match="is_open"):
        trading.check("GET", "/v2/clock", {"timestamp": "2026-03-02T15:00:00Z", "is_open": "yes"})


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"type": "market", "limit_price": None},
        {"type": "market", "limit_price": None, "qty": None, "notional": "25.5"},
        {"type": "stop", "stop_price": "160", "limit_price": None},
        {"type": "stop_limit", "stop_price": "160"},
        {"type": "trailing_stop", "limit_price": None, "trail_percent": "2"},
        {"order_class": "bracket", "limit_price": "150"} | EXITS,
        {"symbol": "BTC/USD", "time_in_force": "gtc", "qty": "0.01", "limit_price": "50000"},
        {"symbol": CONTRACT, "limit_price": "1.5"},
    ],
)
def test_every_kind_of_order(ask: Asker, trading: Contract, fields: dict[str, Any]) -> None:
    order = ask.order(**fields)
    trading.check("POST", "/v2/orders", order)
    trading.check("GET", "/v2/orders/{order_id}", ask("GET", f"/v2/orders/{order['id']}", nested="true"))
    trading.check("GET", "/v2/orders", ask("GET", "/v2/orders", status="all"))


def test_replace_cancel_and_close(ask: Asker, trading: Contract) -> None:
    ask.market(qty="5")
    ask.market(symbol="MSFT", qty="5")
    order = ask.order(qty="2")
    trading.check("PATCH", "/v2/orders/{order_id}", ask("PATCH", f"/v2/orders/{order['id']}", {"limit_price": "99"}))
    trading.check("GET", "/v2/positions", ask("GET", "/v2/positions"))
    trading.check("GET", "/v2/positions/{symbol_or_asset_id}", ask("GET", "/v2/positions/AAPL"))
    trading.check("DELETE", "/v2/orders", ask("DELETE", "/v2/orders"), status=207)
    trading.check("DELETE", "/v2/positions/{symbol_or_asset_id}", ask("DELETE", "/v2/positions/AAPL", qty="2"))
    trading.check("DELETE", "/v2/positions", ask("DELETE", "/v2/positions"), status=207)
    trading.check("GET", "/v2/account/activities", ask("GET", "/v2/account/activities"))


def test_a_spread_holds_but_for_the_empty_words_its_own_example_has(ask: Asker, trading: Contract) -> None:
    legs = [
        {"symbol": CONTRACT, "ratio_qty": "1", "side": "buy"},
        {"symbol": "AAPL260327C00155000", "ratio_qty": "1", "side": "sell"},
    ]
    body = {
        "qty": "1",
        "type": "limit",
        "time_in_force": "day",
        "order_class": "mleg",
        "limit_price": "0.01",
        "legs": legs,
    }
    order = ask("POST", "/v2/orders", body)
    assert {name for name, value in order.items() if value == ""} == {
        "symbol", "asset_id", "asset_class", "side", "position_intent",
    }  # fmt: skip
    assert {name for name, value in order["legs"][0].items() if value == ""} == {"type", "order_type"}
    named = {name: value for name, value in order.items() if value != ""}
    named["legs"] = [leg | {"type": "limit", "order_type": "limit"} for leg in order["legs"]]
    trading.check("POST", "/v2/orders", named)


@pytest.mark.parametrize(
    "path",
    [
        "/v2/account", "/v2/account/configurations", "/v2/clock", "/v2/calendar", "/v3/clock", "/v2/options/contracts",
        "/v2/account/portfolio/history", "/v2/watchlists", "/v2/corporate_actions/announcements",
    ],
)  # fmt: skip
def test_plain_reads_of_the_trading_api(ask: Asker, trading: Contract, path: str) -> None:
    trading.check("GET", path, ask("GET", path))


def test_assets_contracts_and_calendars(ask: Asker, trading: Contract) -> None:
    # The list of exchanges in the specification leaves out CRYPTO, which the venue's own client knows.
    trading.check("GET", "/v2/assets", ask("GET", "/v2/assets", asset_class="us_equity"))
    trading.check("GET", "/v2/assets/{symbol_or_asset_id}", ask("GET", "/v2/assets/AAPL"))
    trading.check("GET", "/v2/options/contracts/{symbol_or_id}", ask("GET", f"/v2/options/contracts/{CONTRACT}"))
    days = ask("GET", "/v3/calendar/NYSE", start="2026-03-02", end="2026-03-06")
    trading.check("GET", "/v3/calendar/{market}", days)
    assert len(days["calendar"]) == 5
    made = ask("POST", "/v2/watchlists", {"name": "tech", "symbols": ["AAPL"]})
    trading.check("POST", "/v2/watchlists", made)


SPAN = {"start": "2026-03-02T14:30:00Z", "end": "2026-03-02T14:40:00Z"}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v2/stocks/bars", {"symbols": "AAPL,MSFT", "timeframe": "5Min"} | SPAN),
        ("/v2/stocks/trades", {"symbols": "AAPL", "limit": "3"} | SPAN),
        ("/v2/stocks/quotes", {"symbols": "AAPL", "limit": "3"} | SPAN),
        ("/v2/stocks/bars/latest", {"symbols": "AAPL"}),
        ("/v2/stocks/trades/latest", {"symbols": "AAPL"}),
        ("/v2/stocks/quotes/latest", {"symbols": "AAPL"}),
        ("/v2/stocks/snapshots", {"symbols": "AAPL"}),
        ("/v2/stocks/meta/exchanges", {}),
        ("/v1beta1/options/bars", {"symbols": CONTRACT, "timeframe": "1Min"} | SPAN),
        ("/v1beta1/options/trades", {"symbols": CONTRACT, "limit": "3"} | SPAN),
        ("/v1beta1/options/quotes/latest", {"symbols": CONTRACT}),
        ("/v1beta1/options/trades/latest", {"symbols": CONTRACT}),
        ("/v1beta1/options/snapshots", {"symbols": CONTRACT}),
        ("/v1beta1/news", {}),
    ],
)
def test_market_data(ask: Asker, data: Contract, path: str, query: dict[str, str]) -> None:
    data.check("GET", path, ask("GET", path, **query))


@pytest.mark.parametrize(
    "what", ["bars", "trades", "quotes", "snapshot", "bars/latest", "trades/latest", "quotes/latest"]
)
def test_market_data_of_one_share(ask: Asker, data: Contract, what: str) -> None:
    answer = ask("GET", f"/v2/stocks/AAPL/{what}", timeframe="1Day", limit="3")
    data.check("GET", f"/v2/stocks/{{symbol}}/{what}", answer)


@pytest.mark.parametrize(
    "what",
    ["bars", "trades", "quotes", "snapshots", "latest/bars", "latest/trades", "latest/quotes", "latest/orderbooks"],
)
def test_crypto_data(ask: Asker, data: Contract, what: str) -> None:
    answer = ask("GET", f"/v1beta3/crypto/us/{what}", symbols="BTC/USD", timeframe="1Hour", limit="3")
    data.check("GET", f"/v1beta3/crypto/{{loc}}/{what}", answer)
