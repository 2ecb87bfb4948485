"""The venue as one thing: routes, streams, prices and the control door over one state; and the ASGI apps around it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from floorbroker.domain.clock import Clock
from floorbroker.domain.values import Price
from floorbroker.matching import BadOrder, NotOpen
from floorbroker_sim.binance import errors, info, wire
from floorbroker_sim.binance.auth import KeyRing, made_keys, rest_payload
from floorbroker_sim.binance.errors import Refused
from floorbroker_sim.binance.limits import Meter, epoch_ms
from floorbroker_sim.binance.rest import account, hands
from floorbroker_sim.binance.rest.desk import Desk
from floorbroker_sim.binance.rest.door import Asked, answer, order_counts, verify
from floorbroker_sim.binance.rest.listed import recorded_market, seeded_market, start_balances
from floorbroker_sim.binance.rest.records import Record
from floorbroker_sim.binance.rest.routes import BY_PATH, CLIENT_IDS, PATHS, RESTRICTIONS
from floorbroker_sim.binance.rest.state import Settings, State
from floorbroker_sim.binance.stream.api import ApiSession
from floorbroker_sim.binance.stream.market import MarketSession
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.control import ControlDoor, Impossible
from floorbroker_sim.faults import Fault, FaultPlan
from floorbroker_sim.gate import Gate
from floorbroker_sim.history import History
from floorbroker_sim.http import Reply, Request, SocketSession, parsed_query
from floorbroker_sim.market import Market

_MINUTE = timedelta(minutes=1)
_MAX_STEPS = 5_000
_FEED_S = 1.0
_QUICK_FEED_S = 0.25
_UNITS = {"MICROSECOND": wire.MICROS, "MILLISECOND": wire.MILLIS}
Session = ApiSession | MarketSession


class BinanceVenue:
    """Answers requests and opens streams.  `app` and `control_app` are the ASGI faces."""

    name = info.VENUE
    ping_every_s = info.PING_EVERY_S

    def __init__(
        self,
        *,
        settings: Settings,
        clock: VenueClock,
        market: Market,
        history: History,
        keys: KeyRing,
        plan: FaultPlan,
        rate: int,
    ) -> None:
        self.clock = clock
        self.market = market
        self.plan = plan
        self.keys = keys
        meter = Meter(clock.base if clock.stands else clock, rate)
        self.state = State(settings=settings, clock=clock, market=market, history=history, keys=keys, meter=meter)
        self.desk = Desk(self.state)
        self.sessions: list[Session] = []
        self.app = Gate(self, plan=plan, clock=clock)
        self.control_app = ControlDoor(self, gate=self.app, plan=plan, routes=hands.routes(self))

    @property
    def credentials(self) -> dict[str, str]:
        """What a profile needs to reach this venue."""
        first = self.keys.first
        return {"BROKER_CODE": "BINANCE", "BROKER_API_KEY": first.name, "BROKER_SECRET_KEY": first.secret}

    # --- What the gate asks -------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Reply:
        """Answer one request."""
        path = request.path.rstrip("/")
        if path != RESTRICTIONS and path not in PATHS:
            return errors.no_such_path()
        refused, found = None, b""
        unit = request.headers.get("x-mbx-time-unit", "MILLISECOND").upper()
        try:
            if unit not in _UNITS:
                raise errors.bad(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
            found = _UNITS[unit](self._answer(request, path))
        except Refused as error:
            refused = error
        operation = BY_PATH.get((request.method, path))
        headers = dict(self.state.meter.headers)
        if operation is not None:
            headers |= order_counts(self.desk, operation, refused)
        return _reply(found, headers) if refused is None else _refusal(refused, headers)

    def _answer(self, request: Request, path: str) -> object:
        asked = _asked(request)
        if path == RESTRICTIONS:
            self.state.meter.take(1)
            return account.restrictions(self.desk, verify(self.desk, asked))
        operation = BY_PATH.get((request.method, path))
        if operation is None:
            raise Refused(405, -1020, "This operation is not supported.")
        return answer(self.desk, operation, asked)

    def socket(self, request: Request) -> SocketSession | Reply:
        """A stream session for a path."""
        unit = request.query.get("timeUnit", "MILLISECOND").upper()
        encode = _UNITS.get(unit, wire.MILLIS)
        parts = request.path.strip("/").split("/", 1)
        session: Session
        match parts:
            case ["ws-api", "v3"]:
                shows = request.query.get("returnRateLimits", "true").lower() != "false"
                session = ApiSession(self.desk, encode=encode, limits=shows)
            case ["ws"]:
                session = MarketSession(self.desk, names=(), combined=False, encode=encode)
            case ["ws", names]:
                session = MarketSession(self.desk, names=names.split("/"), combined=False, encode=encode)
            case ["stream"]:
                names = request.query.get("streams", "")
                session = MarketSession(
                    self.desk, names=names.split("/") if names else (), combined=True, encode=encode
                )
            case _:
                return errors.no_such_path()
        self.sessions = [known for known in self.sessions if known.outbox.close_code is None]
        self.sessions.append(session)
        return session

    def client_id(self, request: Request) -> str | None:
        """The client's order id of an order entry, a replacement or a list."""
        if request.method != "POST" or not request.path.startswith("/api/v3/order"):
            return None
        values = _values(request)
        return next((values[name] for name in CLIENT_IDS if name in values), None)

    def refusal(self, fault: Fault, request: Request) -> Reply:
        now_ms = epoch_ms(self.clock.now())
        return errors.fault_reply(fault, now_ms=now_ms, limit=self.state.meter.per_minute or info.WEIGHT_PER_MINUTE)

    # --- What the control door asks -----------------------------------------------------------------------------------

    def orders(self) -> list[dict[str, str | None]]:
        return [hands.order_line(record) for record in self.state.orders.values()]

    def fills(self) -> list[dict[str, str | None]]:
        return [hands.fill_line(fill, self.state.orders[fill.order_id]) for fill in self.state.trades]

    def positions(self) -> list[dict[str, str | None]]:
        return hands.positions(self.state)

    def set_price(self, symbol: str, bid: Decimal, ask: Decimal, last: Decimal | None) -> None:
        canonical, at = self.state.symbols.get(symbol, symbol), self.clock.now()
        try:
            tick = self.market.set_price(
                canonical, bid=Price(bid), ask=Price(ask), last=None if last is None else Price(last), at=at
            )
        except KeyError as error:
            raise Impossible("symbol", f"{symbol} is not listed here") from error
        if tick.quote is not None:
            self.desk.feed_quote(canonical, tick.quote, at)
        if tick.trade is not None:
            self.desk.feed_trade(tick.trade, at)
        self.desk.flush()

    def force_fill(self, order: str, qty: Decimal, price: Decimal) -> None:
        record = self.state.by_any_id(order)
        if record is None:
            raise Impossible("order", f"there is no order {order}", status=404)
        try:
            self._force(record, qty, price)
        finally:
            self.desk.flush()

    def _force(self, record: Record, qty: Decimal, price: Decimal) -> None:
        if not record.is_open:
            raise Impossible("order", f"the order is {record.status}", status=409)
        if not self.desk.is_at_engine(record):
            raise Impossible("order", "this order waits, and does not trade by itself", status=409)
        try:
            self.desk.force(record, qty=qty, price=price)
        except NotOpen as error:
            raise Impossible("order", f"the order is {error.status}", status=409) from error
        except BadOrder as error:
            raise Impossible("qty", str(error)) from error

    def bust(self, exec_id: str) -> None:
        raise Impossible("exec", "a trade of this venue is final")

    def correct(self, exec_id: str, qty: Decimal, price: Decimal) -> None:
        raise Impossible("exec", "a trade of this venue is final")

    def now(self) -> datetime:
        return self.clock.now()

    def move_clock(self, moment: datetime) -> None:
        """Let time pass.  Recorded days play every line up to `moment`; the seeded market is looked at once a minute."""
        if self.clock.stands:
            self._step(moment)
            return
        at = self.clock.now()
        step = max(_MINUTE, (moment - at) / _MAX_STEPS)
        while at < moment:
            at = min(at + step, moment)
            self.clock.move_to(at)
            self._step(at)

    def reset(self) -> None:
        self.clock.reset()
        self.market.reset()
        self.state.meter.reset()
        self.state.reset()
        self.desk.reset()

    # --- Prices -------------------------------------------------------------------------------------------------------

    def _step(self, at: datetime) -> None:
        """The market up to `at`, for the symbols somebody waits for."""
        if self.clock.stands:
            self._play(at)
        else:
            for symbol in self._watched():
                self.desk.look(symbol)
        self.desk.flush()
        for session in self.sessions:
            session.tick(at)
        self.sessions = [session for session in self.sessions if session.outbox.close_code is None]

    def _play(self, at: datetime) -> None:
        for tick in self.market.advance(at, ()):
            self.clock.move_to(max(tick.at, self.clock.now()))
            named = tick.quote or tick.trade
            if named is None or named.symbol not in self.market.instruments:
                continue
            if tick.quote is not None:
                self.desk.feed_quote(tick.quote.symbol, tick.quote, tick.at)
            if tick.trade is not None:
                self.desk.feed_trade(tick.trade, tick.at)
        self.clock.move_to(at)

    def _watched(self) -> list[str]:
        symbols = {record.symbol for record in self.state.open.values()}
        for session in self.sessions:
            symbols |= session.symbols
        return sorted(symbols)

    async def run(self, *, every_s: float | None = None) -> None:
        """Feed the market while time runs, faster while somebody listens.  A clock that stands has nothing to feed."""
        while not self.clock.stands:
            listened = any(session.symbols for session in self.sessions)
            await self.clock.sleep(every_s if every_s is not None else _QUICK_FEED_S if listened else _FEED_S)
            self._step(self.clock.now())


