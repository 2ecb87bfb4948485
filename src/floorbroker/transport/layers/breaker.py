"""The circuit breaker layer: stops knocking at a door that does not open."""

from __future__ import annotations

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError, ConnectionFailed, StreamLost, Timeout
from floorbroker.transport.circuit import Circuit, CircuitState
from floorbroker.transport.types import Lane, Request, Response, Transport

FAILURES = (ApiError, ConnectionFailed, StreamLost, Timeout)


class Breaker:
    """Counts connection failures, time-outs, unusable replies and 5xx; a 4xx is an answer, and a wait is no failure.

    An open breaker raises `CircuitBreakerError` (NOT_SENT).  Cancels pass it.
    """

    def __init__(self, inner: Transport, *, clock: Clock, failure_threshold: int = 5, recovery_s: float = 30.0) -> None:
        self._inner = inner
        self._clock = clock
        self._circuit = Circuit(failure_threshold=failure_threshold, recovery_s=recovery_s)

    @property
    def state(self) -> CircuitState:
        """For health and metrics."""
        return self._circuit.state(self._clock.monotonic())

    async def send(self, request: Request) -> Response:
        leave = self._circuit.free_leave
        if leave is None:
            leave = self._circuit.admit(self._clock.monotonic(), always=request.lane is Lane.CANCEL)
        try:
            response = await self._inner.send(request)
        except FAILURES:
            self._circuit.failed(leave, self._clock.monotonic())
            raise
        except BaseException:
            self._circuit.returned(leave)
            raise
        if response.status >= 500:
            self._circuit.failed(leave, self._clock.monotonic())
        else:
            self._circuit.succeeded(leave)
        return response
