"""The OpenAPI document: what FastAPI knows of the routes, completed with our shapes, problems and security.

Routes say what they return with `returns` and what they read with `reads`; the shapes come from the structs and models
themselves, so the document cannot drift from the code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import compile_path

from floorbroker.api.deprecation import Deprecations
from floorbroker.api.outgoing import OutgoingView
from floorbroker.api.problems import MEDIA_TYPE, STATUS, Problem
from floorbroker.api.views.shape import View

REF = "#/components/schemas/"
TAGS = {
    "System": "Health, metrics and this document.",
    "Auth": "Who you are at this door, users, sessions and tokens.",
    "Brokers": "What each broker can do.",
    "Profiles": "Accounts at brokers, and where their sessions stand.",
    "Accounts": "Cash, equity and buying power.",
    "Orders": "Placing, watching, changing and cancelling orders.",
    "Fills": "Executions.",
    "Positions": "What is held.",
    "Market data": "Quotes, bars and market hours.",
    "Risk": "Exposure.",
    "Kill switch": "Stopping everything.",
    "Routing": "Which profile an order goes to that names none.",
    "Strategies": "Bots: strategies that trade.",
    "Decisions": "What strategies decided, and why.",
    "Research": "Reports of sectors, outliers, rankings and allocations.",
    "Backtests": "Strategies over recorded prices, and the long work that they are.",
    "Vault": "The sealed file of credentials.",
    "Live": "Arming live trading for a while.",
    "Webhooks": "Signals that come in and become orders; events that go out.",
    "Notifications": "People who are told.",
    "Events": "Facts as they become durable, as server-sent events.",
    "Audit": "Who did what.",
}
TITLES = {
    400: "Syntax: the request cannot be read.",
    401: "No token, or a wrong one.",
    403: "Not for this caller: scope, environment, or a proof that is too old; another site; a host name that is not ours.",
    404: "No such environment, profile, order, or symbol.",
    405: "The path has no such method.",
    408: "The body did not arrive in time.",
    409: "It contradicts what is already stored.",
    412: "The order is no longer the version that If-Match names.",
    413: "The body is larger than 256 KiB.",
    415: "The body is not application/json.",
    422: "Not valid, or refused: by a pre-trade control, or by the venue (`outcome` is `refused`).",
    423: "The kill switch is on, or live trading is not armed.",
    429: "Too many requests.",
    431: "The headers are larger than 16 KiB.",
    500: "A bug in us.",
    502: "The venue or the way to it broke; `outcome` says what is known.",
    503: "Not ready.",
    504: "The venue did not answer a read.",
}
OPEN = frozenset({"/healthz", "/readyz", "/api/v1/auth/login", "/api/v1/hooks/{id}"})  # for strangers too
ALWAYS = (401, 403, 404, 422, 429, 431, 500)
WITH_BODY = (400, 408, 413, 415)
VENUE = (502, 503, 504)
ACTING = (409, 423)


_GOING = {"Deprecation": "Since when, as @ and seconds (RFC 9745).", "Sunset": "When it may be gone (RFC 8594)."}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": REF + name}


def name_of(view: type) -> str:
    """The public name of a shape: an `OrderView` is an Order, an `OrderSchema` an OrderRequest."""
    return re.sub("Schema$", "Request", view.__name__).removesuffix("View")


def returns(
    view: type, description: str, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> dict[int | str, Any]:
    """The reply of a route, for `responses=`."""
    told = {"description": description, "content": {"application/json": {"schema": _ref(name_of(view))}}}
    return {status: told | _headers(headers)}


def returns_either(views: tuple[type, ...], description: str) -> dict[int | str, Any]:
    """The reply of a route whose parameters decide which of several shapes it has."""
    schema = {"anyOf": [_ref(name_of(view)) for view in views]}
    return {200: {"description": description, "content": {"application/json": {"schema": schema}}}}


def returns_list(view: type, description: str, beside: Mapping[str, Any] | None = None) -> dict[int | str, Any]:
    """A page of a list, as JSON or CSV; `beside` are schemas of members that may stand next to the items."""
    schema = {
        "type": "object",
        "required": ["items", "next_cursor"],
        "properties": {
            "items": {"type": "array", "items": _ref(name_of(view))},
            "next_cursor": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            **(beside or {}),
        },
    }
    content = {"application/json": {"schema": schema}, "text/csv": {"schema": {"type": "string"}}}
    link = {"Link": 'The next page, as rel="next"; absent on the last.'}
    return {200: {"description": description, "content": content} | _headers(link)}


def streams(description: str) -> dict[int | str, Any]:
    """A stream of server-sent events."""
    reply: dict[int | str, Any] = {200: {"description": description, "content": {"text/event-stream": {}}}}
    return reply


def _headers(told: Mapping[str, str] | None) -> dict[str, Any]:
    return {"headers": {n: {"description": d, "schema": {"type": "string"}} for n, d in (told or {}).items()}}


def problems(*more: int) -> dict[int | str, Any]:
    """The problems a route may answer with, beside those every route may."""
    return {
        status: {"description": TITLES[status], "content": {MEDIA_TYPE: {"schema": _ref("Problem")}}}
        for status in sorted({*ALWAYS, *more})
    }


def reads(model: type[BaseModel]) -> dict[str, Any]:
    """The body of a route, for `openapi_extra=`."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": _ref(name_of(model))}}}}