def _values(request: Request) -> Mapping[str, str]:
    """Query and form body; the query wins."""
    body = parsed_query(request.body.decode("latin-1")) if request.body else {}
    return {**body, **request.query}


def _asked(request: Request) -> Asked:
    return Asked(
        values=_values(request), payload=rest_payload(request.raw_query, request.body),
        key=request.headers.get("x-mbx-apikey"),
    )  # fmt: skip


def _reply(body: bytes, headers: Mapping[str, str]) -> Reply:
    return Reply(status=200, body=body, headers=headers, content_type="application/json;charset=UTF-8")


def _refusal(refused: Refused, headers: Mapping[str, str]) -> Reply:
    body = wire.MILLIS(refused.body)
    return Reply(
        status=refused.status, body=body, headers={**headers, **refused.headers},
        content_type="application/json;charset=UTF-8",
    )  # fmt: skip


def create_venue(
    *,
    seed: int = 0,
    clock: Clock,
    data: Path | None = None,
    calendar: bool = False,
    faults: list[Fault] | None = None,
    rate: int | None = None,
    balances: dict[str, Decimal] | None = None,
    commission: Decimal = info.COMMISSION,
    keys: KeyRing | None = None,
    displayed: bool = False,
) -> BinanceVenue:
    """A venue in this process: no threads, no waiting but on `clock`, everything else drawn from `seed`.

    With `data` (a folder of recorded days) the clock stands at the first day until the control door moves it, and only recorded
    coins are listed; raises `NotRecorded` for a folder without minutes.  `rate` is request weight a minute (default 6000, 0
    with `data`; 0 counts nothing).  `calendar` changes nothing: coins have no hours.
    """
    del calendar
    venue_clock, market, history = seeded_market(seed, clock) if data is None else recorded_market(data, clock)
    if rate is None:
        rate = info.WEIGHT_PER_MINUTE if data is None else 0
    return BinanceVenue(
        settings=Settings(
            seed=seed, balances=dict(balances or start_balances(market)), commission=commission, displayed=displayed
        ),
        clock=venue_clock,
        market=market,
        history=history,
        keys=keys or made_keys(Random(f"binance keys {seed}")),
        plan=FaultPlan(faults or [], seed=seed, set_at=venue_clock.now()),
        rate=rate,
    )
