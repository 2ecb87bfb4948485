"""The send gate: the last look before an order command leaves (RELIABILITY 2.3 and 9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import Forbidden, NotReady
from floorbroker.domain.ports import NO_STEPS, Steps
from floorbroker.domain.steps import SENDING
from floorbroker.domain.values import Environment
from floorbroker.transport.message import Origin, parse_origin
from floorbroker.transport.reach import is_loopback
from floorbroker.transport.types import Lane, Request, Response, Transport

Check = Callable[[Request], None]


class SendGate:
    """Calls `check` synchronously after the last wait; it raises an `OwnRefusal` (NOT_SENT) to stop the request."""

    def __init__(self, inner: Transport, *, check: Check, steps: Steps = NO_STEPS) -> None:
        self._inner = inner
        self._check = check
        self._steps = steps

    async def send(self, request: Request) -> Response:
        if (named := SENDING.get(request.endpoint)) is not None:
            self._steps.reach(named.gate)
        self._check(request)
        return await self._inner.send(request)


class HostTable:
    """The closed table host -> environment, as a check.  A host may carry a port (`localhost:5000`).

    `sim` reaches loopback only, whatever the table says.  `paper` and `live` reach exactly their own hosts, by https
    unless it is a loopback host (a broker's local gateway).
    """

    def __init__(self, environment: Environment, hosts: Mapping[str, Environment]) -> None:
        self._environment = environment
        self._hosts = dict(hosts)

    def __call__(self, request: Request) -> None:
        self.check_origin(request.origin)

    def check_origin(self, origin: str) -> None:
        """Raises `Forbidden`; for sockets, whose URLs are no requests: hand in the http or https form of the origin."""
        place = parse_origin(origin)
        if not (is_loopback(place.host) if self._environment is Environment.SIM else self._is_own(place)):
            raise Forbidden(f"{place.authority} is no host of the {self._environment.value} environment")

    def _is_own(self, place: Origin) -> bool:
        host = place.host.lower()
        entry = self._hosts.get(f"{host}:{place.port}", self._hosts.get(host))
        return entry is self._environment and (place.secure or is_loopback(host))


class IntentAge:
    """Refuses a new order or replace whose decision is older than `max_age_s`; cancels are never too old."""

    def __init__(self, *, clock: Clock, max_age_s: float = 5.0) -> None:
        self._clock = clock
        self._max_age_s = max_age_s

    def __call__(self, request: Request) -> None:
        if request.decided_at is None or request.lane is Lane.CANCEL:
            return
        if self._clock.monotonic() - request.decided_at > self._max_age_s:
            raise NotReady(f"the decision to send is older than {self._max_age_s:g} s")


def all_of(*checks: Check) -> Check:
    """One check out of several, asked in this order."""

    def check(request: Request) -> None:
        for one in checks:
            one(request)

    return check
