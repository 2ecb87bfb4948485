"""The service as one thing: cookie, crumb, charts and the control door; and the ASGI apps around it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from random import Random

from floorbroker.domain.clock import Clock
from floorbroker_sim.archive import Archive, open_archive
from floorbroker_sim.control import ControlDoor
from floorbroker_sim.faults import Fault, FaultPlan
from floorbroker_sim.gate import Gate
from floorbroker_sim.http import Reply, Request, SocketSession, json_reply
from floorbroker_sim.market import Tick
from floorbroker_sim.provider import NoOrders
from floorbroker_sim.yahoo import errors, info
from floorbroker_sim.yahoo.auth import Keys, make_keys
from floorbroker_sim.yahoo.limits import Counter
from floorbroker_sim.yahoo.rest.chart import get_chart

_FEED_S = 3_600.0


class YahooVenue:
    """Answers requests whatever host they were meant for.  `app` and `control_app` are the ASGI faces."""

    name = info.VENUE

    def __init__(self, *, archive: Archive, keys: Keys, plan: FaultPlan, rate: int) -> None:
        self.archive = archive
        self.clock = archive.clock
        self.keys = keys
        self.plan = plan
        self._counter = Counter(self.clock.base, rate)
        self.app = Gate(self, plan=plan, clock=self.clock)
        truth = NoOrders(archive, on_price=_nobody_listens, on_time=self._step)
        truth.on_reset = self._counter.reset
        self.control_app = ControlDoor(
            truth, gate=self.app, plan=plan, routes={("POST", "/flaws"): truth.set_flaws}
        )  # fmt: skip

    @property
    def credentials(self) -> dict[str, str]:
        """Nobody needs a key."""
        return {"BROKER_CODE": "YAHOO"}

    def handle(self, request: Request) -> Reply:
        """Answer one request."""
        if not self._counter.take():
            return errors.too_many()
        if "crumb" in request.query and not self.keys.is_right(request.query["crumb"]):
            return errors.bad_crumb()
        match request.segments:
            case ("v8", "finance", "chart", name):
                return get_chart(self.archive, request.query, name)
            case ("v1", "test", "getcrumb"):
                return self._with_cookie(self.keys.crumb)
            case ("",) | ("consent",):
                return self._with_cookie("")
            case ("v10", "finance", "quoteSummary", _) | ("v7", "finance", "quote"):
                return errors.finance_error(404, "Not Found", "Quote not found")
            case ("ws", "fundamentals-timeseries", *_):
                return json_reply({"timeseries": {"result": [], "error": None}})
            case _:
                return errors.finance_error(404, "Not Found", "No such endpoint is simulated")

    def _with_cookie(self, text: str) -> Reply:
        headers = {"set-cookie": f"A3={self.keys.cookie}; Path=/; HttpOnly"}
        return Reply(status=200, body=text.encode(), headers=headers, content_type="text/plain; charset=utf-8")

    def socket(self, request: Request) -> SocketSession | Reply:
        """Live prices are not simulated."""
        return errors.finance_error(404, "Not Found", "No stream is simulated")

    def client_id(self, request: Request) -> str | None:
        return None

    def refusal(self, fault: Fault, request: Request) -> Reply:
        return errors.fault_reply(fault)

    def _step(self, at: datetime) -> None:
        for _ in self.archive.market.advance(at, ()):
            pass

    async def run(self, *, every_s: float = _FEED_S) -> None:
        """Nothing is pushed; the seeded market answers for any moment."""
        while not self.clock.stands:
            await self.clock.sleep(every_s)


def _nobody_listens(tick: Tick) -> None:
    """There is no stream."""


def create_venue(
    *,
    seed: int = 0,
    clock: Clock,
    data: Path | None = None,
    calendar: bool = False,
    faults: list[Fault] | None = None,
    rate: int | None = None,
    at: datetime | None = None,
) -> YahooVenue:
    """A service in this process: no threads, no waiting but on `clock`, everything else drawn from `seed`.

    With `data` (a folder of recorded days) the clock stands at `at`, or at the end of the recording; raises `NotRecorded` for a
    folder without days.  `rate` is requests a minute (default: not counted).  `calendar` changes nothing.
    """
    del calendar
    archive = open_archive(seed=seed, clock=clock, data=data, at=at)
    return YahooVenue(
        archive=archive,
        keys=make_keys(Random(f"yahoo keys {seed}")),
        plan=FaultPlan(faults or [], seed=seed, set_at=archive.clock.now()),
        rate=rate or 0,
    )
