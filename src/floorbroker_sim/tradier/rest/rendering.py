"""The one document behind JSON and XML, and the shapes a list takes on its way into JSON.

The venue's replies are XML turned into JSON: a list of one is the object alone, and a list of none is the text "null", or null.
https://documentation.tradier.com/brokerage-api/reference/response
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, cast
from xml.sax.saxutils import escape

import msgspec

from floorbroker_sim.http import Reply, Request

Body = dict[str, Any]
NoneShape = Literal["text", "null", "inner"]
OneShape = Literal["object", "array"]
_JSON = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """How lists look in JSON.  An empty wrapper is the text "null", null, or an object whose list is null; None: as the
    documents show it, "null" below /accounts and null below /markets.  A list of one is an object, or an array all the same.
    """

    none: NoneShape | None = None
    one: OneShape = "object"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A wrapper's list: `{"orders":{"order":…}}` is `Listed(name="order", items=…)` under `orders`.

    `beside` are members of the wrapper that stand next to the list; with one of them the wrapper is never empty.
    """

    name: str
    items: Sequence[object]
    beside: Mapping[str, object] | None = None


def render(body: Body, request: Request, shapes: Shapes, *, status: int = 200) -> Reply:
    """JSON where `Accept` asks for it, XML by default."""
    if "json" in request.headers.get("accept", "").lower():
        none = shapes.none or ("null" if request.path.startswith("/v1/markets/") else "text")
        shaped = {name: _shaped(value, none, shapes.one) for name, value in body.items()}
        return Reply(status=status, body=_JSON.encode(shaped), content_type="application/json")
    text = '<?xml version="1.0" encoding="UTF-8"?>' + "".join(_element(name, value) for name, value in body.items())
    return Reply(status=status, body=text.encode(), content_type="application/xml")


def _shaped(value: object, none: NoneShape, one: OneShape) -> object:
    if isinstance(value, Listed):
        beside = {name: _shaped(part, none, one) for name, part in (value.beside or {}).items()}
        items = [_shaped(item, none, one) for item in value.items]
        if items:
            return {value.name: items[0] if len(items) == 1 and one == "object" else items, **beside}
        if beside or none == "inner":
            return {**beside} if beside else {value.name: None}
        return "null" if none == "text" else None
    if isinstance(value, dict):
        return {name: _shaped(part, none, one) for name, part in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_shaped(part, none, one) for part in cast("list[object]", value)]
    return value


def _element(name: str, value: object) -> str:
    if isinstance(value, list):
        return "".join(_element(name, part) for part in cast("list[object]", value))
    if isinstance(value, Listed):
        inner = "".join(_element(value.name, item) for item in value.items)
        inner += "".join(_element(beside, part) for beside, part in (value.beside or {}).items())
    elif isinstance(value, dict):
        inner = "".join(_element(part, inside) for part, inside in cast("dict[str, object]", value).items())
    else:
        inner = "" if value is None else escape(_plain(value))
    return f"<{name}>{inner}</{name}>"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
