"""The signing layer: the last to change a request, so that the timestamp in a signature is as fresh as can be."""

from __future__ import annotations

from collections.abc import Callable

from floorbroker.domain.ports import NO_STEPS, Steps
from floorbroker.domain.steps import SENDING
from floorbroker.transport.types import Request, Response, Transport

Signer = Callable[[Request], Request]


class Sign:
    """Sends what `sign` makes of the request; `sign` is pure and names its secret headers in `secret_headers`."""

    def __init__(self, inner: Transport, *, sign: Signer, steps: Steps = NO_STEPS) -> None:
        self._inner = inner
        self._sign = sign
        self._steps = steps

    async def send(self, request: Request) -> Response:
        signed = self._sign(request)
        if (named := SENDING.get(request.endpoint)) is not None:
            self._steps.reach(named.signed)
        return await self._inner.send(signed)
