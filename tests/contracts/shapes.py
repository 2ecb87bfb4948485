"""A schema as lines: where a member is, and what may stand there.  Prose, examples and order do not count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

DEPTH_MAX = 12
_PLAIN = (
    "format",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "const",
    "default",
)

Lines = dict[str, str]
"""What is said of each place: `body.legs[].side` -> `string, one of buy sell, required`."""


@dataclass(slots=True)
class Shapes:
    """Schemas of one document; references are followed inside it, each once on the way down."""

    document: Mapping[str, Any]
    _known: dict[str, Lines] = field(default_factory=dict[str, Lines])

    def resolve(self, node: Any) -> Any:
        """What a reference names; the node itself where it is none, or names nothing here."""
        seen: set[str] = set()
        while isinstance(node, dict) and isinstance(reference := node.get("$ref"), str) and reference not in seen:
            seen.add(reference)
            node = self._named(reference)
        return node

    def lines(self, schema: Any, *, way: tuple[str, ...] = ()) -> Lines:
        """A schema by its places; the schema itself is at the empty one."""
        if isinstance(schema, dict) and isinstance(reference := schema.get("$ref"), str):
            if reference in way or len(way) > DEPTH_MAX:
                return {"": f"as {reference.rsplit('/', 1)[-1]}"}
            if reference not in self._known:
                self._known[reference] = self.lines(self._named(reference), way=(*way, reference))
            return self._known[reference]
        if not isinstance(schema, dict):
            return {"": str(schema)}
        return dict(self._of(schema, way))

    def _of(self, schema: Mapping[str, Any], way: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        yield "", said(schema)
        required = schema.get("required")
        names: set[str] = {str(n) for n in required} if isinstance(required, list) else set()
        for name, inner in dict(schema.get("properties") or {}).items():
            for place, text in self.lines(inner, way=way).items():
                must = ", required" if not place and name in names else ""
                yield f".{name}{place}", f"{text}{must}"
        for key, mark in (("items", "[]"), ("additionalProperties", ".*")):
            if isinstance(inner := schema.get(key), dict) and inner:
                for place, text in self.lines(inner, way=way).items():
                    yield f"{mark}{place}", text
        for key in ("allOf", "oneOf", "anyOf"):
            yield from self._composed(schema, key, way)

    def _composed(self, schema: Mapping[str, Any], key: str, way: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        for number, inner in enumerate(schema.get(key) or (), start=1):
            mark = "" if key == "allOf" else f"|{number}"
            for place, text in self.lines(inner, way=way).items():
                if place or key != "allOf":
                    yield f"{mark}{place}", text

    def _named(self, reference: str) -> Any:
        node: Any = self.document
        for part in reference.removeprefix("#/").split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, dict) or name not in node:
                return {"type": f"unresolved {reference}"}
            node = node[name]
        return node


def said(schema: Mapping[str, Any]) -> str:
    """What one schema says of its own place."""
    kind = schema.get("type") or ("object" if "properties" in schema else "any")
    words = [" or ".join(sorted(map(str, kind))) if isinstance(kind, list) else str(kind)]
    words += [f"{key} {schema[key]}" for key in _PLAIN if key in schema]
    if isinstance(schema.get("enum"), list):
        words.append("one of " + " ".join(sorted(map(str, schema["enum"]))))
    words += [word for word in ("nullable", "deprecated") if schema.get(word)]
    return ", ".join(words)
