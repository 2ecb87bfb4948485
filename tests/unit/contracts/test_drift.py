"""Two copies of a specification are compared per operation: what was added, removed, changed."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.__main__ import main
from tests.contracts.drift import Change, compare, told
from tests.contracts.operations import operations, read

OPENAPI: dict[str, Any] = {
    "openapi": "3.0.0",
    "paths": {
        "/orders": {
            "parameters": [{"$ref": "#/components/parameters/Account"}],
            "get": {
                "description": "Prose does not count.",
                "parameters": [{"name": "status", "in": "query", "schema": {"type": "string", "enum": ["open", "all"]}}],
                "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}}},
            },
            "delete": {"responses": {"204": {"description": "gone"}}},
        }
    },
    "components": {
        "parameters": {"Account": {"name": "account", "in": "header", "required": True, "schema": {"type": "string"}}},
        "schemas": {
            "Order": {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": {"type": "string"},
                    "qty": {"type": "string"},
                    "legs": {"type": "array", "items": {"$ref": "#/components/schemas/Order"}},
                },
            }
        },
    },
}  # fmt: skip


URL = {"path": ["v1", "x"], "query": [{"key": "a"}]}  # as Postman writes one


def changed(path: str, value: object) -> dict[str, Any]:
    """The document with one place set; None takes it away."""
    document = copy.deepcopy(OPENAPI)
    node: Any = document
    *way, last = path.split("|")
    for part in way:
        node = node[part]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return document


def test_an_operation_is_read_with_its_parameters_body_and_answers() -> None:
    found = operations(OPENAPI)
    assert found.keys() == {"GET /orders", "DELETE /orders"}
    assert found["GET /orders"] == {
        "header account": "string, required",
        "query status": "string, one of all open",
        "answer 200": "object",
        "answer 200.id": "string, required",
        "answer 200.qty": "string",
        "answer 200.legs": "array",
        "answer 200.legs[]": "as Order",
    }


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("paths|/orders|get|description", "Other prose.", None),
        (
            "components|schemas|Order|properties|qty",
            {"type": "number"},
            Change(changed={"answer 200.qty": ("string", "number")}),
        ),
        (
            "components|schemas|Order|properties|fee",
            {"type": "string"},
            Change(added={"answer 200.fee": "string"}),
        ),
        ("components|schemas|Order|properties|qty", None, Change(removed={"answer 200.qty": "string"})),
        (
            "components|schemas|Order|required",
            ["id", "qty"],
            Change(changed={"answer 200.qty": ("string", "string, required")}),
        ),
    ],
)
def test_a_change_is_told_where_it_is(path: str, value: object, expected: Change | None) -> None:
    drift = compare(operations(OPENAPI), operations(changed(path, value)))
    assert drift.changed == ({} if expected is None else {"GET /orders": expected})
    assert drift.is_none is (expected is None)


def test_operations_that_came_and_went_are_named() -> None:
    newer = changed("paths|/orders|delete", None)
    newer["paths"]["/orders/{id}"] = {"patch": {"responses": {}}}
    drift = compare(operations(OPENAPI), operations(newer), file="spec.json")
    assert list(told(drift)) == [
        "spec.json: 1 added, 1 removed, 0 changed",
        "  + PATCH /orders/{id}",
        "  - DELETE /orders",
    ]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {"swagger": "2.0", "paths": {"/a": {"get": {"responses": {"200": {"schema": {"type": "object"}}}}}}},
            {"GET /a": {"answer 200": "object"}},
        ),
        ({"/a": {"post": {"responses": {}}}}, {"POST /a": {}}),
        (
            {
                "asyncapi": "3.0.0",
                "channels": {"spot": {"messages": {"ping": {"payload": {"properties": {"id": {"type": "integer"}}}}}}},
            },
            {"spot ping": {"all of it": "object", "id": "integer"}},
        ),
        (
            {
                "asyncapi": "2.6.0",
                "channels": {"book": {"publish": {"message": {"oneOf": [{"$ref": "#/m/Sub"}]}}}},
                "m": {"Sub": {"payload": {"type": "object"}}},
            },
            {"book publish Sub": {"all of it": "object"}},
        ),
        (
            {"info": {}, "item": [{"item": [{"request": {"method": "GET", "url": URL}}]}]},
            {"GET /v1/x": {"query a": "sent"}},
        ),
        (
            {"endpoints": [{"method": "GET", "path": "/v2/a", "query_params": ["x"]}], "models": {"M": {"f": "str"}}},
            {"GET /v2/a": {"query_params[x]": "listed"}, "model M": {"f": '"str"'}},
        ),
        ({"$schema": "s", "properties": {"a": {"type": "string"}}}, {"schema d": {"all of it": "object", "a": "string"}}),
        ([{"p": 1}], {"sample d": {"[0].p": "1"}}),
    ],
)  # fmt: skip
def test_every_kind_of_specification_is_read(document: object, expected: object) -> None:
    assert operations(document, name="d") == expected


def test_a_protobuf_schema_is_read_by_message(tmp_path: Path) -> None:
    file = tmp_path / "feed.proto"
    file.write_text(
        "message Quote { // bid first\n double bid = 1;\n repeated Level asks = 2;\n}\nenum Kind { LIVE = 0; }\n"
    )
    assert read(file) == {
        "message Quote": {"bid": "double = 1", "asks": "repeated Level = 2"},
        "message Kind": {"LIVE": "value = 0"},
    }


def folders(tmp_path: Path, newer: dict[str, Any], *, name: str = "api-1.3.json") -> tuple[Path, Path]:
    ours, theirs = tmp_path / "ours", tmp_path / "newer"
    for folder, file, document in ((ours, "api-1.2.json", OPENAPI), (theirs, name, newer)):
        folder.mkdir()
        (folder / file).write_text(json.dumps(document), "utf-8")
    return ours, theirs


def test_a_folder_that_says_the_same_is_no_drift(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours, newer = folders(tmp_path, changed("paths|/orders|get|description", "Other."))
    assert main([str(newer), "--ours", str(ours)]) == 0
    assert capsys.readouterr().out == "1 files compared, 0 different\n"


def test_a_drift_is_told_and_ends_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours, newer = folders(tmp_path, changed("components|schemas|Order|properties|qty", {"type": "number"}))
    assert main([str(newer), "--ours", str(ours)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "api-1.2.json: 0 added, 0 removed, 1 changed",
        "  ~ GET /orders",
        "      ~ answer 200.qty: string -> number",
        "1 files compared, 1 different",
    ]


def test_files_on_one_side_and_broken_ones_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours, newer = folders(tmp_path, OPENAPI)
    (newer / "other.json").write_text("{}")
    (newer / "api-1.3.json").write_text("{")
    assert main([str(newer), "--ours", str(ours)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "api-1.3.json: Expecting property name" in lines[0]
    assert lines[1] == "other.json: not among ours: a new file"


def test_no_folder_is_a_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "none"), "--ours", str(tmp_path)])
    assert ended.value.code == 2


@pytest.mark.skipif("FLOORBROKER_CONTRACTS" not in os.environ, reason="FLOORBROKER_CONTRACTS is not set")
def test_every_specification_we_build_against_is_read_as_one() -> None:
    folder = Path(os.environ["FLOORBROKER_CONTRACTS"])
    trading = {
        "alpaca/trading-api.openapi.json": "POST /v2/orders",
        "bybit/v5-trade.openapi.yaml": "POST /v5/order/create",
        "binance/spot.postman.json": "POST /api/v3/order",
        "oanda/v20.openapi2.json": "POST /accounts/{accountID}/orders",
        "kraken/spot-rest.thirdparty.openapi.yaml": "POST /0/private/AddOrder",
        "upstox/MarketDataFeedV3.proto": "message LTPC",
    }
    found = {file: read(folder / file) for file in trading}
    assert {file: bool(found[file].get(operation)) for file, operation in trading.items()} == dict.fromkeys(
        trading, True
    )
