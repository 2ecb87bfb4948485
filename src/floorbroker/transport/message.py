"""A `Request` as the bytes of HTTP/1.1 (RFC 9112): one place for the target, the head, and what may not stand in them.

Signers call `wire_target` as well, so what is signed is what is sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from floorbroker.domain.errors import InvalidRequest
from floorbroker.transport.types import Request

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_TARGET = re.compile(r"/[!-\"$-~]*")  # visible ASCII without "#": no space or line end can split the request line
_HEAD = re.compile(r"(?:[\t -~]*\r\n)+")
_VALUE = re.compile(r"[\t -~]*")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HOST = re.compile(r"[0-9A-Za-z._-]+|[0-9A-Fa-f:.]+")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect"})
_DEFAULT_PORT = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Where a request goes; `authority` is what the Host header says."""

    secure: bool
    host: str
    port: int
    authority: str


@lru_cache(maxsize=256)
def parse_origin(origin: str) -> Origin:
    """`https://api.venue.example[:port]`, nothing behind it; raises `InvalidRequest`."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        raise InvalidRequest(f"{origin!r} is not an origin") from None
    host, scheme = parts.hostname, parts.scheme
    if scheme not in _DEFAULT_PORT or not host or not _HOST.fullmatch(host) or origin != f"{scheme}://{parts.netloc}":
        raise InvalidRequest(f"{origin!r} is not an origin: scheme, host and port are wanted, and nothing else")
    if "@" in parts.netloc:
        raise InvalidRequest("an origin carries no user name")
    return Origin(scheme == "https", host, port or _DEFAULT_PORT[scheme], parts.netloc)


def wire_target(request: Request) -> str:
    """Path and query as they cross the wire; `path` is taken as it is, query values are percent-encoded."""
    if not request.query:
        return request.path
    return f"{request.path}?{'&'.join(f'{_quoted(name)}={_quoted(value)}' for name, value in request.query)}"


@lru_cache(maxsize=1024)
def _quoted(text: str) -> str:
    return quote(text, safe="")


def checked_target(request: Request) -> str:
    """`wire_target`, refused when it could be read as anything but a target."""
    target = wire_target(request)
    if not _TARGET.fullmatch(target):
        raise InvalidRequest(f"{request.endpoint}: the path holds a character that may not stand in a request line")
    return target


@lru_cache(maxsize=256)
def check_header_name(name: str) -> None:
    """Raises `InvalidRequest` for what is no token, and for the headers that only the shell may write."""
    if not _NAME.fullmatch(name):
        raise InvalidRequest("a header name is not a token")
    if name.lower() in _OURS:
        raise InvalidRequest(f"the header {name} is written by the transport")


def check_headers(headers: Mapping[str, str]) -> None:
    """For shells whose library writes the head: raises `InvalidRequest` for what `encode_request` would refuse."""
    for name, value in headers.items():
        check_header_name(name)
        if not _VALUE.fullmatch(value):
            raise InvalidRequest(f"the value of the header {name} holds a line end or an unprintable character")


def encode_request(request: Request) -> bytes:
    """The whole request, ready for one write; raises `InvalidRequest` before anything is sent.

    The head is checked as a whole: printable ASCII and exactly the line ends we put there, so no value can add a line.
    """
    if request.method not in _METHODS:
        raise InvalidRequest(f"{request.endpoint}: this client does not send that method")
    lines = [
        f"{request.method} {checked_target(request)} HTTP/1.1\r\nHost: {parse_origin(request.origin).authority}\r\n"
    ]
    for name, value in request.headers.items():
        check_header_name(name)
        lines.append(f"{name}: {value}\r\n")
    if request.body or request.method in _WITH_BODY:
        lines.append(f"Content-Length: {len(request.body)}\r\n")
    lines.append("\r\n")
    head = "".join(lines)
    if head.count("\n") != len(lines) + 1 or not _HEAD.fullmatch(head):
        raise InvalidRequest(f"{request.endpoint}: a header value holds a line end or an unprintable character")
    return head.encode("ascii") + request.body
