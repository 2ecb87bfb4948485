"""Keeps a library that looks up names by itself from leading into this machine or its network.

Apprise's plug-ins open connections of their own, follow redirects and read further hosts out of options.  All of them ask
`socket.getaddrinfo` first; while `only_public` holds, its answers are looked at, in this thread and where its context goes.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

from floorbroker.domain.errors import Forbidden
from floorbroker.hooks.reach import PublicOnly

DATAGRAMS = frozenset({"rsyslog"})  # sent without asking `getaddrinfo`
UNWATCHED = frozenset({"xmpp"})  # whose library, where somebody installs it, looks up names by itself


@dataclass(slots=True)
class Watch:
    """What may be reached, and what was refused meanwhile."""

    reach: PublicOnly
    refused: list[Forbidden] = field(default_factory=list[Forbidden])

    def look_at(self, host: object, found: list[Any]) -> None:
        """Raises `OSError`, which a library takes for a name that leads nowhere."""
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
        for answer in found:
            try:
                self.reach.check(name, str(answer[4][0]))
            except Forbidden as error:
                self.refused.append(error)
                raise socket.gaierror(socket.EAI_NONAME, "refused") from None


_watching: ContextVar[Watch | None] = ContextVar("watching", default=None)
_plain = socket.getaddrinfo


def _looked_at(host: Any, port: Any, *args: Any, **named: Any) -> list[Any]:
    found = _plain(host, port, *args, **named)
    if (watch := _watching.get()) is not None:
        watch.look_at(host, found)
    return found


@contextmanager
def only_public(reach: PublicOnly) -> Generator[Watch]:
    """While it lasts, names lead to no address that `reach` refuses."""
    socket.getaddrinfo = _looked_at
    token = _watching.set(watch := Watch(reach))
    try:
        yield watch
    finally:
        _watching.reset(token)


class Service(Protocol):
    """What is used of a notification of Apprise: what it calls itself, and the host that it read out of its URL."""

    @property
    def protocol(self) -> object: ...

    host: str | None


def check_service(service: Service, reach: PublicOnly) -> None:
    """Look at the host of a service as the library read it, where it is an address.  Raises `Forbidden`.

    A name is looked up when it is connected to: in many URLs what stands there is a token, which no name server should see.
    Where the library sends without asking, the name is looked up here, and the address that was looked at takes its place.
    """
    if service.protocol in UNWATCHED:
        raise Forbidden(f"{service.protocol} is not offered: where its library leads cannot be looked at")
    host = (service.host or "").strip("[]")
    if host.rstrip(".").lower() == "localhost":
        reach.check(host, "127.0.0.1")
    elif _is_address(host):
        reach.check(host, host)
    elif host and service.protocol in DATAGRAMS:
        service.host = str(_plain(host, None, socket.AF_INET)[0][4][0])
        reach.check(host, service.host)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
