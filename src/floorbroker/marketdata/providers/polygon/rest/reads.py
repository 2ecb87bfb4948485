"""Answers as wire values: one page, or all of them, or an error."""

from __future__ import annotations

from typing import TypeVar

from floorbroker.domain.errors import ApiError
from floorbroker.marketdata.providers.polygon import wire
from floorbroker.marketdata.providers.polygon.errors import error_of
from floorbroker.marketdata.providers.polygon.rest.calls import Calls
from floorbroker.transport.types import Request, Response, Transport

T = TypeVar("T")
PAGES_MAX = 2_000
_GOOD = frozenset({"OK", "DELAYED", "success", ""})


class Reads:
    """The read stack of one key, asked in whole answers."""

    def __init__(self, transport: Transport, calls: Calls) -> None:
        self._transport = transport
        self._calls = calls

    async def one(self, request: Request, kind: type[T], *, what: str) -> T:
        """The body as `kind`."""
        return wire.decode((await self._send(request, what)).body, kind, what=what)

    async def result(self, request: Request, kind: type[T], *, what: str) -> T:
        """The member `results` of a reply about one thing.  Raises `ApiError` where it is not there."""
        page = await self._page(request, what)
        return wire.decode(page.results, kind, what=what)

    async def listed(self, request: Request, kind: type[T], *, what: str) -> list[T]:
        """Every page until there is no next one.  Raises on any that fails, and for pages without an end."""
        found: list[T] = []
        seen: set[str] = set()
        for _ in range(PAGES_MAX):
            page = await self._page(request, what)
            found += wire.decode(page.results, list[kind], what=what)
            if not page.next_url:
                return found
            if page.next_url in seen:
                break
            seen.add(page.next_url)
            request = self._calls.next(request, page.next_url)
        raise ApiError(f"{what}: the pages have no end", broker=wire.BROKER)

    async def _page(self, request: Request, what: str) -> wire.Page:
        page = wire.decode((await self._send(request, what)).body, wire.Page, what=what)
        if page.status not in _GOOD:
            raise ApiError(f"{what}: Polygon says {page.status[:40]!r}", broker=wire.BROKER)
        return page

    async def _send(self, request: Request, what: str) -> Response:
        response = await self._transport.send(request)
        if response.status != 200:
            raise error_of(response, what=what)
        return response
