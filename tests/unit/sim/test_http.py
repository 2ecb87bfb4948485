"""Requests as handlers see them."""

from __future__ import annotations

from typing import Any

from floorbroker_sim.http import request_of


def test_the_query_is_kept_as_it_was_sent() -> None:
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/x",
        "query_string": b"b=%C3%A9&a=1+2&signature=ab%2B",
    }
    request = request_of(scope)
    assert request.raw_query == "b=%C3%A9&a=1+2&signature=ab%2B"
    assert request.query == {"b": "é", "a": "1 2", "signature": "ab+"}
