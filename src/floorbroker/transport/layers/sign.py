"""The signing layer: the last to change a request, so that the timestamp in a signature is as fresh as can be."""

from __future__ import annotations

from collections.abc import Callable

from floorbroker.domain.ports import NO_STEPS, Steps
from floorbroker.domain.steps import SENDING
from floorbroker.transport.types import Request, Response, Transport

Signer = Callable[[Request], Request]
MaySign = Callable[
    [Request], None
]  # raises an `OwnRefusal` (NOT_SENT) for what must not be signed now: the vault is locked


class Sign:
    """Sends what `sign` makes of the request; `sign` is pure and names its secret headers in `secret_headers`.

    `may_sign` is asked right before, after every wait.
    """

    def __init__(
        self, inner: Transport, *, sign: Signer, may_sign: MaySign | None = None, steps: Steps = NO_STEPS
    ) -> None:
        self._inner = inner
        self._sign = sign
        self._may_sign = may_sign
        self._steps = steps

    async def send(self, request: Request) -> Response:
        if self._may_sign is not None:
            self._may_sign(request)
        signed = self._sign(request)
        if (named := SENDING.get(request.endpoint)) is not None:
            self._steps.reach(named.signed)
        return await self._inner.send(signed)
