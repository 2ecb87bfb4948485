"""What is taken for one address where callers are counted."""

from __future__ import annotations

import ipaddress

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


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
