"""The time-out layer: bounds one attempt, from the signature to the last byte of the reply."""

from __future__ import annotations

import asyncio

from floorbroker.domain import errors
from floorbroker.transport.types import Request, Response, Transport


class Timeout:
    """Raises `Timeout` with outcome UNKNOWN after `request.timeout_s` seconds of the loop's time.

    UNKNOWN, because a request that hangs may have left.  The order shell gives up on *getting a connection* after half
    of this time and says NOT_SENT then, so what is still running when this layer fires has been written.
    """

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    async def send(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(request.timeout_s):
                return await self._inner.send(request)
        except TimeoutError:
            raise errors.Timeout(
                f"{request.endpoint}: no answer within {request.timeout_s:g} s", outcome=errors.Outcome.UNKNOWN
            ) from None
