"""Questions, as everything here that reads puts them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from floorbroker.brokers.ibkr_web.rest import answers
from floorbroker.domain.errors import ApiError
from floorbroker.transport.types import Request, Transport

T = TypeVar("T")


class Asking:
    """Who asks over a transport of reads."""

    def __init__(self, reads: Transport) -> None:
        self._reads = reads

    async def _ask(self, request: Request, kind: type[T], *, what: str) -> T:
        return answers.answer(await self._reads.send(request), kind, what=what)

    async def _any(self, request: Request, kind: type[T], *, what: str, nothing: str) -> Sequence[T]:
        """A list, or one of its elements alone; empty where the venue answers with the error `nothing`."""
        response = await self._reads.send(request)
        try:
            return answers.answers(response, kind, what=what)
        except ApiError as error:
            if nothing in (error.venue_text or "").lower():
                return ()
            raise
