"""The tracing layer: one span for what crosses the wire.  Stacks have it only where traces are wanted."""

from __future__ import annotations

from floorbroker.domain.ports import Tracer
from floorbroker.transport.types import Request, Response, Transport


class Traced:
    """`venue.send`, from the signature to the reply: what was asked, and the status of the answer."""

    def __init__(self, inner: Transport, *, tracer: Tracer) -> None:
        self._inner = inner
        self._tracer = tracer

    async def send(self, request: Request) -> Response:
        with self._tracer.span("venue.send", endpoint=request.endpoint, lane=request.lane.name.lower()) as span:
            response = await self._inner.send(request)
            span.note(status=str(response.status))
            return response
