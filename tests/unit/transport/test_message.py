"""Requests as bytes: what is written, and what is refused before a byte could leave."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.errors import InvalidRequest
from floorbroker.transport.message import encode_request, parse_origin, wire_target
from floorbroker.transport.types import Request

ORDER = Request(
    method="POST",
    origin="https://paper-api.venue.example",
    path="/v2/orders",
    endpoint="orders.submit",
    headers={"Accept": "application/json"},
    body=b'{"qty":"1"}',
)


def test_a_request_is_its_line_its_headers_and_its_body() -> None:
    assert encode_request(ORDER) == (
        b"POST /v2/orders HTTP/1.1\r\nHost: paper-api.venue.example\r\nAccept: application/json\r\n"
        b'Content-Length: 11\r\n\r\n{"qty":"1"}'
    )


def test_an_empty_post_says_its_length_and_an_empty_delete_has_none() -> None:
    assert b"Content-Length: 0\r\n" in encode_request(replace(ORDER, body=b""))
    assert b"Content-Length" not in encode_request(replace(ORDER, method="DELETE", body=b""))


def test_query_values_are_encoded_in_the_order_given() -> None:
    request = replace(ORDER, query=(("symbols", "BTC/USD,AAPL"), ("after", "2026-11-20T14:30:00Z"), ("a", "x y&z")))
    assert wire_target(request) == "/v2/orders?symbols=BTC%2FUSD%2CAAPL&after=2026-11-20T14%3A30%3A00Z&a=x%20y%26z"


@pytest.mark.parametrize(
    "value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b", "a\r\n\r\nGET / HTTP/1.1", "ü", "a\x7fb", "\r\n"]
)
def test_a_header_value_cannot_add_a_line(value: str) -> None:
    with pytest.raises(InvalidRequest):
        encode_request(replace(ORDER, headers={"X-Tag": value}))


@pytest.mark.parametrize(
    "name", ["X Tag", "X:Tag", "X\r\nTag", "", "Host", "content-length", "Transfer-Encoding", "Expect"]
)
def test_a_header_name_is_a_token_and_not_one_of_ours(name: str) -> None:
    with pytest.raises(InvalidRequest):
        encode_request(replace(ORDER, headers={name: "1"}))


@pytest.mark.parametrize("path", ["/a b", "/a\r\nX: 1", "v2/orders", "", "/a#b", "/ü", "/a\x00", "http://other/"])
def test_a_path_that_would_split_the_request_line_is_refused(path: str) -> None:
    with pytest.raises(InvalidRequest):
        encode_request(replace(ORDER, path=path))


@pytest.mark.parametrize("method", ["HEAD", "CONNECT", "post", "POST /x HTTP/1.1\r\nA: b\r\n\r\nGET", ""])
def test_only_the_methods_of_commands_are_sent(method: str) -> None:
    with pytest.raises(InvalidRequest):
        encode_request(replace(ORDER, method=method))


@pytest.mark.parametrize(
    "origin",
    [
        "ftp://a",
        "https://",
        "https://a/",
        "https://a/x",
        "https://a:b",
        "https://u:p@a",
        "a.example",
        "https://a b",
        "",
    ],
)
def test_an_origin_has_a_scheme_a_host_and_perhaps_a_port(origin: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_origin(origin)


def test_a_port_is_taken_from_the_origin_or_from_the_scheme() -> None:
    assert parse_origin("https://a.example")[:3] == (True, "a.example", 443)
    assert parse_origin("http://127.0.0.1:8080")[:3] == (False, "127.0.0.1", 8080)
    assert parse_origin("http://[::1]:9")[1:3] == ("::1", 9)


@given(name=st.text(max_size=12), value=st.text(max_size=40), path=st.text(max_size=20))
def test_no_text_ever_adds_a_line_to_the_head(name: str, value: str, path: str) -> None:
    try:
        data = encode_request(replace(ORDER, path="/" + path, headers={name: value}))
    except InvalidRequest:
        return
    head, _, body = data.partition(b"\r\n\r\n")
    assert body == ORDER.body
    assert len(head.split(b"\r\n")) == len(head.splitlines()) == 4
    assert head.split(b"\r\n")[0].count(b" ") == 2
