"""How far bytes may go: which names are this machine, where a name leads, and that every way out is encrypted and verified.

The host table (`layers/gate.py`) says which hosts an environment has.  This file is about what stands behind a host's name,
which is for the resolver to say and may be a lie: a name server, or a line in the hosts file, can point `localhost` at
anybody.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

from floorbroker.domain.errors import ConfigInvalid, Forbidden
from floorbroker.transport.pins import is_pinned


class Address(NamedTuple):
    """An address as text, the family it belongs to, and the port."""

    family: socket.AddressFamily
    host: str
    port: int


class Resolve(Protocol):
    """Where a name leads.  Raises `OSError` when it leads nowhere, `Forbidden` when it must not be followed."""

    async def __call__(self, host: str, port: int) -> list[Address]: ...


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """`localhost` or a loopback address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def system_resolve(host: str, port: int) -> list[Address]:
    """The machine's own resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [Address(family, str(where[0]), port) for family, _, _, _, where in found]


@dataclass(frozen=True, slots=True)
class LoopbackOnly:
    """For environment `sim`: every address behind a name must be this machine's, and is looked at before it is connected to."""

    inner: Resolve = system_resolve

    async def __call__(self, host: str, port: int) -> list[Address]:
        found = await self.inner(host, port)
        if any(not is_loopback(address.host) for address in found):
            raise Forbidden(
                f"{host} leads out of this machine; environment sim reaches loopback only, whatever a name says"
            )
        return found


def assert_private(host: str, *, secure: bool) -> None:
    """Nothing leaves this machine in the clear.  Raises `Forbidden`."""
    if not (secure or is_loopback(host)):
        raise Forbidden(f"{host} is another machine: it is reached by https and wss alone")


def assert_verifies(tls: ssl.SSLContext | None) -> None:
    """There is no way to turn verification off: a context that would believe anybody is refused with `ConfigInvalid`.

    One that believes a single certificate (`pins`) verifies more than any authority does.
    """
    if tls is not None and not is_pinned(tls) and not (tls.verify_mode is ssl.CERT_REQUIRED and tls.check_hostname):
        raise ConfigInvalid(
            "certificates and host names are always checked; name a test authority with ca_file, or pin a certificate, instead"
        )
