"""Honest neighbours to stand around: an order shell, a journal and a broker that pass everything on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from floorbroker.domain.ports import Entry, Journal, KeyEntry, Record
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.gateway import Gateway
from floorbroker.oms.account import AccountContext
from floorbroker.oms.exposed import Exposed
from floorbroker.oms.service import OrderService
from floorbroker.transport.types import OrderHttp
from tests.simulation.places import PROFILE


class OrderShell:
    """An order shell around the honest one."""

    def __init__(self, honest: OrderHttp) -> None:
        self.honest = honest

    async def close(self) -> None:
        await self.honest.close()


class JournalAround:
    """A journal around the honest one."""

    def __init__(self, honest: Journal) -> None:
        self.honest = honest

    async def commit(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        return await self.honest.commit(entries)

    def replay(self, after: int = 0) -> Iterator[Record]:
        return self.honest.replay(after)

    def read(self, *, after: int = 0, limit: int = 1000, kinds: frozenset[str] | None = None) -> list[Record]:
        return self.honest.read(after=after, limit=limit, kinds=kinds)

    def notes(self, topic: str, *, newest: bool = False) -> list[Record]:
        return self.honest.notes(topic, newest=newest)

    def notes_before(self, topic: str, profile: ProfileName, *, before: int | None, limit: int) -> list[Record]:
        return self.honest.notes_before(topic, profile, before=before, limit=limit)

    def find_key(self, *, principal: str, profile: ProfileName, key: str) -> KeyEntry | None:
        return self.honest.find_key(principal=principal, profile=profile, key=key)

    @property
    def last_seq(self) -> int:
        return self.honest.last_seq

    @property
    def is_writable(self) -> bool:
        return self.honest.is_writable

    def recover(self) -> bool:
        return self.honest.recover()

    async def close(self) -> None:
        await self.honest.close()


class BrokerAround:
    """A broker around the honest one."""

    def __init__(self, honest: Any) -> None:
        self.honest = honest

    def __getattr__(self, name: str) -> Any:
        return getattr(self.honest, name)


def ctx_of(desk: Gateway) -> AccountContext:
    """What the parts of the one account share."""
    return desk.sessions[PROFILE].ctx


def service_of(desk: Gateway) -> OrderService:
    """The order service of the one account."""
    return desk.sessions[PROFILE].service


def exposed_of(desk: Gateway) -> Exposed:
    """What counts the exposure of the one account."""
    return ctx_of(desk)._exposed  # noqa: SLF001 - nobody else asks for it


def around_broker(kind: Callable[[Any], BrokerAround]) -> Callable[[Gateway], None]:
    """Puts a wrapper around the adapter of a finished desk."""

    def plant(desk: Gateway) -> None:
        ctx = ctx_of(desk)
        ctx.broker = kind(ctx.broker)  # pyright: ignore[reportAttributeAccessIssue]

    return plant


def becomes(part: Callable[[Gateway], object], kind: type) -> Callable[[Gateway], None]:
    """Lets one part of a finished desk behave as a subclass of its own class; no other desk's does.

    Raises `LookupError` for a bug in a method that the part does not have any more: it would be no bug at all.
    """
    base = kind.__mro__[1]
    gone = [name for name in vars(kind) if not name.startswith("__") and not hasattr(base, name)]
    if gone:
        raise LookupError(f"{kind.__name__} overrides what {base.__name__} does not have: {', '.join(gone)}")

    def plant(desk: Gateway) -> None:
        part(desk).__class__ = kind

    return plant
