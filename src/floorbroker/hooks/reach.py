"""Where events may be sent: the public internet, and what the configuration allows beside it (RELIABILITY 12).

Who may add a webhook could otherwise make the desk ask its own machine, its network, or its cloud's metadata.  What is looked
at is where a name leads, and the address that was looked at is the one that is connected to.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from floorbroker.domain.errors import FieldError, Forbidden, InvalidRequest
from floorbroker.transport.reach import Address, Resolve, system_resolve

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
URL_MAX = 2048
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet, looked at through every form that carries an IPv4 address."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


@dataclass(frozen=True, slots=True)
class PublicOnly:
    """A `Resolve` that follows no name into networks that are not public, unless they are `allowed`."""

    allowed: Sequence[Network] = ()
    inner: Resolve = system_resolve

    async def __call__(self, host: str, port: int) -> list[Address]:
        found = await self.inner(host, port)
        for address in found:
            self.check(host, address.host)
        return found

    def check(self, host: str, address: str) -> None:
        """Raises `Forbidden` for an address that must not be reached."""
        if not (is_public(address) or self._is_allowed(address)):
            raise Forbidden(
                f"{host} leads to an address that is not of the public internet; [webhooks] allow may name its network"
            )

    def _is_allowed(self, text: str) -> bool:
        address = ipaddress.ip_address(text.partition("%")[0])
        return any(address.version == network.version and address in network for network in self.allowed)


def origin_of(url: str, reach: PublicOnly) -> tuple[str, str]:
    """A URL as origin and target.  Raises `InvalidRequest`, which does not repeat it: a URL may carry a token."""
    if len(url) > URL_MAX or not url.isascii() or any(character <= " " for character in url):
        raise _wrong(f"a URL has at most {URL_MAX} ASCII characters and no spaces")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _wrong("it cannot be read as a URL") from None
    if parts.scheme not in ("https", "http") or not host:
        raise _wrong("send events to https://HOST/PATH")
    if parts.username is not None or parts.fragment:
        raise _wrong("a URL has no user name and no fragment here; a token may stand in its path or query")
    _check_literal(host, reach)
    if parts.scheme == "http" and not _is_loopback(host):
        raise _wrong("send events by https; http is for an allowed address of this machine alone")
    bare = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{bare}" + (f":{port}" if port is not None else "")
    return origin, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _check_literal(host: str, reach: PublicOnly) -> None:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if host.rstrip(".").lower() == "localhost":
            reach.check(host, "127.0.0.1")
        return
    reach.check(host, host)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _wrong(detail: str) -> InvalidRequest:
    return InvalidRequest(detail, fields=(FieldError(pointer="/url", code="not_valid", detail=detail),))
