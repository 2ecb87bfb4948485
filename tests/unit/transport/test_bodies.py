"""What is shown of a body: listed fields, and nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.transport.bodies import NO_FIELDS, PARSED_MAX, BodyFields

FIELDS = BodyFields(
    allowed=frozenset({"id", "qty", "legs", "order", "message"}), elsewhere={"account.get": frozenset({"status"})}
)


def shown(body: bytes, *, endpoint: str = "orders.submit", longest: int = 1_000) -> str:
    return FIELDS.shown(body, endpoint=endpoint, longest=longest)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", ""),
        (b'{"id":"1","qty":"2.50","price":"9"}', '{"id":"1","qty":"2.50","price":"…"}'),
        (b' {"legs": [{"id": 1, "x": 2}, {"id": null}]}\n', '{"legs":[{"id":1,"x":"…"},{"id":null}]}'),
        (b'[{"id":"1"},{"secret":"s"}]', '[{"id":"1"},{"secret":"…"}]'),
        (b'{"order":{"id":"1","owner":{"id":"2"}}}', '{"order":{"id":"1","owner":"…"}}'),
        (b'{"message":"caf\xc3\xa9 \\u202e"}', '{"message":"caf\u00e9 \\u202e"}'),
        (b'{"what somebody wrote":"x"}', '{"…":"…"}'),
        (b'"a bare text"', '"…"'),
        (b"17", '"…"'),
        (b"null", '"…"'),
        (b"id=1&qty=2&key=s3cret&a+b=1", "id=1&qty=2&key=…&…=…"),
        (b"<html>no", "… (8 bytes)"),
        (b'{"id":"1"', "… (9 bytes)"),
        (b"\xff\xfe\x00", "… (3 bytes)"),
        (b"[" * 5_000, "… (5000 bytes)"),
    ],
)
def test_a_body_is_shown_by_its_listed_fields(body: bytes, text: str) -> None:
    assert shown(body) == text


def test_an_endpoint_may_have_a_list_of_its_own() -> None:
    body = b'{"id":"an account","status":"ACTIVE"}'
    assert shown(body, endpoint="account.get") == '{"id":"…","status":"ACTIVE"}'


def test_a_long_list_ends_early_and_a_giant_body_is_a_size() -> None:
    text = shown(b"[" + b",".join([b'{"id":"12345678"}'] * 1_000) + b"]", longest=200)
    assert len(text) < 250
    assert text.endswith(',"…"]')
    assert shown(b'{"id":"' + b"x" * PARSED_MAX + b'"}') == f"… ({PARSED_MAX + 9} bytes)"


def test_deep_nesting_ends_in_nothing_shown() -> None:
    assert "deepest" not in shown(b'{"order":' * 30 + b'{"id":"deepest"}' + b"}" * 30)


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_without_a_list_no_value_is_shown(value: object) -> None:
    canary = "c4n4ry-value"
    body = json.dumps({"a": canary, "b": value, canary + " x": [canary]}).encode()
    text = NO_FIELDS.shown(body, endpoint="x", longest=10_000)
    assert canary not in text
    json.loads(text)
