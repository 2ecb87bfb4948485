"""A specification as its operations, each as lines: OpenAPI, AsyncAPI, Postman, JSON Schema, protobuf and plain samples."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from tests.contracts.shapes import Lines, Shapes

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_LOADER = cast("type[yaml.SafeLoader]", getattr(yaml, "CSafeLoader", yaml.SafeLoader))
_MESSAGE = re.compile(r"\b(?:message|enum)\s+(\w+)\s*\{([^{}]*)\}")
_FIELD = re.compile(r"^\s*(?:(.+?)\s+)?(\w+)\s*=\s*(\d+)\s*;", re.MULTILINE)

Operations = dict[str, Lines]


def read(path: Path) -> Operations:
    """The operations of one file.  Raises `ValueError` for what cannot be read."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".proto":
        return _of_proto(text)
    try:
        document = yaml.load(text, Loader=_LOADER) if path.suffix in {".yaml", ".yml"} else json.loads(text)  # noqa: S506
    except (yaml.YAMLError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: {str(error).splitlines()[0]}") from error
    return operations(document, name=path.stem)


def operations(document: Any, *, name: str = "document") -> Operations:
    """The operations of a parsed document, by whatever kind it is; one that is no specification is a sample."""
    if isinstance(document, dict):
        found = cast("dict[str, Any]", document)
        if "asyncapi" in found:
            return dict(_of_async(found))
        if "paths" in found or (found and all(str(key).startswith("/") for key in found)):
            return dict(_of_paths(found if "paths" in found else {"paths": found}))
        if "endpoints" in found:
            return dict(_of_derived(found))
        if "item" in found and "info" in found:
            return dict(_of_postman(found["item"]))
        if "$schema" in found or "$defs" in found:
            return {f"schema {name}": {_at("", place): text for place, text in Shapes(found).lines(found).items()}}
    return {f"sample {name}": dict(_of_sample(document, ""))}


# -- OpenAPI 2 and 3 ------------------------------------------------------------------------------------------------------


def _of_paths(document: Mapping[str, Any]) -> Iterator[tuple[str, Lines]]:
    shapes = Shapes(document)
    for path, item in document["paths"].items():
        shared = shapes.resolve(item)
        for method in METHODS:
            if isinstance(operation := shared.get(method), dict):
                given = [*shared.get("parameters", ()), *operation.get("parameters", ())]
                lines = dict(_parameters(shapes, given)) | dict(_bodies(shapes, operation))
                yield f"{method.upper()} {path}", lines | ({"": "deprecated"} if operation.get("deprecated") else {})


def _parameters(shapes: Shapes, given: list[Any]) -> Iterator[tuple[str, str]]:
    for asked in map(shapes.resolve, given):
        where, name = asked.get("in", "?"), asked.get("name", "?")
        must = ", required" if asked.get("required") else ""
        for place, text in shapes.lines(asked.get("schema") or asked).items():
            label = "body" if where == "body" else f"{where} {name}"
            yield f"{label}{place}", f"{text}{must if not place else ''}"


def _bodies(shapes: Shapes, operation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from _contents(shapes, "body", shapes.resolve(operation.get("requestBody") or {}))
    for status, answer in (operation.get("responses") or {}).items():
        found = shapes.resolve(answer)
        yield f"answer {status}", "answered"
        yield from _contents(shapes, f"answer {status}", found)
        if "schema" in found:  # version 2
            yield from ((f"answer {status}{place}", text) for place, text in shapes.lines(found["schema"]).items())


def _contents(shapes: Shapes, label: str, holder: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for kind, media in (holder.get("content") or {}).items():
        suffix = "" if kind.startswith("application/json") else f" {kind}"
        for place, text in shapes.lines(media.get("schema") or {}).items():
            yield f"{label}{suffix}{place}", text


# -- AsyncAPI 2 and 3 -----------------------------------------------------------------------------------------------------


def _of_async(document: Mapping[str, Any]) -> Iterator[tuple[str, Lines]]:
    """One operation a message: a channel may carry hundreds."""
    shapes = Shapes(document)
    for name, channel in (document.get("channels") or {}).items():
        found = shapes.resolve(channel)
        for label, message in _messages(shapes, found):
            payload = (shapes.resolve(message) or {}).get("payload") or {}
            yield f"{name} {label}", {_at("", place): text for place, text in shapes.lines(payload).items()}


def _messages(shapes: Shapes, channel: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from (channel.get("messages") or {}).items()
    for verb in ("publish", "subscribe"):
        for place, message in enumerate(_choices(shapes, (channel.get(verb) or {}).get("message")), start=1):
            named = message.get("$ref") or message.get("name") or f"message {place}"
            yield f"{verb} {str(named).rsplit('/', 1)[-1]}", message


def _choices(shapes: Shapes, message: Any) -> list[Any]:
    found = shapes.resolve(message)
    if not isinstance(found, dict):
        return []
    return list(found["oneOf"]) if "oneOf" in found else [message]


# -- the rest -------------------------------------------------------------------------------------------------------------


def _of_derived(document: Mapping[str, Any]) -> Iterator[tuple[str, Lines]]:
    """Endpoints and models read off a venue's client library."""
    for endpoint in document["endpoints"]:
        members = {key: value for key, value in endpoint.items() if key not in {"method", "path"}}
        yield f"{endpoint['method']} {endpoint['path']}", dict(_of_sample(members, ""))
    for name, model in dict(document.get("models") or {}).items():
        yield f"model {name}", dict(_of_sample(model, ""))


def _of_postman(items: list[Any]) -> Iterator[tuple[str, Lines]]:
    for item in items:
        if "item" in item:
            yield from _of_postman(item["item"])
        elif isinstance(request := item.get("request"), dict):
            url = request.get("url") or {}
            path = "/" + "/".join(map(str, url.get("path") or ())) if isinstance(url, dict) else str(url)
            yield f"{request.get('method', '?')} {path}", dict(_asked(request, url))


def _asked(request: Mapping[str, Any], url: Any) -> Iterator[tuple[str, str]]:
    for part in (url.get("query") or ()) if isinstance(url, dict) else ():
        yield f"query {part.get('key')}", "optional" if part.get("disabled") else "sent"
    body = request.get("body") or {}
    for part in body.get("urlencoded") or ():
        yield f"form {part.get('key')}", "optional" if part.get("disabled") else "sent"
    if raw := body.get("raw"):
        try:
            yield from _of_sample(json.loads(raw), "body")
        except json.JSONDecodeError:
            yield "body", "text"


def _of_proto(text: str) -> Operations:
    plain = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
    return {
        f"message {name}": {
            field: f"{(kind or 'value').strip()} = {number}" for kind, field, number in _FIELD.findall(body)
        }
        for name, body in _MESSAGE.findall(plain)
    }


def _of_sample(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _of_sample(inner, f"{place}.{name}")
    elif isinstance(value, list):
        if all(isinstance(inner, str) for inner in value):
            yield from ((_at("", f"{place}[{inner}]"), "listed") for inner in value)
        else:
            for number, inner in enumerate(value):
                yield from _of_sample(inner, f"{place}[{number}]")
    else:
        yield _at("", place), json.dumps(value, default=str)


def _at(label: str, place: str) -> str:
    return f"{label}{place}".removeprefix(".") or "all of it"
