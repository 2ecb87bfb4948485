"""What every reply carries, errors included (RELIABILITY 12)."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
SECURITY_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "x-frame-options": "DENY",
}
HSTS = "max-age=31536000; includeSubDomains"


_HEADERS = tuple((name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items())
_NO_STORE = (b"cache-control", b"no-store")


def stamp(headers: MutableHeaders, request_id: str, *, tls: bool) -> None:
    """Put the security headers and the request id on a reply; what the reply set for itself stays."""
    raw = headers.raw
    named = {name for name, _ in raw}
    raw.extend(pair for pair in _HEADERS if pair[0] not in named)
    headers["x-request-id"] = request_id
    if b"cache-control" not in named:
        raw.append(_NO_STORE)
    elif headers.get("content-type", "").startswith("text/event-stream"):
        headers["cache-control"] = "no-store"
    if tls:
        headers["strict-transport-security"] = HSTS
