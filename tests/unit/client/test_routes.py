"""The client knows every route: each verb asks for what the document says, and reads what it says is answered."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import jsonschema
import msgspec
import pytest
from starlette.routing import compile_path

from floorbroker.api import create_app
from floorbroker.client import DeskClient, Door
from floorbroker.domain.clock import ManualClock

pytestmark = pytest.mark.asyncio

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
ORDER = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "1"}
TIMES = re.compile(r"(at|ts|start|until|since|open|close|extended_.*|horizon|(.*_)?(time|at|until)|last_reconciled)")
DAYS = re.compile(r"(day|expiry|expirations)")
Call = Callable[[DeskClient], Awaitable[Any] | AsyncIterator[Any]]

CALLS: dict[str, Call] = {
    # the server
    "get_health": lambda desk: desk.health(),
    "get_readiness": lambda desk: desk.readiness(),
    "get_metrics": lambda desk: desk.metrics(),
    "list_brokers": lambda desk: desk.brokers(),
    # people
    "get_auth": lambda desk: desk.auth.who(),
    "log_in": lambda desk: desk.auth.log_in("ada", "words", code="123456"),
    "log_out": lambda desk: desk.auth.log_out(),
    "prove": lambda desk: desk.auth.prove(password="words"),
    "list_sessions": lambda desk: desk.auth.sessions(),
    "revoke_session": lambda desk: desk.auth.revoke("x1"),
    "revoke_sessions": lambda desk: desk.auth.revoke_others(),
    "list_users": lambda desk: desk.users.all(),
    "add_user": lambda desk: desk.users.add("grace", "words", role="trader", environments=["paper"]),
    "get_user": lambda desk: desk.users.one("grace"),
    "edit_user": lambda desk: desk.users.edit("grace", role="risk", disabled=False),
    "remove_user": lambda desk: desk.users.remove("grace"),
    "set_password": lambda desk: desk.users.set_password("grace", "words"),
    "begin_second_factor": lambda desk: desk.users.begin_second_factor("grace"),
    "confirm_second_factor": lambda desk: desk.users.confirm_second_factor("grace", "123456"),
    "drop_second_factor": lambda desk: desk.users.drop_second_factor("grace"),
    "list_tokens": lambda desk: desk.tokens.all(),
    "get_token": lambda desk: desk.tokens.one("bot"),
    "create_token": lambda desk: desk.tokens.create(
        "bot", environment="paper", scopes=["read"], expires_at=NOW, addresses=["10.0.0.0/8"], per_minute=60
    ),
    "revoke_token": lambda desk: desk.tokens.revoke("bot"),
    # profiles
    "list_profiles": lambda desk: desk.profiles(),
    "get_profile": lambda desk: desk.profile("paper"),
    "connect_profile": lambda desk: desk.connect("paper", reason="back"),
    "disconnect_profile": lambda desk: desk.disconnect("paper", reason="rotation"),
    "reconcile_profile": lambda desk: desk.reconcile("paper"),
    "self_check_profile": lambda desk: desk.self_check("paper"),
    "list_rounds": lambda desk: desk.rounds("paper"),
    "list_adjustments": lambda desk: desk.adjustments("paper"),
    "list_profile_balances": lambda desk: desk.balances("paper"),
    "add_profile": lambda desk: desk.stored.add("mine", "ALPACA", fields={"BROKER_API_KEY": "k"}, enabled=True),
    "get_profile_settings": lambda desk: desk.stored.one("mine"),
    "edit_profile": lambda desk: desk.stored.edit("mine", options={"cash": "1"}),
    "remove_profile": lambda desk: desk.stored.remove("mine", force=True),
    "rotate_profile": lambda desk: desk.stored.rotate("mine", {"BROKER_API_KEY": "k"}, test=False),
    "test_profile": lambda desk: desk.stored.test("mine"),
    "begin_login": lambda desk: desk.stored.begin_login("mine"),
    "finish_login": lambda desk: desk.stored.finish_login("mine", code="c", state="s"),
    "get_live_arming": lambda desk: desk.arming(),
    "arm_live": lambda desk: desk.arm(reason="the open", confirm="mine", profile="mine", for_s=3600),
    "disarm_live": lambda desk: desk.disarm(profile="mine", reason="done"),
    # accounts and markets
    "get_account": lambda desk: desk.consolidated("USD"),
    "get_equity_curve": lambda desk: desk.equity("paper"),
    "list_positions": lambda desk: desk.positions("paper"),
    "list_fills": lambda desk: desk.fills(symbol="AAPL"),
    "list_quotes": lambda desk: desk.quotes(["AAPL", "BTC/USD"]),
    "get_book": lambda desk: desk.book("AAPL", depth=5, profile="paper"),
    "get_bars": lambda desk: desk.bars("AAPL", start="2026-11-20T00:00:00Z"),
    "get_option_chain": lambda desk: desk.option_chain("AAPL"),
    "size_option": lambda desk: desk.option_size("AAPL  260320P00150000", budget="1000"),
    "get_market_hours": lambda desk: desk.market_hours(),
    # orders
    "submit_order": lambda desk: desk.submit(ORDER),
    "list_orders": lambda desk: desk.orders(status="open"),
    "cancel_orders": lambda desk: desk.cancel_all(symbol="AAPL"),
    "validate_order": lambda desk: desk.validate(ORDER),
    "preview_order": lambda desk: desk.preview(ORDER),
    "get_order": lambda desk: desk.order("x1"),
    "modify_order": lambda desk: desk.modify("x1", {"quantity": "2"}),
    "cancel_order": lambda desk: desk.cancel("x1"),
    "list_order_events": lambda desk: desk.order_events("x1"),
    "get_resolution": lambda desk: desk.resolution("x1"),
    "resolve_order": lambda desk: desk.resolve("x1", "ask", reason="the venue is back"),
    # risk
    "get_risk": lambda desk: desk.risk("paper", history=True),
    "list_limits": lambda desk: desk.limits(),
    "set_limit": lambda desk: desk.set_limit("global", "max_order_qty", "5", reason="new", version=3),
    "list_strategy_states": lambda desk: desk.strategy_states(),
    "switch_strategy": lambda desk: desk.switch_strategy("momentum", on=True, reason="looked at"),
    "get_kill_switch": lambda desk: desk.kill_switch(),
    "set_kill_switch": lambda desk: desk.kill(1, reason="drill", profile="paper"),
    "get_routing": lambda desk: desk.routing(),
    "set_standing": lambda desk: desk.set_standing("paper", demoted=True, reason="slow"),
    "list_audit": lambda desk: desk.audit(after=3),
    "verify_audit": lambda desk: desk.verify_audit(),
    "stream_events": lambda desk: desk.events(after=3, channels="orders"),
    # the vault
    "get_vault": lambda desk: desk.vault.state(),
    "create_vault": lambda desk: desk.vault.create("words", log2n=18),
    "unlock_vault": lambda desk: desk.vault.unlock("words"),
    "lock_vault": lambda desk: desk.vault.lock(at_once=True),
    "rotate_vault": lambda desk: desk.vault.rotate("words", "more words"),
    # hooks
    "list_webhooks": lambda desk: desk.webhooks.all(),
    "add_webhook": lambda desk: desk.webhooks.add({"name": "tv", "direction": "in", "profile": "paper"}),
    "get_webhook": lambda desk: desk.webhooks.one("tv"),
    "switch_webhook": lambda desk: desk.webhooks.switch("tv", enabled=False, version=1),
    "remove_webhook": lambda desk: desk.webhooks.remove("tv"),
    "test_webhook": lambda desk: desk.webhooks.test("tv", body="symbol=AAPL"),
    "list_signals": lambda desk: desk.webhooks.signals("tv", limit=5),
    "list_deliveries": lambda desk: desk.webhooks.deliveries("tv", limit=5),
    "retry_delivery": lambda desk: desk.webhooks.retry("tv", "d1"),
    "receive_signal": lambda desk: desk.webhooks.signal("h1", {"symbol": "AAPL"}, signature="t=1,v1=00"),
    "list_notifications": lambda desk: desk.notifications.all(),
    "add_notification": lambda desk: desk.notifications.add("phone", "ntfy://ntfy.sh/mine", events=["fill"]),
    "switch_notification": lambda desk: desk.notifications.switch("phone", enabled=True, version=2),
    "remove_notification": lambda desk: desk.notifications.remove("phone"),
    "test_notification": lambda desk: desk.notifications.test("phone"),
    "list_alerts": lambda desk: desk.notifications.deliveries("phone", limit=5),
    # strategies, research, backtests
    "list_strategies": lambda desk: desk.studies.strategies(),
    "list_decisions": lambda desk: desk.studies.decisions(strategy="momentum"),
    "list_reports": lambda desk: desk.studies.reports(),
    "get_report": lambda desk: desk.studies.report("sectors"),
    "list_backtests": lambda desk: desk.studies.backtests(),
    "run_backtest": lambda desk: desk.studies.run_backtest({"strategy": "momentum", "symbols": ["AAPL"]}),
    "get_backtest": lambda desk: desk.studies.backtest("x1"),
    "get_operation": lambda desk: desk.studies.operation("o1"),
    "cancel_operation": lambda desk: desk.studies.cancel_operation("o1"),
}
LEFT_OUT = {
    "get_profile_status": "get_profile under another name",
    "get_profile_account": "account(profile)",
    "list_profile_positions": "positions(profile)",
    "list_profile_orders": "orders(profile=…)",
    "list_profile_fills": "fills(profile=…)",
}


def described() -> dict[str, Any]:
    app = create_app(desks={}, token=lambda _: None, clock=ManualClock(NOW), version="1")
    return app.openapi()


DOCUMENT = described()
OPERATIONS = {
    found["operationId"]: (method.upper(), path, found)
    for path, methods in DOCUMENT["paths"].items()
    for method, found in methods.items()
}


async def test_the_document_refers_to_nothing_that_is_not_in_it() -> None:
    text, known = json.dumps(DOCUMENT), DOCUMENT["components"]["schemas"].keys()
    assert not set(re.findall(r'"#/components/schemas/([^"]+)"', text)) - known
    assert not [name for name in known if "." in name], "two shapes have one name"


async def test_every_route_has_a_verb_or_a_reason_why_not() -> None:
    assert CALLS.keys() | LEFT_OUT.keys() == OPERATIONS.keys()
    assert not CALLS.keys() & LEFT_OUT.keys()


@pytest.mark.parametrize("name", CALLS)
async def test_a_verb_asks_and_reads_as_the_document_says(name: str) -> None:
    method, template, operation = OPERATIONS[name]
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return reply_of(operation)

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer), base_url="http://desk.invalid")
    found = CALLS[name](DeskClient(Door(http)))
    read = [one async for one in found] if isinstance(found, AsyncIterator) else await found
    (request,) = seen
    assert request.method == method
    assert compile_path(template)[0].fullmatch(request.url.path), request.url.path
    known = {one["name"].lower(): one for one in operation.get("parameters", [])}
    assert {one.lower() for one in request.url.params} <= known.keys()
    assert {one for one, told in known.items() if told.get("required") and told["in"] == "query"} <= set(
        request.url.params
    )
    if headers := {"if-match", "x-floorbroker-signature"} & set(request.headers):
        assert headers <= known.keys()
    body_fits(operation, request.content)
    assert_known(read, schema_of(operation), name)


def body_fits(operation: dict[str, Any], content: bytes) -> None:
    told = operation.get("requestBody")
    if told is None:
        assert not content
        return
    schema = told["content"]["application/json"]["schema"]
    jsonschema.validate(json.loads(content), {**schema, "components": DOCUMENT["components"]})


def schema_of(operation: dict[str, Any]) -> dict[str, Any] | None:
    """Of the first answer that is no problem and has a body in JSON."""
    for status, told in operation["responses"].items():
        content = told.get("content", {}).get("application/json", {})
        if status.startswith("2") and content.get("schema"):
            return content["schema"]
    return None


def reply_of(operation: dict[str, Any]) -> httpx2.Response:
    schema = schema_of(operation)
    kinds = {kind for told in operation["responses"].values() for kind in told.get("content", {})}
    if "text/event-stream" in kinds:
        event = json.dumps(example({"$ref": "#/components/schemas/Event"}))
        return httpx2.Response(200, text=f"id: 3\nevent: orders\ndata: {event}\n\nevent: bye\ndata: {{}}\n\n",
                               headers={"Content-Type": "text/event-stream"})  # fmt: skip
    return httpx2.Response(200 if schema else 204, json=example(schema) if schema else None)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def example(schema: dict[str, Any], name: str = "", depth: int = 0) -> Any:
    """A document with every member that the schema has, except lists of itself."""
    schema = resolved(schema)
    if "anyOf" in schema:
        return example(schema["anyOf"][0], name, depth)
    if "type" not in schema and "enum" not in schema:
        return {}  # anything
    kinds = schema.get("type", "string")
    match kinds if isinstance(kinds, str) else kinds[0]:
        case "object" if "properties" in schema:
            if name == "next_cursor":
                return None
            prices = {"open", "close"} if "volume" in schema["properties"] else set()
            members = {k: example(v, "" if k in prices else k, depth + 1) for k, v in schema["properties"].items()}
            return members | ({"next_cursor": None} if "next_cursor" in members else {})
        case "object":
            inner = schema.get("additionalProperties")
            return {"one": example(inner, "", depth + 1)} if isinstance(inner, dict) and inner else {}
        case "array":
            return [example(schema["items"], name, depth + 1)] if depth < 6 and schema.get("items") else []
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case _:
            if TIMES.fullmatch(name) and schema.get("format") != "date":
                return "2026-11-20T14:30:00.000000Z"
            return "2026-11-20" if DAYS.fullmatch(name) else str(schema.get("enum", ["1"])[0])


def assert_known(read: Any, schema: dict[str, Any] | None, where: str) -> None:
    """Whatever the client names, the document has."""
    if isinstance(read, list | tuple):
        inner = resolved(schema or {})
        items = inner.get("items") or inner.get("properties", {}).get("items", {}).get("items", {})
        for one in read:
            assert_known(one, items if isinstance(items, dict) else None, where)
    elif isinstance(read, msgspec.Struct) and type(read).__name__ != "Event":
        found = resolved(schema or {})
        properties = {}
        for one in found.get("anyOf", [found]):
            properties = resolved(one).get("properties", {}) | properties
        for field in msgspec.structs.fields(type(read)):
            assert field.name in properties, f"{where}: no member {field.name} of {type(read).__name__}"
            assert_known(getattr(read, field.name), properties[field.name], f"{where}.{field.name}")
