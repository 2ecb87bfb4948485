"""The circuit breaker layer: stops knocking at a door that does not open."""

from __future__ import annotations

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError, ConnectionFailed, StreamLost, Timeout
from floorbroker.transport.breakers import Breakers
from floorbroker.transport.types import Lane, Request, Response, Transport

FAILURES = (ApiError, ConnectionFailed, StreamLost, Timeout)


class Breaker:
    """Counts connection failures, time-outs, unusable replies and 5xx; a 4xx is an answer, and a wait is no failure.

    The open breaker of a request's class raises `CircuitBreakerError` (NOT_SENT).  Cancels pass it.
    """

    def __init__(self, inner: Transport, *, clock: Clock, breakers: Breakers) -> None:
        self._inner = inner
        self._clock = clock
        self.breakers = breakers

    async def send(self, request: Request) -> Response:
        circuit = self.breakers.circuit(request)
        leave = circuit.free_leave
        if leave is None:
            leave = circuit.admit(self._clock.monotonic(), always=request.lane is Lane.CANCEL)
        try:
            response = await self._inner.send(request)
        except FAILURES as error:
            circuit.failed(leave, self._clock.monotonic(), error.detail)
            raise
        except BaseException:
            circuit.returned(leave)
            raise
        if response.status >= 500:
            circuit.failed(leave, self._clock.monotonic(), f"HTTP {response.status}")
        else:
            circuit.succeeded(leave)
        return response
