"""The retry layer, for reads only: a command stack has none, and this one sends a command through once at most."""

from __future__ import annotations

from random import Random

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ConnectionFailed, Timeout, VenueError
from floorbroker.transport.backoff import Backoff
from floorbroker.transport.layers.ratelimit import TOO_MANY_REQUESTS, retry_after_s
from floorbroker.transport.types import Lane, Request, Response, Transport

# Gateways and load balancers in front of a venue; 520 to 524 are one well-known proxy's own.
_PASSING = frozenset({TOO_MANY_REQUESTS, 502, 503, 504, 520, 521, 522, 523, 524})
_COMMANDS = frozenset({Lane.CANCEL, Lane.REDUCE, Lane.NEW})


class Retry:
    """Repeats a read up to `retries` times (`API_RETRY_LIMIT`) within `total_s` seconds, first try and waits included.

    Repeated are connection failures, time-outs, 429 and gateway statuses; `Retry-After` is obeyed as a lower bound, and
    when it lies beyond the deadline the reply is returned at once.
    """

    def __init__(
        self,
        inner: Transport,
        *,
        retries: int,
        clock: Clock,
        random: Random,
        backoff: Backoff | None = None,
        total_s: float = 30.0,
    ) -> None:
        self._inner = inner
        self._retries = retries
        self._clock = clock
        self._random = random
        self._backoff = Backoff(base_s=0.25, cap_s=8.0) if backoff is None else backoff
        self._total_s = total_s

    async def send(self, request: Request) -> Response:
        if request.lane in _COMMANDS:
            return await self._inner.send(request)
        deadline = self._clock.monotonic() + self._total_s
        for failures in range(self._retries):
            outcome = await self._attempt(request)
            if isinstance(outcome, Response) and outcome.status not in _PASSING:
                return outcome
            wait_s = self._wait_s(outcome, failures)
            if self._clock.monotonic() + wait_s >= deadline:
                return _final(outcome)
            await self._clock.sleep(wait_s)
        return await self._inner.send(request)

    async def _attempt(self, request: Request) -> Response | VenueError:
        try:
            return await self._inner.send(request)
        except (ConnectionFailed, Timeout) as error:
            return error

    def _wait_s(self, outcome: Response | VenueError, failures: int) -> float:
        asked_s = (
            retry_after_s(outcome.headers.get("retry-after"), self._clock.now())
            if isinstance(outcome, Response)
            else outcome.hint.retry_after_s
        )
        return max(self._backoff.delay_s(failures, self._random), asked_s or 0.0)


def _final(outcome: Response | VenueError) -> Response:
    if isinstance(outcome, VenueError):
        raise outcome
    return outcome