def document(app: FastAPI, *, models: tuple[type[BaseModel], ...], deprecated: Deprecations) -> dict[str, Any]:
    """The whole document."""
    made = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=[{"name": name, "description": told} for name, told in TAGS.items()],
    )
    found = cast("dict[str, Any]", made.setdefault("components", {}).setdefault("schemas", {}))
    for stale in ("HTTPValidationError", "ValidationError"):
        found.pop(stale, None)
    found.update(_struct_schemas())
    found.update(_model_schemas(models))
    found["Problem"]["properties"]["code"] = {"type": "string", "enum": sorted(STATUS)}
    made["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token, or the operator's from `setup-token`."}
    }
    for path, operations in made["paths"].items():
        for operation in operations.values():
            _drop_default(operation["responses"])
            operation["security"] = [] if path in OPEN else [{"token": []}]
            if operation["operationId"] in deprecated:
                _deprecate(operation)
    return made


def _deprecate(operation: dict[str, Any]) -> None:
    operation["deprecated"] = True
    for answer in operation["responses"].values():
        answer["headers"] = {**answer.get("headers", {}), **_headers(_GOING)["headers"]}


def _drop_default(responses: dict[str, Any]) -> None:
    """The 200 that the framework adds of its own beside the answer that a route has."""
    plain = responses.get("200", {}).get("content", {}).get("application/json", {}).get("schema")
    if plain == {} and any(status.startswith("2") and status != "200" for status in responses):
        del responses["200"]


def _struct_schemas() -> dict[str, Any]:
    told = dict.fromkeys((*_below(View), OutgoingView))  # that one is what a receiver of webhooks reads, and no route's
    structs = [cls for cls in told if cls.__struct_fields__]
    _, found = msgspec.json.schema_components([*structs, Problem], ref_template=REF + "{name}")
    text = re.sub(r'"(#/components/schemas/)?(\w+)View"', r'"\1\2"', json.dumps(found))
    return json.loads(text)


def _below(cls: type[View]) -> list[type[View]]:
    return [found for sub in cls.__subclasses__() for found in (sub, *_below(sub))]


def _model_schemas(models: tuple[type[BaseModel], ...]) -> dict[str, Any]:
    _, made = models_json_schema([(m, "validation") for m in models], ref_template=REF + "{model}")
    text = re.sub(r'"(#/components/schemas/)?(\w+)Schema"', r'"\1\2Request"', json.dumps(made["$defs"]))
    return json.loads(text)


def methods_at(document: Mapping[str, Any], path: str) -> list[str]:
    """The documented methods of the most literal path template that matches."""
    found = [template for template in document["paths"] if compile_path(template)[0].match(path)]
    best = min(found, key=lambda template: template.count("{"), default=None)
    return [] if best is None else sorted(method.upper() for method in document["paths"][best])
