"""What all verbs of the client share: the door, the environment, and how answers are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from floorbroker.client.door import Answer, Door, Params

API = "/api/v1"
PAGE = 1000
T = TypeVar("T")
Body = Mapping[str, Any]


class _Page(msgspec.Struct, frozen=True):
    items: tuple[msgspec.Raw, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Verbs:
    """Verbs about one environment of one desk.  Every method raises `DeskError`s."""

    door: Door
    environment: str = "paper"

    def at(self, path: str) -> str:
        """A path below this environment."""
        return f"{API}/{self.environment}{path}"

    async def all_of(self, path: str, where: Params, kind: type[T]) -> AsyncIterator[T]:
        """A whole list of this environment, page after page."""
        async for item in every(self.door, self.at(path), where, kind):
            yield item


async def every(door: Door, path: str, where: Params, kind: type[T]) -> AsyncIterator[T]:
    """A whole list, page after page."""
    cursor: str | None = None
    while True:
        answer = await door.call("GET", path, params={"limit": PAGE, **where, "cursor": cursor})
        page = msgspec.json.decode(answer.body, type=_Page)
        for raw in page.items:
            yield msgspec.json.decode(raw, type=kind)
        cursor = page.next_cursor
        if cursor is None:
            return


def given(**members: object) -> dict[str, Any]:
    """A body of the members that were given."""
    return {name: value for name, value in members.items() if value is not None}


def matching(version: int | None) -> dict[str, str] | None:
    """The header that changes a record only while it is this version."""
    return None if version is None else {"If-Match": f'"{version}"'}


def one(answer: Answer, kind: type[T]) -> T:
    """The document of an answer."""
    return msgspec.json.decode(answer.body, type=kind)


def items(answer: Answer, kind: type[T]) -> list[T]:
    """The items of a list that comes whole."""
    return [msgspec.json.decode(raw, type=kind) for raw in msgspec.json.decode(answer.body, type=_Page).items]
