"""The circuit breakers of one account, one for each class of endpoints, and the probe that closes the one of orders.

An order is never the probe of its own breaker: it would be the order of somebody who bets that the venue works again.  When the
recovery time is over, a read that changes nothing is sent instead; the first success admits orders, and the first failure
among these opens the breaker again.  Reads need no such care: one of them is the probe of its class.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError, FloorbrokerError
from floorbroker.domain.ports import Log, Meter, NoLog, NoMeter
from floorbroker.transport.circuit import Circuit, CircuitState
from floorbroker.transport.endpoints import EndpointClass, class_of
from floorbroker.transport.types import Request, Response, Transport

LEVELS: Mapping[CircuitState, float] = MappingProxyType(
    {CircuitState.CLOSED: 0.0, CircuitState.HALF_OPEN: 1.0, CircuitState.OPEN: 2.0}
)
_ALL_CLOSED: Mapping[str, str] = MappingProxyType({kind.value: CircuitState.CLOSED.value for kind in EndpointClass})


def _answered(response: Response) -> None:
    """Raises `ApiError` for anything but a plain answer."""
    if response.status >= 400:
        raise ApiError(f"the probe was answered with HTTP {response.status}")


@dataclass(frozen=True, slots=True)
class SafeRead:
    """A cheap read of a venue that changes nothing; `read` raises a `FloorbrokerError` unless all is well."""

    request: Request
    read: Callable[[Response], object] = _answered


class Breakers:
    """What both stacks of an account ask before they send.  Without a `safe_read` orders are their own probes.

    Belongs to one event loop; `close` ends the probe.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        safe_read: SafeRead | None = None,
        failure_threshold: int = 5,
        recovery_s: float = 30.0,
        log: Log | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._clock = clock
        self._safe_read = safe_read
        self._recovery_s = recovery_s
        self._log = NoLog() if log is None else log
        self._meter = NoMeter() if meter is None else meter
        self._line: Transport | None = None
        self._probing: asyncio.Task[None] | None = None
        self._is_closed = False
        self._circuits = {
            kind: Circuit(
                failure_threshold=failure_threshold,
                recovery_s=recovery_s,
                probed=kind is EndpointClass.ORDERS and safe_read is not None,
            )
            for kind in EndpointClass
        }
        for kind, circuit in self._circuits.items():
            circuit.on_change = self._listener(kind, circuit)
            self._meter.gauge("breaker_state", LEVELS[CircuitState.CLOSED], endpoints=kind.value)

    def probe_by(self, line: Transport) -> None:
        """Where the probe is sent: past every breaker and without retries."""
        self._line = line

    def circuit(self, request: Request) -> Circuit:
        """The one that a request has to pass."""
        return self._circuits[class_of(request)]

    def states(self) -> Mapping[str, str]:
        """The word for each class, `closed`, `open` or `half_open`.  Asked before every order, so it costs nothing as a rule."""
        if all(circuit.free_leave is not None for circuit in self._circuits.values()):
            return _ALL_CLOSED
        now = self._clock.monotonic()
        return {kind.value: circuit.state(now).value for kind, circuit in self._circuits.items()}

    async def close(self) -> None:
        """Probe no more."""
        self._is_closed = True
        task, self._probing = self._probing, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _listener(self, kind: EndpointClass, circuit: Circuit) -> Callable[[], None]:
        def changed() -> None:
            is_open = circuit.free_leave is None
            state = CircuitState.OPEN if is_open else CircuitState.CLOSED
            self._meter.gauge("breaker_state", LEVELS[state], endpoints=kind.value)
            if is_open:
                self._meter.count("breaker_opened", endpoints=kind.value)
                self._log.warning("breaker.open", endpoints=kind.value, recovery_s=self._recovery_s)
                self._start_probe(kind, circuit)
            else:
                self._log.info("breaker.closed", endpoints=kind.value)

        return changed

    def _start_probe(self, kind: EndpointClass, circuit: Circuit) -> None:
        if (
            kind is EndpointClass.ORDERS
            and self._safe_read is not None
            and self._probing is None
            and not self._is_closed
        ):
            self._probing = asyncio.get_running_loop().create_task(self._probe(circuit), name="breaker probe")

    async def _probe(self, circuit: Circuit) -> None:
        """Ask until the venue answers; whatever a probe meets, the next one comes."""
        while circuit.free_leave is None:
            await self._clock.sleep(self._recovery_s)
            self._meter.gauge("breaker_state", LEVELS[CircuitState.HALF_OPEN], endpoints=EndpointClass.ORDERS.value)
            leave = circuit.probe()
            try:
                await self._ask()
            except asyncio.CancelledError:
                circuit.returned(leave)
                raise
            except Exception as error:  # noqa: BLE001 - a reader's bug must not keep orders out for good
                code = error.code if isinstance(error, FloorbrokerError) else type(error).__name__
                self._log.warning("breaker.probe_failed", code=code)
                circuit.failed(
                    leave, self._clock.monotonic(), error.detail if isinstance(error, FloorbrokerError) else code
                )
            else:
                circuit.succeeded(leave)
        self._probing = None

    async def _ask(self) -> None:
        assert self._safe_read is not None
        assert self._line is not None
        self._safe_read.read(await self._line.send(self._safe_read.request))
