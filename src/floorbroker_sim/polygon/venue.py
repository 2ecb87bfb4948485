"""The service as one thing: routes, streams, prices and the control door over one state; and the ASGI apps around it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import cast, get_args

from floorbroker.domain.clock import Clock
from floorbroker_sim.archive import open_archive
from floorbroker_sim.control import ControlDoor, Impossible, fields_of, text_in
from floorbroker_sim.faults import Fault, FaultPlan
from floorbroker_sim.gate import Gate
from floorbroker_sim.http import Reply, Request, Router, SocketSession, json_reply
from floorbroker_sim.market import Tick
from floorbroker_sim.polygon import errors, info
from floorbroker_sim.polygon.auth import Keys, is_authorized, make_keys
from floorbroker_sim.polygon.errors import Refused
from floorbroker_sim.polygon.limits import Counter
from floorbroker_sim.polygon.rest.routes import ROUTES
from floorbroker_sim.polygon.rest.state import Plan, Recency, State
from floorbroker_sim.polygon.stream.cluster import ClusterSession
from floorbroker_sim.provider import NoOrders

_FEED_S = 1.0
_MINUTE = timedelta(minutes=1)


class PolygonVenue:
    """Answers requests and opens streams.  `app` and `control_app` are the ASGI faces."""

    name = info.VENUE

    def __init__(self, *, state: State, keys: Keys, plan: FaultPlan, rate: int) -> None:
        self.state = state
        self.clock = state.archive.clock
        self.keys = keys
        self.plan = plan
        self._counter = Counter(self.clock.base, rate)
        self._sessions: list[ClusterSession] = []
        self._minute_at = _floor(self.clock.now())
        self.app = Gate(self, plan=plan, clock=self.clock)
        truth = NoOrders(state.archive, on_price=self._push, on_time=self._step)
        truth.on_reset = self._reset
        routes = {("POST", "/flaws"): truth.set_flaws, ("POST", "/plan"): self._set_plan}
        self.control_app = ControlDoor(truth, gate=self.app, plan=plan, routes=routes)

    @property
    def credentials(self) -> dict[str, str]:
        """What a profile needs to reach this service."""
        return {"BROKER_CODE": "POLYGON", "BROKER_API_KEY": self.keys.key}

    def handle(self, request: Request) -> Reply:
        """Answer one request."""
        self.state.requests += 1
        if not is_authorized(request.query, request.headers, self.keys):
            return errors.refusal(401, errors.UNKNOWN_KEY, self.state.request_id())
        if not self._counter.take():
            return errors.refusal(429, errors.TOO_MANY, self.state.request_id())
        found = _ROUTER.find(request)
        if found is None:
            return errors.refusal(404, "page not found", self.state.request_id())
        handler, values = found
        try:
            body = cast("Callable[..., object]", handler)(self.state, request, *values)
        except Refused as refused:
            return errors.refusal(refused.status, refused.text, self.state.request_id())
        return json_reply(body, exact_numbers=True)

    def socket(self, request: Request) -> SocketSession | Reply:
        """A stream session for a market."""
        market = request.path.strip("/")
        if market not in info.TOPICS:
            return errors.refusal(404, "page not found", self.state.request_id())
        return ClusterSession(self.state, self.keys, market, self._sessions)

    def client_id(self, request: Request) -> str | None:
        """Nobody orders anything here."""
        return None

    def refusal(self, fault: Fault, request: Request) -> Reply:
        return errors.fault_reply(fault, self.state.request_id())

    # --- Control door and prices --------------------------------------------------------------------------------------

    def _set_plan(self, request: Request) -> Reply:
        """`{"recency":"realtime"|"delayed"|"end_of_day","years":"2"}`: what the key has paid for from now on."""
        fields = fields_of(request, {"recency", "years"})
        recency = text_in(fields, "recency")
        years = text_in(fields, "years") if "years" in fields else "0"
        if recency not in get_args(Recency):
            raise Impossible("recency", f"not one of {', '.join(get_args(Recency))}")
        if not years.isascii() or not years.isdigit() or len(years) > 2:
            raise Impossible("years", "a whole number of years is needed, as text")
        self.state.plan = Plan(recency=cast("Recency", recency), years=int(years))
        return Reply(status=204)

    def _reset(self) -> None:
        self._counter.reset()
        self.state.reset()
        self._minute_at = _floor(self.clock.now())

    def _push(self, tick: Tick) -> None:
        for session in tuple(self._sessions):
            session.on_tick(tick)

    def _step(self, at: datetime) -> None:
        """The market up to `at`, for the symbols somebody listens to; and the minute that is over."""
        listed = list(self.state.archive.market.instruments)
        watched = {one for session in self._sessions for one in session.symbols(listed)}
        for tick in self.state.archive.market.advance(at, sorted(watched)):
            self._push(tick)
        if (minute := _floor(at)) > self._minute_at:
            self._minute_at = minute
            for symbol in sorted(watched):
                for candle in self.state.archive.minutes(symbol, minute - _MINUTE, minute - _MINUTE, adjusted=True):
                    for session in tuple(self._sessions):
                        session.on_minute(symbol, candle)

    async def run(self, *, every_s: float = _FEED_S) -> None:
        """Feed the streams while time runs.  Recorded days stand still and feed nothing."""
        while not self.clock.stands:
            await self.clock.sleep(every_s)
            self._step(self.clock.now())


def _floor(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _router() -> Router:
    router = Router()
    for path, handler in ROUTES:
        router.add("GET", path, cast("Callable[..., Reply]", handler))
    return router


_ROUTER = _router()


def create_venue(
    *,
    seed: int = 0,
    clock: Clock,
    data: Path | None = None,
    calendar: bool = False,
    faults: list[Fault] | None = None,
    rate: int | None = None,
    keys: Keys | None = None,
    at: datetime | None = None,
) -> PolygonVenue:
    """A service in this process: no threads, no waiting but on `clock`, everything else drawn from `seed`.

    With `data` (a folder of recorded days) the clock stands at `at`, or at the end of the recording; raises `NotRecorded` for a
    folder without days.  `rate` is requests a minute (default: not counted, as on paid plans; five on the free one).
    `calendar` changes nothing: history keeps market hours anyway.
    """
    del calendar
    archive = open_archive(seed=seed, clock=clock, data=data, at=at)
    return PolygonVenue(
        state=State(archive=archive),
        keys=keys or make_keys(Random(f"polygon keys {seed}")),
        plan=FaultPlan(faults or [], seed=seed, set_at=archive.clock.now()),
        rate=rate or 0,
    )
