"""JSON as a tree that keeps what JSON allows and Python does not: repeated names, raw numbers, tokens that are no JSON."""

from __future__ import annotations

import json
from typing import Any

_quoted = json.encoder.encode_basestring_ascii


class Raw(str):
    """A token written as it is: a number with its digits, or something no parser should like."""

    __slots__ = ()


class Members(list[list[Any]]):
    """An object as `[name, value]` pairs, in order, repeats included."""


def parsed(text: bytes) -> Any:
    """The tree of a JSON document.  Raises `ValueError` for what is none, `RecursionError` for what is nested too deep."""
    return json.loads(text, parse_int=Raw, parse_float=Raw, parse_constant=Raw, object_pairs_hook=_members)


def _members(pairs: list[tuple[str, Any]]) -> Members:
    return Members([list(pair) for pair in pairs])


def children(node: Any) -> list[Any]:
    """The values inside a list or an object; a scalar has none."""
    if isinstance(node, Members):
        return [value for _, value in node]
    return node if isinstance(node, list) else []


def written(tree: Any) -> bytes:
    """The tree as bytes, lone surrogates as escapes."""
    out: list[str] = []
    _write(tree, out)
    return "".join(out).encode("utf-8", "surrogatepass")


def _write(node: Any, out: list[str]) -> None:
    match node:
        case Raw():
            out.append(node)
        case Members():
            out.append("{")
            for index, (name, value) in enumerate(node):
                out.append(f"{',' if index else ''}{_quoted(name)}:")
                _write(value, out)
            out.append("}")
        case list():
            out.append("[")
            for index, value in enumerate(node):
                if index:
                    out.append(",")
                _write(value, out)
            out.append("]")
        case str():
            out.append(_quoted(node))
        case _:
            out.append(json.dumps(node))


def slots(tree: Any) -> list[tuple[Any, int]]:
    """Every place a value stands in: (list, index) or (object, index of its pair)."""
    found: list[tuple[Any, int]] = []
    queue = [tree]
    while queue:
        node = queue.pop()
        if isinstance(node, list):
            found += [(node, index) for index in range(len(node))]
            queue += children(node)
    return found


def value_at(slot: tuple[Any, int]) -> Any:
    """What stands in a place."""
    node, index = slot
    return node[index][1] if isinstance(node, Members) else node[index]


def put(slot: tuple[Any, int], value: Any) -> None:
    """Another value in a place."""
    node, index = slot
    if isinstance(node, Members):
        node[index] = [node[index][0], value]
    else:
        node[index] = value
