"""The reference for people: the OpenAPI document and the error codes as plain pages, without scripts."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from floorbroker.api.problems import STATUS
from floorbroker.domain.errors import error_codes

_PAGES = Environment(loader=PackageLoader("floorbroker.api", "templates"), autoescape=True, undefined=StrictUndefined)


def reference_page(document: Mapping[str, Any]) -> str:
    """Every operation, by tag in the document's order."""
    by_tag: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            by_tag[operation["tags"][0]].append({"method": method.upper(), "path": path, **operation})
    return _PAGES.get_template("reference.html").render(document=document, by_tag=by_tag)


def error_page(code: str) -> str | None:
    """What a code means and what is known about an order then; None for a code we do not have."""
    classes = error_codes().get(code)
    if classes is None:
        return None
    meanings = [(cls.__name__, inspect.cleandoc(cls.__doc__ or ""), cls.default_outcome.value) for cls in classes]
    return _PAGES.get_template("error.html").render(code=code, status=STATUS[code], meanings=meanings)
