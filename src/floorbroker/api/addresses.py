"""What is taken for one address.  IPv4 inside IPv6 (`::ffff:192.0.2.1`), as a socket of both families tells it, is IPv4."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class PlainAddresses:
    """Tells the app who asks in one spelling, so that whoever compares it need know no other."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if client and ":" in client[0]:
            scope["client"] = (str(_parsed(client[0]) or client[0]), client[1])
        await self.app(scope, receive, send)


def as_they_come(networks: Iterable[str]) -> list[str]:
    """These networks, and for each of IPv4 also the one inside IPv6 that stands for the same addresses."""
    found = [ipaddress.ip_network(network) for network in networks]
    inside = [f"::ffff:{one.network_address}/{96 + one.prefixlen}" for one in found if one.version == 4]
    return [*map(str, found), *inside]


def counted_as(address: str) -> str:
    """An address as it is counted: of IPv6 the network that one customer gets; IPv4 inside IPv6 is IPv4."""
    if ":" not in address:
        return address
    found = _parsed(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network(f"{found}/64", strict=False))
    return address if found is None else str(found)


def is_within(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether an address is in one of these; what is no address is in none."""
    if not networks or (found := _parsed(address)) is None:
        return False
    return any(found in network for network in networks)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None  # a Unix socket, or a name
    return getattr(found, "ipv4_mapped", None) or found
