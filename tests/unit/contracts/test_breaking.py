"""An older and a newer description of the door: what breaks programs is told from what does not."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.breaking import changes, told
from tests.contracts.openapi import OURS, ROOT, main

TOKEN = [{"token": []}]
ORDER_REQUEST: dict[str, Any] = {
    "type": "object",
    "required": ["symbol"],
    "additionalProperties": False,
    "properties": {
        "symbol": {"type": "string", "maxLength": 34},
        "side": {"$ref": "#/components/schemas/Side"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
    },
}
ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["id", "legs"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "status": {"enum": ["new", "filled"]},
        "price": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "legs": {"type": "array", "items": {"$ref": "#/components/schemas/Order"}},
    },
}
DOOR: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/orders": {
            "get": {
                "operationId": "list_orders",
                "security": TOKEN,
                "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 500, "default": 50}}],
                "responses": {
                    "200": {
                        "headers": {"Link": {}},
                        "content": {
                            "application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Order"}}},
                            "text/csv": {},
                        },
                    },
                    "404": {"description": "none"},
                },
            },
            "post": {
                "operationId": "submit_order",
                "security": TOKEN,
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/OrderRequest"}}}},
                "responses": {"201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}}},
            },
        },
        "/orders/{id}": {"delete": {"operationId": "cancel_order", "deprecated": True, "responses": {"204": {}}}},
    },
    "components": {
        "schemas": {
            "Order": ORDER,
            "OrderRequest": ORDER_REQUEST,
            "Side": {"type": "string", "enum": ["buy", "sell"]},
            "Outgoing": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
        }
    },
}  # fmt: skip
SCHEMAS = "components|schemas"
GET, POST = "paths|/orders|get", "paths|/orders|post"
SENT, SHOWN = f"{SCHEMAS}|OrderRequest", f"{SCHEMAS}|Order"
GONE = object()


def changed(path: str, value: object) -> dict[str, Any]:
    """The door with one place set, or taken away."""
    document = copy.deepcopy(DOOR)
    node: Any = document
    *way, last = path.split("|")
    for part in way:
        node = node[int(part)] if isinstance(node, list) else node[part]
    if value is GONE:
        del node[last]
    else:
        node[last] = value
    return document


BREAKS: list[tuple[str, object, str]] = [
    ("paths|/orders|post", GONE, "POST /orders: is gone"),
    ("paths|/orders/{id}", GONE, "DELETE /orders/{id}: is gone (it was deprecated)"),
    (f"{GET}|operationId", "orders", "GET /orders: the operation id was list_orders, is orders"),
    (f"{GET}|security", [], "GET /orders: the security was [{'token': []}], is []"),
    (f"{GET}|responses|404", GONE, "GET /orders 404: is no longer answered"),
    (f"{GET}|responses|200|headers", {}, "GET /orders 200 header Link: is no longer told"),
    (f"{GET}|responses|200|content|text/csv", GONE, "GET /orders 200 text/csv: is no longer told"),
    (f"{GET}|parameters", [], "GET /orders query limit: is no longer taken"),
    (f"{GET}|parameters|0|required", True, "GET /orders query limit: has to be sent now"),
    (f"{GET}|parameters|0|schema|maximum", 100, "GET /orders query limit: maximum was 500, is 100"),
    (f"{GET}|parameters|0|schema|minimum", 1, "GET /orders query limit: minimum was none, is 1"),
    (f"{GET}|parameters|0|schema|default", 20, "GET /orders query limit: left out meant 50, means 20"),
    (f"{GET}|parameters|0|schema|type", "string", "GET /orders query limit: was integer, is string"),
    (f"{POST}|requestBody|required", True, "POST /orders body: has to be sent now"),
    (f"{SENT}|required", ["symbol", "side"], "OrderRequest.side: has to be sent now  (POST /orders)"),
    (f"{SENT}|properties|side", GONE, "OrderRequest.side: is no longer taken  (POST /orders)"),
    (f"{SENT}|properties|symbol|maxLength", 10, "OrderRequest.symbol: maxLength was 34, is 10  (POST /orders)"),
    (
        f"{SENT}|properties|symbol|pattern",
        "^A",
        "OrderRequest.symbol: has another pattern: see whether it takes all that it took  (POST /orders)",
    ),
    (f"{SENT}|properties|symbol|enum", ["A"], "OrderRequest.symbol: takes the words of a list alone  (POST /orders)"),
    (f"{SENT}|properties|note|anyOf", [{"type": "string"}], "OrderRequest.note: no longer takes null  (POST /orders)"),
    (f"{SCHEMAS}|Side|enum", ["buy"], "Side: no longer takes sell  (POST /orders)"),
    (f"{SHOWN}|properties|status", GONE, "Order.status: is no longer told  (GET /orders, POST /orders)"),
    (f"{SHOWN}|properties|status", {"type": "string"}, "Order.status: is no longer one of a list  (GET /orders, POST /orders)"),
    (f"{SHOWN}|required", ["id"], "Order.legs: is no longer always told  (GET /orders, POST /orders)"),
    (f"{SHOWN}|properties|id|type", "integer", "Order.id: was string, is integer  (GET /orders, POST /orders)"),
    (f"{SHOWN}|properties|id|format", GONE, "Order.id: had the format uuid, has none  (GET /orders, POST /orders)"),
    (f"{SHOWN}|properties|id", {}, "Order.id: was string, is anything  (GET /orders, POST /orders)"),
    (
        f"{SHOWN}|properties|price|anyOf",
        [{"type": "string"}, {"type": "null"}, {"type": "number"}],
        "Order.price: can be number now  (GET /orders, POST /orders)",
    ),
    (f"{SHOWN}|properties|legs|items", {"type": "string"}, "Order.legs[]: was Order, is string  (GET /orders, POST /orders)"),
    (f"{SCHEMAS}|Outgoing|properties|id", GONE, "Outgoing.id: is no longer told"),
    (f"{SCHEMAS}|Outgoing", GONE, "Outgoing: is no longer told"),
]  # fmt: skip
ADDS: list[tuple[str, object, str]] = [
    ("paths|/fills", {"get": {"responses": {}}}, "GET /fills: is new"),
    (f"{GET}|deprecated", True, "GET /orders: is deprecated"),
    (f"{GET}|responses|429", {}, "GET /orders 429: is answered"),
    (f"{GET}|responses|200|content|application/xml", {}, "GET /orders 200 application/xml: is told"),
    (f"{GET}|parameters|0|schema|maximum", 1000, "GET /orders query limit: maximum was 500, is 1000"),
    (f"{GET}|parameters|0|schema|type", "number", "GET /orders query limit: takes number too"),
    (f"{SENT}|properties|tag", {"type": "string"}, "OrderRequest.tag: may be sent  (POST /orders)"),
    (f"{SENT}|required", [], "OrderRequest.symbol: may be left out  (POST /orders)"),
    (f"{SCHEMAS}|Side|enum", ["buy", "sell", "short"], "Side: takes short too  (POST /orders)"),
    (f"{SHOWN}|properties|fee", {"type": "string"}, "Order.fee: is told  (GET /orders, POST /orders)"),
    (f"{SHOWN}|properties|status|enum", ["new", "filled", "held"], "Order.status: may be held too  (GET /orders, POST /orders)"),
    (f"{SHOWN}|required", ["id", "legs", "price"], "Order.price: is always told  (GET /orders, POST /orders)"),
    (f"{SHOWN}|properties|price", {"type": "string"}, "Order.price: is never null any more  (GET /orders, POST /orders)"),
    (f"{SCHEMAS}|Extra", {"type": "object"}, "Extra: is told"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "line"), BREAKS)
def test_what_breaks_programs_is_named(path: str, value: object, line: str) -> None:
    found = changes(DOOR, changed(path, value))
    assert line in [told(change) for change in found if change.finding.breaks]


@pytest.mark.parametrize(("path", "value", "line"), ADDS)
def test_what_breaks_nobody_is_listed_apart(path: str, value: object, line: str) -> None:
    found = changes(DOOR, changed(path, value))
    assert [(told(change), change.finding.breaks) for change in found] == [(line, False)]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{GET}|description", "Other prose."),
        (f"{SHOWN}|properties|id|description", "Other prose."),
        ("paths|/orders|get|tags", ["Orders"]),
    ],
)
def test_prose_is_no_change(path: str, value: object) -> None:
    assert changes(DOOR, changed(path, value)) == []


def test_another_name_for_a_part_of_a_path_is_no_change() -> None:
    newer = copy.deepcopy(DOOR)
    newer["paths"]["/orders/{order}"] = newer["paths"].pop("/orders/{id}")
    assert changes(DOOR, newer) == []


def test_what_is_said_in_several_parts_is_one_schema() -> None:
    parts = {"allOf": [{"$ref": "#/components/schemas/Outgoing"}, {"properties": {"more": {"type": "string"}}}]}
    older, newer = changed(SHOWN, parts), changed(SHOWN, {**parts, "allOf": parts["allOf"][1:]})
    places = {change.finding.place for change in changes(older, newer) if change.finding.breaks}
    assert places == {"Order.id"}


def test_the_description_of_the_door_is_read_whole_and_teeth_in_it_are_found() -> None:
    ours = json.loads((ROOT / OURS).read_text("utf-8"))
    assert changes(ours, ours) == []
    newer = copy.deepcopy(ours)
    del newer["components"]["schemas"]["Order"]["properties"]["cum_qty"]
    newer["components"]["schemas"]["OrderRequest"]["required"].append("profile")
    found = {change.finding.place: len(change.operations) for change in changes(ours, newer) if change.finding.breaks}
    assert found.keys() == {"Order.cum_qty", "OrderRequest.profile"}
    assert found["Order.cum_qty"] > 1


def test_the_check_reads_files_and_ends_with_one_when_something_breaks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    older, newer = tmp_path / "older.json", tmp_path / "newer.json"
    older.write_text(json.dumps(DOOR), "utf-8")
    newer.write_text(json.dumps(changed(f"{GET}|parameters", [])), "utf-8")
    assert main([str(older), "--new", str(newer)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "1 breaking",
        "  ! GET /orders query limit: is no longer taken",
        "0 that break nobody",
    ]
    assert main([str(newer), "--new", str(older)]) == 0
    assert "  + GET /orders query limit: may be sent" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "none"), "--new", str(newer)], root=tmp_path)
    assert ended.value.code == 2


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_older_one_may_be_that_of_a_commit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / OURS
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(DOOR), "utf-8")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@house.example"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"], ["tag", "v1"]):
        subprocess.run([*git, *words], check=True, timeout=60)
    file.write_text(json.dumps(changed(f"{GET}|responses|404", GONE)), "utf-8")
    assert main(["v1"], root=tmp_path) == 1
    assert "GET /orders 404: is no longer answered" in capsys.readouterr().out
